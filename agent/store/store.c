/*
 * store.c: the store's queue: one operation at a time, in order, by io_uring or plain calls.
 *
 * Sweeps have a queue of their own, from which one is taken only when nothing else waits.
 */
#include "store.h"
#include "op.h"
#include "sweep.h"
#include "uring.h"
#include "worker.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct queue {
	struct store_op *first;
	struct store_op **last;
};

struct store {
	struct store_worker *worker;
	struct store_uring *uring; /* NULL: plain system calls */
	struct store_op *running;
	bool running_in_uring;
	struct queue waiting;
	struct queue sweeps;
	struct store_sweep sweep;
	size_t pending;
	bool closing;
};

static bool is_file_name(const char *name)
{
	size_t n = strlen(name);

	return n > 0 && n <= STORE_NAME_MAX && !strchr(name, '/') && strcmp(name, ".") != 0 &&
	       strcmp(name, "..") != 0;
}

static void append(struct queue *q, struct store_op *op)
{
	*q->last = op;
	q->last = &op->next;
}

static struct store_op *take_first(struct queue *q)
{
	struct store_op *op = q->first;

	if (!op)
		return NULL;
	q->first = op->next;
	if (!q->first)
		q->last = &q->first;
	return op;
}

static int enqueue(struct store *s, enum store_op_kind kind, const char *name, char *bytes,
    size_t length, unsigned mode, store_done_fn *done, void *context)
{
	struct store_op *op = is_file_name(name) && !s->closing ? calloc(1, sizeof(*op)) : NULL;

	if (!op) {
		free(bytes);
		return s->closing ? -ECANCELED : is_file_name(name) ? -ENOMEM : -EINVAL;
	}
	op->kind = kind;
	strcpy(op->name, name);
	op->bytes = bytes;
	op->length = length;
	op->mode = mode;
	op->done = done;
	op->context = context;
	append(kind == STORE_OP_SWEEP ? &s->sweeps : &s->waiting, op);
	s->pending++;
	return 0;
}

int store_put(struct store *s, const char *name, char *bytes, size_t length, unsigned mode,
    store_done_fn *done, void *context)
{
	return enqueue(s, STORE_OP_PUT, name, bytes, length, mode, done, context);
}

int store_write(struct store *s, const char *name, uint64_t offset, const char *bytes,
    size_t length, unsigned mode, store_done_fn *done, void *context)
{
	struct store_op **place = s->waiting.last;
	int err = enqueue(s, STORE_OP_WRITE, name, NULL, length, mode, done, context);

	if (err)
		return err;
	(*place)->bytes = (char *)(uintptr_t)bytes;
	(*place)->borrowed = true;
	(*place)->offset = offset;
	return 0;
}

int store_compress(struct store *s, const char *name, uint64_t offset, uint64_t length,
    const char *temporary, const char *target, unsigned mode, store_done_fn *done, void *context)
{
	struct store_op **place = s->waiting.last;
	int err =
	    store_is_temporary(temporary) && (!target || is_file_name(target))
		? enqueue(s, STORE_OP_COMPRESS, name, NULL, (size_t)length, mode, done, context)
		: -EINVAL;

	if (err)
		return err;
	(*place)->offset = offset;
	strcpy((*place)->temporary, temporary);
	if (target)
		strcpy((*place)->target, target);
	return 0;
}

int store_remove(struct store *s, const char *name, store_done_fn *done, void *context)
{
	return enqueue(s, STORE_OP_REMOVE, name, NULL, 0, 0, done, context);
}

int store_rename(
    struct store *s, const char *name, const char *target, store_done_fn *done, void *context)
{
	struct store_op **place = s->waiting.last;
	int err = is_file_name(target)
	              ? enqueue(s, STORE_OP_RENAME, name, NULL, 0, 0, done, context)
	              : -EINVAL;

	if (!err)
		strcpy((*place)->target, target);
	return err;
}

int store_get(struct store *s, const char *name, store_done_fn *done, void *context)
{
	return enqueue(s, STORE_OP_GET, name, NULL, 0, 0, done, context);
}

