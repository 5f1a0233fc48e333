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
#include "agent/store/store.h"
#include "aggregator.h"
#include "config.h"
#include "document_context.h"
#include "drain.h"
#include "retention.h"
#include "run_time.h"
#include "worker.h"

#include <signal.h>

/* What the running save does next (agent/persist/save.c). */
enum save_step {
	SAVE_IDLE,
	SAVE_FREEZE,           /* take down all, as of one instant */
	SAVE_RENDER,           /* the checkpoint's bytes, beside the loop perhaps */
	SAVE_UNFREEZE,         /* the sums change again */
	SAVE_JOURNAL_LINES,    /* write what the checkpoint names of the journal */
	SAVE_KEEP_PREVIOUS,    /* rename the last checkpoint to be the one before */
	SAVE_STORE_CHECKPOINT, /* store the new one */
	SAVE_COMMIT,           /* it is durable */
	SAVE_FILES,            /* write the files of periods, a few at once */
	SAVE_END,
};

struct save {
	enum save_step step;
	bool storing;                /* the store has the step's operation, and has not ended it */
	int error;                   /* of the operation that ended last: 0 or a negative errno */
	enum store_step error_step;  /* where it stopped */
	bool failed;                 /* the running save, or the last one */
	bool thawing;                /* what came while the sums were frozen is yet to be added */
	bool at_once;                /* the running save writes every file */
	uint64_t frozen_ns;          /* the instant that the running save is of */
	uint64_t changes;            /* aggregator's when the running save was made */
	uint64_t saved_changes;      /* aggregator's when the last good one was */
	uint64_t checkpoint_changes; /* aggregator's in the last checkpoint that is on the disk */
	struct checkpoint_draft draft; /* being rendered, by the worker perhaps */
	char *checkpoint;              /* rendered, not yet the store's */
	size_t checkpoint_length;
	struct save_file *files;         /* not yet given to the store */
	struct save_file *rendered_file; /* whose text is being rendered by the worker */
	size_t files_storing;
	bool files_waiting; /* of late periods, for the next save */
	struct worker *worker;
	uint64_t waiting_since_ns; /* for what periods are opened with; 0: for nothing */
	uint64_t next_ns;          /* CLOCK_MONOTONIC: not before */
	unsigned backoff_seconds;  /* 0: all is well */
	uint64_t trim_next_ns;     /* CLOCK_MONOTONIC: not before */
	struct log_once last_error;
};

struct alerts;
struct board_writer;

struct agent {
	const struct config *config;
	struct log *log;
	struct folder folder;
	struct store *store;
	struct drain *drain;
	struct aggregator aggregator;
	struct save save;
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

/* --- agent/persist/save.c */

/* Starts a save when one is due. True: it did, which took its time. */
bool save_run(struct agent *a, uint64_t now_ns, bool at_once);

/* The next steps of the running save; once a turn, after store_poll(). True: they took their time.
 */
bool save_go_on(struct agent *a);

/* True when there is another step to make at once. */
bool save_has_more(const struct agent *a);

/* True while a save is under way. */
bool save_is_busy(const struct agent *a);

/* True when a checkpoint is on the disk that holds the aggregator's first so many changes. */
bool save_has_stored(const struct agent *a, uint64_t changes);

/* The aggregator is another one, and counts its changes anew. No save may be under way. */
void save_begin_anew(struct agent *a);

/* Leaves the files of the running save that the store does not have yet to the next one. */
void save_put_off_files(struct agent *a);

/* True while something is done beside the loop, for which save_go_on() waits. */
bool save_is_at_work(const struct agent *a);

/* -ENOMEM. */
int save_open(struct agent *a);

/* Forgets a save that was not carried out; after the store is closed. */
void save_close(struct agent *a);

/* True when everything that was counted is on the disk, in the files too. */
bool save_is_done(const struct agent *a, uint64_t now_ns);

/* Writes metrics_....json. */
void save_snapshot(struct agent *a, uint64_t now_ns);

/* The folder was removed or moved: makes it anew, and writes everything again. */
void save_look_after_folder(struct agent *a);

#endif
