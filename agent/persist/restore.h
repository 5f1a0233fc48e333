/*
 * restore.h: the aggregator, the place reached in the ring and the journal, as the last checkpoint
 * had them.
 */
#ifndef ORBUS_AGENT_PERSIST_RESTORE_H
#define ORBUS_AGENT_PERSIST_RESTORE_H

#include "agent/aggregate/drain.h"
#include "agent/common/data_dir_lock.h"
#include "agent/journal/journal.h"

/* What is restored, and from where; borrowed. */
struct restore {
	const struct config *config;
	struct folder *folder;
	struct aggregator *aggregator;
	struct drain *drain;
	struct journal *journal;
	struct log *log;
};

/*
 * Restores the aggregator from the last checkpoint, or begins a new one. 0, -ENOMEM, or -EIO,
 * logged, where what is there cannot be read.
 */
int restore_aggregator(const struct restore *r);

/*
 * Forgets what was counted since the last checkpoint, to count it again, since the aggregator is
 * out of memory. While a negative errno is returned it stays so. No save may be under way.
 */
int restore_after_shortage(const struct restore *r);

#endif
