/*
 * uring.c: replacing, extending and removing a file, each as one chain of linked io_uring
 * requests.
 *
 *   put      openat (direct) -> write -> fsync -> close (direct) -> renameat -> fsync of the folder
 *   write    openat (direct) -> write -> fsync -> close (direct), and for a new file the folder's
 *   remove   unlinkat -> fsync of the folder
 *
 * The file lives in a slot of the ring's own table (a direct descriptor), since the number of a
 * plain one is not known when the write is queued. A request that fails, or a write that falls
 * short, cancels what is linked behind it (IOSQE_IO_LINK, not HARDLINK), so the rename never
 * happens on half a file. What a broken chain leaves, a slot in use and a temporary file, is
 * cleaned up by a second submission.
 *
 * The folder's lock occupies another slot: the ring keeps a reference to its open file description
 * until the kernel has torn the ring down, which it does after the last request has ended.
 */
#include "uring.h"
#include "posix.h"

#include <errno.h>
#include <fcntl.h>
#include <liburing.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SLOT_FILE 0
#define SLOT_LOCK 1
#define ENTRIES   16
#define LINKS_MAX 6

#define PROBE_NAME "probe"

/* The requests of a put, in their order; a write has the first four, and then that of the folder.
 */
enum link { LINK_OPEN, LINK_WRITE, LINK_SYNC, LINK_CLOSE, LINK_RENAME, LINK_SYNC_DIR };

struct store_uring {
	struct io_uring ring;
	int dirfd;
	struct store_op *op;
	unsigned links; /* of the chain under way */
	unsigned left;  /* completions still to come */
	bool cleaning;
	int results[LINKS_MAX];
};

static const enum store_step put_steps[LINKS_MAX] = {
    [LINK_OPEN] = STORE_STEP_CREATE,
    [LINK_WRITE] = STORE_STEP_WRITE,
    [LINK_SYNC] = STORE_STEP_SYNC,
    [LINK_CLOSE] = STORE_STEP_WRITE,
    [LINK_RENAME] = STORE_STEP_RENAME,
    [LINK_SYNC_DIR] = STORE_STEP_SYNC_DIR,
};
static const enum store_step write_steps[] = {
    [LINK_OPEN] = STORE_STEP_CREATE,
    [LINK_WRITE] = STORE_STEP_WRITE,
    [LINK_SYNC] = STORE_STEP_SYNC,
    [LINK_CLOSE] = STORE_STEP_WRITE,
    [LINK_CLOSE + 1] = STORE_STEP_SYNC_DIR,
};
static const enum store_step remove_steps[] = {STORE_STEP_REMOVE, STORE_STEP_SYNC_DIR};

/* The next request of the chain. The ring has room for more than one chain needs. */
static struct io_uring_sqe *next_link(struct store_uring *u)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&u->ring);

	u->results[u->links] = -ECANCELED;
	u->links++;
	return sqe;
}

/* Flags are set after io_uring_prep_*(), which clears them. */
static void link_up(struct io_uring_sqe *sqe, unsigned index, unsigned flags)
{
	sqe->flags |= (unsigned char)flags;
	io_uring_sqe_set_data64(sqe, index);
}

/* From the opening of a file to its closing. */
static void queue_content(
    struct store_uring *u, struct store_op *op, const char *name, int flags, unsigned after)
{
	struct io_uring_sqe *sqe = next_link(u);

