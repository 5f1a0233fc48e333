/*
 * retention.h: removes files that are older than they are to be kept.
 */
#ifndef ORBUS_AGENT_RETENTION_H
#define ORBUS_AGENT_RETENTION_H

#include "base/journal_name.h"
#include "trusted_clock.h"

struct agent;

/* What a sweep removes. The store's thread reads it while a step of the sweep runs. */
struct retention_order {
	bool left_behind;                 /* temporaries of killed agents */
	int64_t before_day;               /* files of days before this one, */
	char (*kept)[JOURNAL_NAME_BYTES]; /* but for these, which are in use */
	size_t kept_count;
};

struct retention {
	struct trusted_clock clock;
	uint64_t look_next_ns;  /* CLOCK_MONOTONIC, as the others */
	uint64_t store_next_ns; /* the clock's record */
	uint64_t pass_next_ns;
	struct retention_order order;
	bool in_pass, in_step; /* going through the folder; the store has a step of that */
	bool cleaned;          /* there was a pass: no temporaries are left */
	int64_t done_day;      /* `before_day` of the last whole pass */
	size_t removed;        /* in this pass */
};

/* Takes over what the folder remembers of the clock. 0, or -EIO, said. */
int retention_open(struct agent *a);

/* Once a turn: looks at the clock, and has the store go a step further when something is due. */
void retention_run(struct agent *a);

/* A pass is under way or due. */
bool retention_has_more(const struct agent *a);

/* After the store is closed. */
void retention_close(struct agent *a);

#endif
