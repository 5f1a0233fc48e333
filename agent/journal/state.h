/*
 * state.h: what the journal keeps in memory. Private to the folder; journal.h is for the others.
 */
#ifndef ORBUS_AGENT_JOURNAL_STATE_H
#define ORBUS_AGENT_JOURNAL_STATE_H

#include "agent/aggregate/aggregator.h"
#include "agent/common/config.h"
#include "agent/common/data_dir_lock.h"
#include "agent/store/result.h"
#include "agent/store/temporary.h"
#include "base/journal_name.h"

struct journal_file {
	struct journal_file *next;
	struct journal *journal;
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

/* What is done next to compress a file (compress.c). */
enum compress_step {
	COMPRESS_IDLE,
	COMPRESS_PIECE,        /* one after the other, until all are in the compressed file */
	COMPRESS_REMOVE_PLAIN, /* the plain file goes */
	COMPRESS_END,
};

struct compress {
	enum compress_step step;
	bool storing;               /* the store has the step's operation, and has not ended it */
	int error;                  /* of the operation that ended last: 0 or a negative errno */
	enum store_step error_step; /* where it stopped */
	struct journal_file *file;
	uint64_t handed; /* so much of it was given to the store */
	char temporary[STORE_TEMPORARY_BYTES], target[JOURNAL_NAME_BYTES];
	uint64_t next_ns; /* CLOCK_MONOTONIC: not before */
};

struct journal {
	const struct config *config;
	struct aggregator *aggregator;
	struct folder *folder;
	struct store *const *store;
	struct log *log;
	struct log_once compress_error;
	uint64_t ring_bytes; /* of the ring that is read */
	/* All from here on is forgotten by journal_forget(). */
	bool on;
	bool known; /* it is, or was: the checkpoint says so */
	struct journal_file *files;
	size_t file_count;
	struct journal_part *parts; /* sorted by hour */
	size_t part_count, part_capacity;
	uint64_t *from, *upto; /* as in struct checkpoint_journal */
	uint32_t lane_count;
	size_t bytes;          /* of lines and batches */
	size_t bound;          /* on that */
	struct log_once *said; /* of writing: the save's */
	size_t writes_left;
	bool write_failed;
	bool lost_said;
	struct compress compress;
	bool stopping;
};

struct journal_file *journal_add_file(
    struct journal *j, const struct journal_name *name, uint64_t start_ns, uint64_t end_ns);
void journal_drop_file(struct journal *j, struct journal_file *f);

/* The next part of its hour has a higher number. False: out of memory. */
bool journal_note_part(struct journal *j, const struct journal_name *name);

/* The checkpoint names the hour's file before its first line comes. */
void journal_open_hour(struct journal *j, uint64_t now_ns);

/* Forgets all files and lines. */
void journal_forget(struct journal *j);

#endif
