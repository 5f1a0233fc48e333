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
#include "agent/persist/checkpoint.h"
#include "agent/persist/data_dir_lock.h"
#include "agent/store/store.h"
#include "aggregator.h"
#include "board/board.h"
#include "config.h"
#include "live/reaper.h"
#include "retention.h"
#include "ring/reader.h"
#include "ring/shm_object.h"
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
struct backfill;
struct board_writer;

struct agent {
	const struct config *config;
	struct log *log;
	struct folder folder;
	struct store *store;
	struct orbus_reader *reader;
	struct reaper *reaper;
	struct board *board; /* NULL: none can be made */
	struct aggregator aggregator;
	struct save save;
	struct backfill *backfill;
	unsigned aggregator_generation;    /* grows when the aggregator is made anew */
	struct board_writer *board_writer; /* NULL until the first large board */
	struct alerts *alerts;             /* NULL: none were asked for */
	struct journal journal;
	struct bus_paths paths;
	int bus_lock_fd; /* holds the bus's agent lock */
	/* The troubles with bus, lock and board that were said last; 0: none. */
	int bus_error, bus_lock_error, board_error;
	struct lying_lanes *lying_lanes;
	uint64_t bus_lock_inode, ring_inode; /* of the bus as it was last made or found */
	struct run_time run_time;
	uint8_t bus_id[16];
	uint64_t lost_seen, rejected_seen; /* of the reader, already in the aggregator */
	uint64_t lost_unsaid;              /* lost samples that no log line has told of */
	uint64_t lost_say_ns;              /* CLOCK_MONOTONIC: the next such line, not before */
	uint64_t forgotten_say_ns;         /* likewise of requests in flight */
	uint64_t behind_since_ns;          /* CLOCK_MONOTONIC: there was more to drain; 0: no */
	bool is_drained;                   /* for good: what comes now is for the next agent */
	uint64_t board_changes;            /* aggregator's at the last refresh */
	uint64_t board_next_ns;
	bool board_is_due;         /* its windows are being brought up to now */
	uint64_t second_next_ns;   /* what is done once a second */
	uint64_t beat_next_ns;     /* the next heartbeat is due */
	uint64_t drained_ns;       /* CLOCK_MONOTONIC: the end of the last drain, or of a sleep */
	uint64_t longest_pause_ns; /* from that to the next drain, since the start */
	struct retention retention;
	struct log_once board_last_error, retention_last_error, backfill_last_error,
	    journal_last_error;
	unsigned backfill_backoff_seconds; /* 0: the files of periods can be read */
	uint64_t backfill_next_ns;         /* CLOCK_MONOTONIC: not before */
	uint64_t crowded_out_said, crowded_out_next_ns;
	char boot_id[40]; /* this boot of the machine */
};

/* Set by signal handlers. */
extern volatile sig_atomic_t agent_snapshot, agent_reload;

/* The exit status, should the time for stopping run out: 1 until the last checkpoint is stored. */
extern volatile sig_atomic_t agent_status;

/* Runs until told to stop, or once: the exit status. */
int agent_run(const struct config *config, struct log *log);

/* --- drain.c */

/* Opens the bus, made where it is missing, and takes its agent lock. Logs what goes wrong. */
int drain_open(struct agent *a);
void drain_close(struct agent *a);

/* A reader of the bus as the agent wants it. */
int drain_open_reader(const struct agent *a, struct orbus_reader **out);

/* Takes over the positions of a checkpoint, NULL: none. `skip`: pass over what the ring holds. */
struct checkpoint_bus;
void drain_resume(struct agent *a, const struct checkpoint_bus *saved, bool skip);

/* Whether a checkpoint is of the ring that is served now, in this boot. */
bool drain_is_same_bus(const struct agent *a, const struct checkpoint_bus *saved);

/* Counts what there is, for a few milliseconds at most. True: there may be more. */
bool drain_ring(struct agent *a, uint64_t now_ns);

/*
 * Counts requests as orphaned whose producers have died. A step of a millisecond or two each turn;
 * `at_once`: looks at all producers now.
 */
void drain_reap(struct agent *a, uint64_t now_ns, bool at_once);

/* Once a second: is the bus still there? Logs what was lost or forgotten, now and then. */
void drain_look_after(struct agent *a);

/* Logs what was lost or forgotten and not told of yet. */
void drain_say_rest(struct agent *a);

/* The place reached in every lane. -ENOMEM. */
int drain_positions(const struct agent *a, struct checkpoint_bus *out);

/* --- lying_lanes.c */

/* Logs which lanes say what cannot be, each at most once a minute. */
void lying_lanes_report(struct agent *a, uint64_t monotonic_ns);

/* --- agent/persist/restore.c */

/*
 * Restores the aggregator from the last checkpoint, or begins a new one. 0, -ENOMEM, or -EIO, said,
 * where what is there cannot be read.
 */
int restore_aggregator(struct agent *a);

/*
 * Forgets what was counted since the last checkpoint, to count it again, since the aggregator is
 * out of memory. While a negative errno is returned it stays so. No save may be under way.
 */
int restore_after_shortage(struct agent *a);

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

/* --- agent/persist/backfill.c */

/* Asks for the files of periods that were just opened. */
void backfill_ask(struct agent *a);

/* Whether what a period's file holds is yet to come: `all`, or those that are not late. */
bool backfill_missing(const struct agent *a, uint64_t now_ns, bool all);

/* A step of reading what has been fetched. True: there was one, which took its time. */
bool backfill_go_on(struct agent *a);

int backfill_open(struct agent *a); /* -ENOMEM */
void backfill_close(struct agent *a);

/* --- board_writer.c */

/* A step of refreshing the board, when that is due. True: there was one, which took its time. */
bool board_writer_refresh(struct agent *a, uint64_t now_ns);

/* There is another step to make at once; the worker has one in hand. */
bool board_writer_has_more(const struct agent *a);
bool board_writer_is_at_work(const struct agent *a);

void board_writer_close(struct agent *a);

/* What the document of a period says beside its sum: checkpoint_context_fn of an agent. */
void board_writer_period_context(void *agent, struct checkpoint_period *p, uint64_t now_ns);

/* The document of everything since the agent started, as a file's text. NULL: out of memory. */
char *board_writer_since_start(struct agent *a, uint64_t now_ns, size_t *length);

#endif
