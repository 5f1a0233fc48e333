/*
 * agent.h: the persistence agent: its parts, and who calls whom.
 *
 *   agent.c      the loop: wait, drain, refresh, save, roll over, retire
 *   drain.c     ring -> aggregator: draining, orphans, what was lost
 *   lying_lanes.c      lanes that lie -> log
 *   agent/persist/restore.c    checkpoint -> aggregator, at the start
 *   agent/persist/save.c      aggregator -> store: the checkpoint, then the files
 *   agent/persist/checkpoint.c      aggregator -> the checkpoint's bytes
 *   agent/journal/journal.h    every request -> store: a line each (--journal)
 *   agent/persist/backfill.c      store -> aggregator: what a period's file already holds
 *   board_writer.c   aggregator -> board
 *   retention.h  old files out
 *   agent/alerts/alerts.c     aggregator -> log and webhooks; agent/alerts/alerts.h names its parts
 *
 * All of it runs in one thread. The store and the webhooks work beside it, and, for what is large,
 * workers of agent/persist/save.c, agent/persist/backfill.c and board_writer.c (worker.h).
 */
#ifndef ORBUS_AGENT_H
#define ORBUS_AGENT_H

#include "agent/journal/journal.h"
#include "agent/persist/backfill.h"
#include "agent/persist/checkpoint.h"
#include "agent/persist/data_dir_lock.h"
#include "agent/persist/restore.h"
#include "agent/persist/save.h"
#include "agent/store/store.h"
#include "aggregator.h"
#include "config.h"
#include "document_context.h"
#include "drain.h"
#include "retention.h"
#include "run_time.h"
#include "worker.h"

#include <signal.h>

struct alerts;
struct board_writer;

struct agent {
	const struct config *config;
	struct log *log;
	struct folder folder;
	struct store *store;
	struct drain *drain;
	struct aggregator aggregator;
	struct save *save;
	struct backfill *backfill;
	struct document_sources documents;
	struct board_writer *board_writer;
	struct alerts *alerts; /* NULL: none were asked for */
	struct journal *journal;
	struct run_time run_time;
	uint64_t behind_since_ns; /* CLOCK_MONOTONIC: there was more to drain; 0: no */
	bool is_drained;          /* for good: what comes now is for the next agent */
	uint64_t second_next_ns;  /* what is done once a second */
	uint64_t beat_next_ns;    /* the next heartbeat is due */
	uint64_t drained_ns;      /* CLOCK_MONOTONIC: the end of the last drain, or of a sleep */
	struct retention *retention;
	uint64_t crowded_out_said, crowded_out_next_ns;
	char boot_id[40]; /* this boot of the machine */
};

/* Set by signal handlers. */
extern volatile sig_atomic_t agent_snapshot, agent_reload;

/* The exit status, should the time for stopping run out: 1 until the last checkpoint is stored. */
extern volatile sig_atomic_t agent_status;

/* Runs until told to stop, or once: the exit status. */
int agent_run(const struct config *config, struct log *log);

#endif
