/*
 * posix.c: one operation of the store by plain system calls. It may block as long as the disk
 * does, so it runs in the worker's thread.
 */
#include "posix.h"
#include "base/data_limits.h"
#include "compress.h"
#include "read.h"
#include "sweep.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

static int write_all(int fd, uint64_t offset, const char *bytes, size_t length)
{
	while (length > 0) {
		ssize_t n = pwrite(fd, bytes, length, (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		bytes += n;
		offset += (uint64_t)n;
		length -= (size_t)n;
	}
	return 0;
}

static int write_temporary(int dirfd, struct store_op *op)
{
	int err, fd = openat(dirfd, op->temporary,
		     O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, op->mode);

	if (fd < 0)
		return store_op_fail(op, STORE_STEP_CREATE, -errno);
	err = write_all(fd, 0, op->bytes, op->length);
	if (err)
		store_op_fail(op, STORE_STEP_WRITE, err);
	else if (fsync(fd) < 0)
		store_op_fail(op, STORE_STEP_SYNC, -errno);
	close(fd);
	return op->error;
}

static void sync_folder(int dirfd, struct store_op *op)
{
	if (fsync(dirfd) < 0)
		store_op_fail(op, STORE_STEP_SYNC_DIR, -errno);
}

static void put(int dirfd, struct store_op *op)
{
	int err = write_temporary(dirfd, op);

	if (!err && renameat(dirfd, op->temporary, dirfd, op->name) < 0)
		err = store_op_fail(op, STORE_STEP_RENAME, -errno);
	if (!err)
		sync_folder(dirfd, op);
	else if (op->step != STORE_STEP_CREATE)
		unlinkat(dirfd, op->temporary, 0);
}

/* Writing at the beginning is to begin the file: what may bear its name is emptied. */
static void write_at(int dirfd, struct store_op *op)
{
	int begin = op->offset == 0 ? O_CREAT | O_TRUNC : 0;
	int err, fd = openat(dirfd, op->name,
		     O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | begin, op->mode);

	if (fd < 0) {
		store_op_fail(op, STORE_STEP_CREATE, -errno);
		return;
	}
	err = write_all(fd, op->offset, op->bytes, op->length);
	if (err)
		store_op_fail(op, STORE_STEP_WRITE, err);
	else if (fsync(fd) < 0)
		store_op_fail(op, STORE_STEP_SYNC, -errno);
	close(fd);
	if (!op->error && begin)
		sync_folder(dirfd, op);
}

static void remove_file(int dirfd, struct store_op *op)
{
	if (unlinkat(dirfd, op->name, 0) < 0) {
		if (errno != ENOENT)
			store_op_fail(op, STORE_STEP_REMOVE, -errno);
		return;
	}
	sync_folder(dirfd, op);
}

static void get(int dirfd, struct store_op *op)
{
	int err = store_read_file(dirfd, op->name, DOCUMENT_BYTES_MAX, &op->bytes, &op->length);

	if (err)
		store_op_fail(op, STORE_STEP_READ, err);
}

void store_posix_execute(int dirfd, struct store_op *op)
{
	if (op->error)
		return; /* it failed before it began */
	switch (op->kind) {
	case STORE_OP_PUT: put(dirfd, op); break;
	case STORE_OP_WRITE: write_at(dirfd, op); break;
	case STORE_OP_COMPRESS: store_compress_execute(dirfd, op); break;
	case STORE_OP_REMOVE: remove_file(dirfd, op); break;
	case STORE_OP_RENAME:
		if (renameat(dirfd, op->name, dirfd, op->target) < 0)
			store_op_fail(op, STORE_STEP_RENAME, -errno);
		break;
	case STORE_OP_GET: get(dirfd, op); break;
	case STORE_OP_SWEEP: store_sweep_execute(dirfd, op); break;
	}
}