int store_sweep(
    struct store *s, store_wanted_fn *wanted, const void *order, store_done_fn *done, void *context)
{
	struct store_op **place = s->sweeps.last;
	int err = enqueue(s, STORE_OP_SWEEP, "folder", NULL, 0, 0, done, context);

	if (err)
		return err;
	(*place)->sweep = &s->sweep;
	(*place)->wanted = wanted;
	(*place)->order = order;
	return 0;
}

/* False: nothing waits. */
static bool start_next(struct store *s)
{
	struct store_op *op = take_first(&s->waiting);
	int err = 0;

	if (!op)
		op = take_first(&s->sweeps);
	if (!op)
		return false;
	s->running = op;
	if (op->kind == STORE_OP_PUT)
		err = store_temporary_name(op->name, op->temporary);
	if (err) {
		/* The worker hands it back as it is. */
		store_op_fail(op, STORE_STEP_CREATE, err);
	}
	/* io_uring cannot read a folder or compress; reading is rare, and a renaming alone is no
	 * chain. */
	s->running_in_uring =
	    s->uring && !err &&
	    (op->kind == STORE_OP_PUT || op->kind == STORE_OP_WRITE || op->kind == STORE_OP_REMOVE);
	if (s->running_in_uring)
		store_uring_start(s->uring, op);
	else
		store_worker_start(s->worker, op);
	return true;
}

static bool running_finished(struct store *s)
{
	return s->running_in_uring ? store_uring_finished(s->uring)
	                           : store_worker_finished(s->worker);
}

static void hand_back(struct store *s, struct store_op *op)
{
	const struct store_result result = {.error = op->error,
	    .step = op->error ? op->step : STORE_STEP_NONE,
	    .name = op->name,
	    .bytes = op->kind == STORE_OP_GET ? op->bytes : NULL,
	    .length = op->length,
	    .removed = op->removed,
	    .names = op->names,
	    .more = op->more};

	s->pending--;
	if (op->done)
		op->done(op->context, &result);
	store_op_free(op);
}

size_t store_poll(struct store *s)
{
	struct store_op *op;

	for (;;) {
		if (!s->running && !start_next(s))
			return s->pending;
		if (!running_finished(s))
			return s->pending;
		op = s->running;
		s->running = NULL;
		hand_back(s, op);
	}
}

size_t store_flush(struct store *s, int timeout_ms)
{
	const struct timespec step = {0, 1000000};
	size_t pending = store_poll(s);

	for (int ms = 0; pending > 0 && ms < timeout_ms; ms++) {
		nanosleep(&step, NULL);
		pending = store_poll(s);
	}
	return pending;
}

int store_open(enum store_io io, int dirfd, int lock_fd, struct store **out, int *refused)
{
	struct store *s = calloc(1, sizeof(*s));
	int err = 0;

	*refused = 0;
	if (!s)
		return -ENOMEM;
	s->waiting.last = &s->waiting.first;
	s->sweeps.last = &s->sweeps.first;
	err = store_temporary_begin();
	s->worker = store_worker_new(dirfd);
	if (!s->worker)
		err = -ENOMEM;
	else if (!err && io != STORE_IO_POSIX)
		err = store_uring_new(dirfd, lock_fd, &s->uring);
	if (err && s->worker && io == STORE_IO_AUTO) {
		*refused = err;
		err = 0;
	}
	if (err) {
		(void)store_close(s, 0);
		return err;
	}
	*out = s;
	return 0;
}

const char *store_kind(const struct store *s)
{
	return s->uring ? "io_uring" : "posix";
}

static void cancel(struct store *s, struct queue *q)
{
	struct store_op *op;

	while ((op = take_first(q))) {
		store_op_fail(op, STORE_STEP_NONE, -ECANCELED);
		hand_back(s, op);
	}
}

bool store_close(struct store *s, int timeout_ms)
{
	if (!s)
		return true;
	s->closing = true;
	cancel(s, &s->waiting);
	cancel(s, &s->sweeps);
	if (store_flush(s, timeout_ms) > 0)
		return false;
	if (s->uring)
		store_uring_free(s->uring);
	if (s->worker)
		store_worker_free(s->worker);
	store_sweep_end(&s->sweep);
	free(s);
	return true;
}
