/*
 * save_due.h: when the next save is due. What a save does is save.c's.
 */
#ifndef ORBUS_AGENT_PERSIST_SAVE_DUE_H
#define ORBUS_AGENT_PERSIST_SAVE_DUE_H

#include "agent/aggregate/aggregator.h"
#include "agent/journal/journal.h"
#include "backfill.h"

struct save_due {
	/* Borrowed. */
	const struct aggregator *aggregator;
	const struct journal *journal;
	const struct backfill *backfill;
	unsigned checkpoint_seconds;
	uint64_t saved_changes;    /* that the last good save has */
	uint64_t waiting_since_ns; /* for what periods are opened with; 0: for nothing */
	uint64_t next_ns;          /* CLOCK_MONOTONIC: not before */
	unsigned backoff_seconds;  /* 0: all is well */
};

/* Something is to be saved, or, with `at_once`, to be written that could wait. */
bool save_due_has_news(const struct save_due *d, uint64_t now_ns, bool at_once);

/* The same, and it is time. */
bool save_due_is_now(const struct save_due *d, uint64_t now_ns, bool at_once);

/* The file of a period that is not there yet makes a save wait, for a while. */
bool save_due_must_wait(struct save_due *d, uint64_t now_ns, bool at_once);

/* A save has ended: what it has, whether it failed, and whether the next one should come soon. */
void save_due_ended(struct save_due *d, uint64_t changes, bool failed, bool is_short_of_room);

#endif
