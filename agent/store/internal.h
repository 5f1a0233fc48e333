/*
 * internal.h: what the parts of the store share.
 *
 *   store.c         the queue: one operation at a time, completions in the caller's thread
 *   posix.c   an operation by plain system calls
 *   worker.c  one thread that carries out operations by plain system calls
 *   read.c    reading a whole file
 *   sweep.c   one step of removing many files
 *   compress.c    one step of compressing a file
 *   uring.c   replacing, extending and removing as chains of linked io_uring requests
 */
#ifndef ORBUS_AGENT_STORE_INTERNAL_H
#define ORBUS_AGENT_STORE_INTERNAL_H

#include "base/data_limits.h"
#include "store.h"

#include <limits.h>

#define STORE_READ_MAX DOCUMENT_BYTES_MAX
/* ".NAME.<16 hex>.tmp" must be a file name too. */
#define STORE_NAME_MAX 200

enum store_op_kind {
	STORE_OP_PUT,
	STORE_OP_WRITE,
	STORE_OP_COMPRESS,
	STORE_OP_REMOVE,
	STORE_OP_RENAME,
	STORE_OP_GET,
	STORE_OP_SWEEP,
};

/* How far a sweep has come. The worker's thread has it while a step runs, else nobody needs it. */
struct store_sweep {
	void *dir;    /* DIR; NULL: begin at the beginning */
	bool removed; /* since the beginning */
};

struct store_op {
	struct store_op *next;
	enum store_op_kind kind;
	char name[STORE_NAME_MAX + 1];
	char temporary[STORE_TEMPORARY_BYTES];
	char target[STORE_NAME_MAX + 1]; /* rename, and the last step of a pack */
	unsigned mode;
	char *bytes;   /* put, write: to write; get: what was read */
	bool borrowed; /* `bytes` are the caller's */
	size_t length;
	uint64_t offset; /* write, pack */
	/* sweep */
	struct store_sweep *sweep;
	store_wanted_fn *wanted;
	const void *order;
	char *names[STORE_SWEPT_NAMES + 1];
	size_t removed;
	bool more;
	store_done_fn *done;
	void *context;
	int error;
	enum store_step step;
};

/* Notes where an operation stopped. Returns the error. */
int store_op_fail(struct store_op *op, enum store_step step, int error);

/* A new unpredictable name beside the operation's. */
int store_op_name_temporary(struct store_op *op);

/* Carries out an operation by plain system calls; the outcome is in the operation. */
void store_posix_execute(int dirfd, struct store_op *op);

/* Carries out one step of a sweep. */
void store_sweep_execute(int dirfd, struct store_op *op);
void store_sweep_end(struct store_sweep *sweep);

/* Carries out one step of compressing. */
void store_compress_execute(int dirfd, struct store_op *op);

/* A thread that carries out one operation at a time. It is started by the first. */
struct store_worker;
struct store_worker *store_worker_new(int dirfd);
void store_worker_start(struct store_worker *w, struct store_op *op);
/* True when the operation that was started has ended, once. */
bool store_worker_finished(struct store_worker *w);
/* Waits for the operation under way. */
void store_worker_free(struct store_worker *w);

/* Chains of io_uring requests, one operation (put, write or remove) at a time. */
struct store_uring;
/* 0, or the error for which io_uring is refused. */
int store_uring_new(int dirfd, int lock_fd, struct store_uring **out);
void store_uring_start(struct store_uring *u, struct store_op *op);
bool store_uring_finished(struct store_uring *u);
/* Waits for the operation under way. */
void store_uring_free(struct store_uring *u);

#endif
