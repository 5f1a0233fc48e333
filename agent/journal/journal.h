/*
 * journal.h: every request that is counted, as a line of JSON in the file of its hour.
 *
 *   journal.c          lines in, and on to the disk with each save
 *   restore.c  what a killed agent left, brought to what the checkpoint says
 *   compress.c     hours that are over, compressed
 *
 * The crash argument. Lines lie in memory until a save, which appends them to their files; the
 * checkpoint that is stored after that names the length of every file together with the positions
 * in the ring that these lines reach to. So
 *   - a checkpoint names no byte that is not on the disk;
 *   - what a file holds beyond the length that the checkpoint names comes from the ring again: a
 *     restarted agent cuts it off, and readers stop there;
 *   - the checkpoint before does as well, should the last be damaged: its lengths are of its
 *     positions. A file is compressed only when both name the same length, so that none of what
 *     could be read again is in a file that cannot be cut;
 *   - the compressed file is whole on the disk before the plain one goes, and counts where both
 *     are there. What comes later is put in a further part of the hour.
 */
#ifndef ORBUS_AGENT_JOURNAL_H
#define ORBUS_AGENT_JOURNAL_H

#include "agent/aggregator.h"
#include "agent/store/store.h"
#include "agent/store/temporary.h"
#include "doc/checkpoint_file.h"

struct agent;

struct journal_file {
	struct journal_file *next;
	struct agent *agent;
	struct journal_name name;
	char text[JOURNAL_NAME_BYTES]; /* the name */
	uint64_t start_ns, end_ns;     /* of its hour */
	bool accepts;                  /* lines of its hour go here */
	bool compressed;               /* the compressed file is there: the plain one is to go */
	uint64_t durable;              /* bytes that are on the disk */
	char *batch;                   /* the batch that comes behind them */
	size_t batch_length;
	char *lines; /* that have come since */
	size_t length, capacity;
	uint64_t last_ns; /* when the last line came */
	/* Its length in the checkpoint being stored, in the last one stored and the one before. */
	uint64_t len_pending, len_checkpoint, len_previous_checkpoint;
};

#define JOURNAL_NOT_IN_CHECKPOINT UINT64_MAX

/* The number that the next part of an hour gets. */
struct journal_part {
	uint32_t label, mark, next;
};

struct journal {
	bool on;
	bool known; /* it is, or was: the checkpoint says so */
	struct journal_file *files;
	size_t file_count;
	struct journal_part *parts; /* sorted by hour */
	size_t part_count, part_capacity;
	uint64_t *from, *upto; /* as in struct checkpoint_journal */
	uint32_t lane_count;
	size_t bytes; /* of lines and flights */
	size_t bound; /* on that */
	size_t writes_left;
	bool write_failed;
	bool lost_said;
	/* Compressing. */
	struct journal_file *compressing;
	char temporary[STORE_TEMPORARY_BYTES];
	uint64_t compressed_bytes;
	uint64_t compress_next_ns; /* CLOCK_MONOTONIC: not before */
	bool stopping;
};

/* --- journal.c */

/* aggregator_request_fn of the agent. */
enum aggregator_kept journal_keep(void *agent, const struct orbus_sample *s);

/* Makes a batch of what has come, and says in *out what a checkpoint of now names. 0 or -ENOMEM. */
int journal_freeze(struct agent *a, struct checkpoint_bus *out);

/* Writes the batches. When journal_is_writing() has become false, all are on the disk or
 * journal_write_failed(), which is logged. */
void journal_write(struct agent *a);
bool journal_is_writing(const struct agent *a);
bool journal_write_failed(const struct agent *a);

/* The checkpoint that names them is stored. */
void journal_named(struct agent *a);

/* So much is waiting that it should be written before the next checkpoint is due. */
bool journal_is_urgent(const struct agent *a);

/* The ring is another one. */
int journal_begin_bus(struct agent *a);

/* The folder is another one, and empty. */
void journal_begin_folder(struct agent *a);

void journal_free(struct agent *a);

/* The checkpoint names the hour's file before its first line comes. */
void journal_open_hour(struct agent *a, uint64_t now_ns);

/* For the parts of the journal. */
struct journal_file *journal_add_file(
    struct agent *a, const struct journal_name *name, uint64_t start_ns, uint64_t end_ns);
void journal_drop_file(struct agent *a, struct journal_file *f);
/* The next part of its hour has a higher number. False: out of memory. */
bool journal_note_part(struct journal *j, const struct journal_name *name);

/* --- restore.c */

/*
 * Takes over what a checkpoint says (NULL: there is none), after the positions in the ring have
 * been taken over: `same`, of this very ring; `skipped`: what the ring holds was passed over.
 */
int journal_restore(struct agent *a, const struct checkpoint_bus *saved, bool same, bool skipped);

/* --- compress.c */

/* Starts what is due. */
void journal_run(struct agent *a, uint64_t now_ns);

/* An hour that is over waits for a checkpoint more, to be compressed. */
bool journal_wants_checkpoint(const struct agent *a, uint64_t now_ns);

/* Something is being compressed, or is about to be. */
bool journal_is_compressing(const struct agent *a);
bool journal_has_work(const struct agent *a, uint64_t now_ns);

/* Before the store is closed: no further steps. */
void journal_stop(struct agent *a);

#endif
