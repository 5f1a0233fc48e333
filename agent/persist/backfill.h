/*
 * backfill.h: what the files of newly opened periods already hold, read back into the aggregator.
 */
#ifndef ORBUS_AGENT_PERSIST_BACKFILL_H
#define ORBUS_AGENT_PERSIST_BACKFILL_H

#include "agent/aggregate/aggregator.h"
#include "agent/common/data_dir_lock.h"

struct backfill;
struct store;

/* What is given is borrowed. -ENOMEM; close it in any case. */
int backfill_open(struct aggregator *aggregator, const struct folder *folder,
    struct store *const *store, struct log *log, struct backfill **out);
void backfill_close(struct backfill *b);

/* Asks for the files of periods that were just opened. */
void backfill_ask(struct backfill *b);

/* Whether what a period's file holds is yet to come: `all`, or those that are not late. */
bool backfill_missing(const struct backfill *b, uint64_t now_ns, bool all);

/* A step of reading what has been fetched. True: there was one, which took its time. */
bool backfill_go_on(struct backfill *b);

#endif
