/*
 * agent.h: the persistence agent: its parts, and who calls whom.
 *
 *   agent.c      the loop: wait, drain, refresh, save, roll over, retire
 *   drain.c     ring -> aggregator: draining, orphans, what was lost
 *   lying_lanes.c      lanes that lie -> log
 *   agent/persist/restore.c    checkpoint -> aggregator, at the start
 *   agent/persist/save.c      aggregator -> store: the checkpoint, then the files (save_files.c)
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

#include "config.h"
#include "log.h"

#include <signal.h>

/* Set by signal handlers. */
extern volatile sig_atomic_t agent_snapshot, agent_reload;

/* The exit status, should the time for stopping run out: 1 until the last checkpoint is stored. */
extern volatile sig_atomic_t agent_status;

/* Runs until told to stop, or once: the exit status. */
int agent_run(const struct config *config, struct log *log);

#endif