	io_uring_prep_openat_direct(
	    sqe, u->dirfd, name, O_WRONLY | O_NOFOLLOW | flags, op->mode, SLOT_FILE);
	link_up(sqe, LINK_OPEN, IOSQE_IO_LINK);
	sqe = next_link(u);
	io_uring_prep_write(sqe, SLOT_FILE, op->bytes, (unsigned)op->length, op->offset);
	/* ASYNC: never copy megabytes, or wait for a slow disk, in the caller's thread. */
	link_up(sqe, LINK_WRITE, IOSQE_IO_LINK | IOSQE_FIXED_FILE | IOSQE_ASYNC);
	sqe = next_link(u);
	io_uring_prep_fsync(sqe, SLOT_FILE, 0);
	link_up(sqe, LINK_SYNC, IOSQE_IO_LINK | IOSQE_FIXED_FILE);
	sqe = next_link(u);
	io_uring_prep_close_direct(sqe, SLOT_FILE);
	link_up(sqe, LINK_CLOSE, after);
}

static void queue_put(struct store_uring *u, struct store_op *op)
{
	struct io_uring_sqe *sqe;

	queue_content(u, op, op->temporary, O_CREAT | O_EXCL, IOSQE_IO_LINK);
	sqe = next_link(u);
	io_uring_prep_renameat(sqe, u->dirfd, op->temporary, u->dirfd, op->name, 0);
	link_up(sqe, LINK_RENAME, IOSQE_IO_LINK);
	sqe = next_link(u);
	io_uring_prep_fsync(sqe, u->dirfd, 0);
	link_up(sqe, LINK_SYNC_DIR, 0);
}

static void queue_write(struct store_uring *u, struct store_op *op)
{
	bool begin = op->offset == 0;
	struct io_uring_sqe *sqe;

	queue_content(u, op, op->name, O_NONBLOCK | (begin ? O_CREAT | O_TRUNC : 0),
	    begin ? IOSQE_IO_LINK : 0);
	if (!begin)
		return;
	sqe = next_link(u);
	io_uring_prep_fsync(sqe, u->dirfd, 0);
	link_up(sqe, LINK_CLOSE + 1, 0);
}

static void queue_remove(struct store_uring *u, struct store_op *op)
{
	struct io_uring_sqe *sqe = next_link(u);

	io_uring_prep_unlinkat(sqe, u->dirfd, op->name, 0);
	link_up(sqe, 0, IOSQE_IO_LINK);
	sqe = next_link(u);
	io_uring_prep_fsync(sqe, u->dirfd, 0);
	link_up(sqe, 1, 0);
}

static void submit(struct store_uring *u)
{
	int n;

	do
		n = io_uring_submit(&u->ring);
	while (n == -EINTR || n == -EAGAIN || n == -EBUSY);
	u->left = n < 0 ? 0 : u->links;
	if (n < 0)
		u->results[0] = n;
}

void store_uring_start(struct store_uring *u, struct store_op *op)
{
	u->op = op;
	u->links = 0;
	u->cleaning = false;
	if (op->kind == STORE_OP_PUT)
		queue_put(u, op);
	else if (op->kind == STORE_OP_WRITE)
		queue_write(u, op);
	else
		queue_remove(u, op);
	submit(u);
}

/* The first request that failed by itself; those behind it were cancelled. */
static void judge(struct store_uring *u)
{
	struct store_op *op = u->op;
	const enum store_step *steps = op->kind == STORE_OP_PUT     ? put_steps
	                               : op->kind == STORE_OP_WRITE ? write_steps
	                                                            : remove_steps;

	if (op->kind != STORE_OP_REMOVE && u->results[LINK_WRITE] >= 0 &&
	    (size_t)u->results[LINK_WRITE] < op->length) {
		/* The disk took a part and then had no room for more. */
		store_op_fail(op, STORE_STEP_WRITE, -ENOSPC);
		return;
	}
	if (op->kind == STORE_OP_REMOVE && u->results[0] == -ENOENT)
		return;
	for (unsigned i = 0; i < u->links; i++) {
		if (u->results[i] < 0 && u->results[i] != -ECANCELED) {
			/* A link is a step: each kind has as many of one as of the other. */
			// NOLINTNEXTLINE(clang-analyzer-core.CallAndMessage)
			store_op_fail(op, steps[i], u->results[i]);
			return;
		}
	}
}

