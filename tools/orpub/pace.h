/*
 * pace.h: publishing many samples no faster than an agent counts them, and knowing what was
 * overwritten before one did.
 */
#ifndef ORBUS_ORPUB_PACE_H
#define ORBUS_ORPUB_PACE_H

#include <stdbool.h>
#include <stdint.h>

#define PACE_MARKS 4 /* a lane's length, in quarters */

struct pace {
	const char *bus;
	uint64_t slots, quarter; /* of a lane; 0: not known, so nothing is told */
	uint64_t published;
	uint64_t counted; /* of those, the first that an agent has read, or that were overwritten */
	uint64_t lost;
	uint64_t marks_ns[PACE_MARKS]; /* CLOCK_BOOTTIME at the ends of the last quarters */
	bool gave_up;
};

/* The producer must be open, so that there is a bus. */
void pace_begin(struct pace *p, const char *bus);

/* A sample was published. Waits where an agent lives that has not read the last half of the lane.
 */
void pace_published(struct pace *p);

/* Of what was published, the samples that were overwritten before an agent read them. */
uint64_t pace_lost(struct pace *p);

#endif
