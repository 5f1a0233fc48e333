/*
 * parts.h: the parts of the agent, and who is given whom. It is not for calling them in turn: that
 * is the loop's (agent.c), which alone includes this.
 *
 *   aggregate/drain.h          ring -> aggregator: samples, orphans, what was lost
 *   aggregate/aggregator.h     what was counted
 *   journal/journal.h          every request -> store: a line each (--journal)
 *   persist/restore.h          checkpoint -> aggregator, at the start
 *   persist/backfill.h         store -> aggregator: what a period's file already holds
 *   persist/save.h             aggregator -> store: the checkpoint, then the files
 *   board_writer.h             aggregator -> board
 *   alerts/alerts.h            aggregator -> log and webhooks
 *   retention.h                old files out
 *   store/store.h              files -> disk
 *
 * All of it runs in one thread. The store and the webhooks work beside it, and, for what is large,
 * workers of save.c, backfill.c and board_writer.c (common/worker.h).
 */
#ifndef ORBUS_AGENT_PARTS_H
#define ORBUS_AGENT_PARTS_H

#include "agent/alerts/alerts.h"
#include "agent/journal/journal.h"
#include "agent/persist/backfill.h"
#include "agent/persist/save.h"
#include "agent/store/store.h"
#include "board_writer.h"
#include "retention.h"

struct parts {
	const struct config *config;
	struct log *log;
	char boot_id[40]; /* this boot of the machine */
	struct run_time run_time;
	struct folder folder;
	struct store *store; /* NULL while the folder is gone */
	struct aggregator aggregator;
	struct document_sources documents;
	struct drain *drain;
	struct journal *journal;
	struct backfill *backfill;
	struct save *save;
	struct board_writer *board_writer;
	struct alerts *alerts; /* NULL: none were asked for */
	struct retention *retention;
};

/* Opens all and restores what an earlier agent had. Logs what goes wrong; close them in any case.
 */
int parts_open(struct parts *p, const struct config *config, struct log *log);

/* Goes back to the last checkpoint, after the aggregator ran out of memory. No save may be under
 * way. An error leaves it so. */
int parts_restore_again(struct parts *p);

/* Where saves fail since the folder was removed or moved: makes it anew, and has everything written
 * again. */
void parts_look_after_folder(struct parts *p);

/* `status`: the exit status, should a call to the disk not return. */
void parts_close(struct parts *p, int status);

#endif