/* True when a broken chain has left something, whose removal has now begun. */
static bool clean_up(struct store_uring *u)
{
	struct store_op *op = u->op;
	bool opened = u->results[LINK_OPEN] >= 0, closed = u->results[LINK_CLOSE] >= 0;
	bool temporary = op->kind == STORE_OP_PUT && u->results[LINK_RENAME] < 0;
	struct io_uring_sqe *sqe;

	if (op->kind == STORE_OP_REMOVE || !op->error || !opened || (closed && !temporary))
		return false;
	u->links = 0;
	u->cleaning = true;
	if (!closed) {
		sqe = next_link(u);
		io_uring_prep_close_direct(sqe, SLOT_FILE);
		link_up(sqe, 0, 0);
	}
	if (temporary) {
		sqe = next_link(u);
		io_uring_prep_unlinkat(sqe, u->dirfd, op->temporary, 0);
		link_up(sqe, u->links - 1, 0);
	}
	submit(u);
	return u->left > 0;
}

bool store_uring_finished(struct store_uring *u)
{
	struct io_uring_cqe *cqe;

	while (u->left > 0 && io_uring_peek_cqe(&u->ring, &cqe) == 0) {
		uint64_t index = io_uring_cqe_get_data64(cqe);

		if (index < LINKS_MAX)
			u->results[index] = cqe->res;
		io_uring_cqe_seen(&u->ring, cqe);
		u->left--;
	}
	if (u->left > 0)
		return false;
	if (!u->cleaning) {
		judge(u);
		if (clean_up(u))
			return false;
	}
	u->op = NULL;
	return true;
}

static void wait_for_end(struct store_uring *u)
{
	struct io_uring_cqe *cqe;

	while (!store_uring_finished(u))
		(void)io_uring_wait_cqe(&u->ring, &cqe);
}

/*
 * Really replaces and removes a file: only that tells whether this kernel resolves a direct
 * descriptor when the linked request runs, and lets us use every request that we need. Where plain
 * system calls fail in the same way it is the folder's fault, and no reason to refuse io_uring.
 */
static int probe(struct store_uring *u)
{
	struct store_op put = {.kind = STORE_OP_PUT, .name = PROBE_NAME, .mode = 0600};
	struct store_op remove = {.kind = STORE_OP_REMOVE};
	struct store_op plain;
	char byte = 'x';
	int err = store_temporary_name(put.name, put.temporary);

	if (err)
		return err;
	/* No other file bears such a name, and should it stay behind it is known as temporary. */
	strcpy(put.name, put.temporary);
	put.name[1] = 'P';
	strcpy(remove.name, put.name);
	put.bytes = &byte;
	put.length = 1;
	plain = put;
	store_uring_start(u, &put);
	wait_for_end(u);
	if (!put.error) {
		store_uring_start(u, &remove);
		wait_for_end(u);
		return remove.error;
	}
	store_posix_execute(u->dirfd, &plain);
	if (!plain.error)
		store_posix_execute(u->dirfd, &remove);
	return plain.error == put.error ? 0 : put.error;
}

int store_uring_new(int dirfd, int lock_fd, struct store_uring **out)
{
	struct store_uring *u = calloc(1, sizeof(*u));
	const int slots[] = {[SLOT_FILE] = -1, [SLOT_LOCK] = lock_fd};
	int err;

	if (!u)
		return -ENOMEM;
	u->dirfd = dirfd;
	err = io_uring_queue_init(ENTRIES, &u->ring, 0);
	if (err) {
		free(u);
		return err;
	}
	err = io_uring_register_files(&u->ring, slots, 2);
	if (!err)
		err = probe(u);
	if (err) {
		store_uring_free(u);
		return err;
	}
	*out = u;
	return 0;
}

void store_uring_free(struct store_uring *u)
{
	if (u->op)
		wait_for_end(u);
	io_uring_queue_exit(&u->ring);
	free(u);
}
