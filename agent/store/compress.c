/*
 * compress.c: one step of compressing a file: some of its bytes become a zstd frame at the end of
 * a temporary file, and after the last step that bears the name.
 *
 * Steps, so that a large file never keeps the store's worker for long: what else is to be
 * stored goes in between. Frames one after another are one stream to every reader of zstd.
 */
#include "compress.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <zstd.h>

#define PIECE_BYTES ((size_t)256 << 10)

struct compression {
	struct store_op *op;
	int from, to;
	ZSTD_CCtx *zstd;
	char *in, *out;
	size_t out_bytes;
};

static int write_all(int fd, const char *bytes, size_t length)
{
	while (length > 0) {
		ssize_t n = write(fd, bytes, length);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		bytes += n;
		length -= (size_t)n;
	}
	return 0;
}

/* Fewer than were asked for: the file is not as long as it should be. */
static int read_all(int fd, char *out, size_t length, uint64_t offset)
{
	while (length > 0) {
		ssize_t n = pread(fd, out, length, (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -ENODATA;
		out += n;
		length -= (size_t)n;
		offset += (uint64_t)n;
	}
	return 0;
}

static void compress_piece(struct compression *p, size_t length, bool last)
{
	ZSTD_inBuffer in = {p->in, length, 0};
	size_t left;

	do {
		ZSTD_outBuffer out = {p->out, p->out_bytes, 0};
		int err;

		left =
		    ZSTD_compressStream2(p->zstd, &out, &in, last ? ZSTD_e_end : ZSTD_e_continue);
		if (ZSTD_isError(left)) {
			store_op_fail(p->op, STORE_STEP_COMPRESS, -ENOMEM);
			return;
		}
		err = write_all(p->to, p->out, out.pos);
		if (err) {
			store_op_fail(p->op, STORE_STEP_WRITE, err);
			return;
		}
	} while (last ? left > 0 : in.pos < in.size);
}

static void compress_all(struct compression *p)
{
	struct store_op *op = p->op;
	uint64_t at = op->offset, end = op->offset + op->length;

	while (!op->error && at < end) {
		size_t n = end - at < PIECE_BYTES ? (size_t)(end - at) : PIECE_BYTES;
		int err = read_all(p->from, p->in, n, at);

		if (err) {
			store_op_fail(op, STORE_STEP_READ, err);
			return;
		}
		at += n;
		compress_piece(p, n, at == end);
	}
}

/* Only what is whole on the disk gets the name. */
static void give_name(int dirfd, struct compression *p)
{
	struct store_op *op = p->op;

	if (fsync(p->to) < 0)
		store_op_fail(op, STORE_STEP_SYNC, -errno);
	else if (renameat(dirfd, op->temporary, dirfd, op->target) < 0)
		store_op_fail(op, STORE_STEP_RENAME, -errno);
	else if (fsync(dirfd) < 0)
		store_op_fail(op, STORE_STEP_SYNC_DIR, -errno);
}

static bool begin(int dirfd, struct compression *p)
{
	struct store_op *op = p->op;
	int how = op->offset == 0 ? O_CREAT | O_EXCL : O_APPEND;

	p->from = openat(dirfd, op->name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (p->from < 0) {
		store_op_fail(op, STORE_STEP_READ, -errno);
		return false;
	}
	p->to = openat(dirfd, op->temporary, O_WRONLY | O_NOFOLLOW | O_CLOEXEC | how, op->mode);
	if (p->to < 0) {
		store_op_fail(op, STORE_STEP_CREATE, -errno);
		return false;
	}
	p->zstd = ZSTD_createCCtx();
	p->in = malloc(PIECE_BYTES);
	p->out_bytes = ZSTD_CStreamOutSize();
	p->out = malloc(p->out_bytes);
	if (p->zstd && p->in && p->out &&
	    !ZSTD_isError(ZSTD_CCtx_setParameter(p->zstd, ZSTD_c_checksumFlag, 1)))
		return true;
	store_op_fail(op, STORE_STEP_COMPRESS, -ENOMEM);
	return false;
}

void store_compress_execute(int dirfd, struct store_op *op)
{
	struct compression p = {.op = op, .from = -1, .to = -1};

	if (begin(dirfd, &p))
		compress_all(&p);
	if (!op->error && op->target[0])
		give_name(dirfd, &p);
	if (p.from >= 0)
		close(p.from);
	if (p.to >= 0)
		close(p.to);
	ZSTD_freeCCtx(p.zstd);
	free(p.in);
	free(p.out);
}
