/*
 * ts_check.h: timestamps that the agent will not take as they are: older than it keeps files, which
 * it rejects, or ahead of the clock, which it counts as now.
 *
 * Such samples are published all the same: the bus is not the agent's alone, and the agent counts
 * what it rejects.
 */
#ifndef ORBUS_ORPUB_TS_CHECK_H
#define ORBUS_ORPUB_TS_CHECK_H

#include <stdbool.h>
#include <stdint.h>

struct ts_check {
	const char *bus;
	bool has_looked; /* the agent was asked for its retention */
	bool is_sure;    /* it lives, and says it */
	uint64_t retention_days;
	uint64_t old, ahead; /* samples of each kind */
};

void ts_check_begin(struct ts_check *c, const char *bus);

/* Looks at a sample's time in ns, 0: now. The first of each kind is said. `line` 0: of --ts. */
void ts_check_look(struct ts_check *c, uint64_t ts_ns, unsigned long line);

/*
 * Says how many there were, of `published`, where it was more than the one that was said. False: an
 * agent that runs will reject some of them.
 */
bool ts_check_end(const struct ts_check *c, uint64_t published);

#endif
