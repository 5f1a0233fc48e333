/*
 * op.h: one operation of the store, from being queued to its outcome.
 *
 * store.c owns it while it waits. The implementation that carries it out owns it from its start
 * until it has ended: worker.c's thread or uring.c.
 */
#ifndef ORBUS_AGENT_STORE_OP_H
#define ORBUS_AGENT_STORE_OP_H

#include "result.h"
#include "temporary.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum store_op_kind {
	STORE_OP_PUT,
	STORE_OP_WRITE,
	STORE_OP_COMPRESS,
	STORE_OP_REMOVE,
	STORE_OP_RENAME,
	STORE_OP_GET,
	STORE_OP_SWEEP,
};

/* How far a sweep has come. It is the worker's thread's while a step runs, and is not used at other
 * times. */
struct store_sweep {
	void *dir;    /* DIR; NULL: begin at the beginning */
	bool removed; /* since the beginning */
};

struct store_op {
	struct store_op *next;
	enum store_op_kind kind;
	char name[STORE_NAME_MAX + 1];
	char temporary[STORE_TEMPORARY_BYTES];
	char target[STORE_NAME_MAX + 1]; /* rename, and the last step of compressing */
	unsigned mode;
	char *bytes;   /* put, write: to write; get: what was read */
	bool borrowed; /* `bytes` are the caller's */
	size_t length;
	uint64_t offset; /* write, compress */
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

void store_op_free(struct store_op *op);

#endif
