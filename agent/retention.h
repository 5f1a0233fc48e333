/*
 * retention.h: removes files that are older than they are to be kept.
 */
#ifndef ORBUS_AGENT_RETENTION_H
#define ORBUS_AGENT_RETENTION_H

#include "agent/aggregate/aggregator.h"
#include "agent/common/config.h"
#include "agent/common/data_dir_lock.h"
#include "agent/journal/journal.h"

struct retention;

/* What it works on; borrowed. */
struct retention_sources {
	const struct config *config;
	const char *boot_id;           /* this boot of the machine */
	struct aggregator *aggregator; /* its open files stay; it is told the time */
	const struct journal *journal; /* likewise */
	struct folder *folder;
	struct store *const *store;
};

/*
 * Takes over what the folder remembers of the clock. 0, -ENOMEM, or -EIO, logged; close it in any
 * case.
 */
int retention_open(
    const struct retention_sources *sources, struct log *log, struct retention **out);

/*
 * Once a turn: looks at the clock, and has the store go a step further when something is due and
 * `may_remove`: no save is under way.
 */
void retention_run(struct retention *r, bool may_remove);

/* A pass is under way or due. */
bool retention_has_more(const struct retention *r);

/* After the store is closed. */
void retention_close(struct retention *r);

#endif
