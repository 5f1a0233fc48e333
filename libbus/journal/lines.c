/*
 * lines.c: the lines of one of the journal's files, plain or compressed.
 */
#include "lines.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

#define IN_BYTES     ((size_t)128 << 10)
#define BUFFER_BYTES ((size_t)256 << 10)
/* A frame that wants more memory than this is not ours. */
#define WINDOW_LOG_MAX 27

struct journal_lines {
	int fd;
	ZSTD_DCtx *zstd; /* NULL: plain */
	char *in;        /* compressed bytes */
	size_t in_at, in_length;
	bool within_frame;
	char *buffer;
	size_t at, length, capacity; /* what is still to be read is from `at` to `length` */
	uint64_t skip;               /* bytes that are not wanted */
	uint64_t left;               /* bytes that may still be read after them */
	bool ended;
	bool skipping; /* within a line that is too long */
	uint64_t damaged;
};

static int open_regular(int dirfd, const char *name)
{
	struct stat st;
	int fd = openat(dirfd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK), err = 0;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0)
		err = -errno;
	else if (!S_ISREG(st.st_mode))
		err = -ELOOP;
	if (!err)
		return fd;
	close(fd);
	return err;
}

static bool begin_decompressing(struct journal_lines *l)
{
	l->zstd = ZSTD_createDCtx();
	l->in = malloc(IN_BYTES);
	return l->zstd && l->in &&
	       !ZSTD_isError(ZSTD_DCtx_setParameter(l->zstd, ZSTD_d_windowLogMax, WINDOW_LOG_MAX));
}

int journal_lines_open(
    int dirfd, const char *name, uint64_t from, uint64_t limit, struct journal_lines **out)
{
	size_t n = strlen(name);
	bool compressed = n > 4 && strcmp(name + n - 4, ".zst") == 0;
	int fd = open_regular(dirfd, name);
	struct journal_lines *l;

	if (fd < 0)
		return fd;
	l = calloc(1, sizeof(*l));
	if (!l) {
		close(fd);
		return -ENOMEM;
	}
	l->fd = fd;
	l->skip = from;
	l->left = limit > from ? limit - from : 0;
	l->capacity = BUFFER_BYTES;
	l->buffer = malloc(l->capacity);
	if (!l->buffer || (compressed && !begin_decompressing(l))) {
		journal_lines_close(l);
		return -ENOMEM;
	}
	*out = l;
	return 0;
}

static ssize_t read_some(int fd, char *out, size_t bytes)
{
	ssize_t n;

	do
		n = read(fd, out, bytes);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

/* Frames follow each other. A damaged one ends the file: the lines before it are used. */
static ssize_t decompress_some(struct journal_lines *l, char *out, size_t bytes)
{
	ZSTD_outBuffer to = {out, bytes, 0};

	while (to.pos == 0) {
		ZSTD_inBuffer from = {l->in, l->in_length, l->in_at};
		size_t left;

		if (l->in_at == l->in_length) {
			ssize_t n = read_some(l->fd, l->in, IN_BYTES);

			if (n < 0)
				return n;
			if (n == 0) {
				l->damaged += l->within_frame;
				return 0;
			}
			from = (ZSTD_inBuffer){l->in, (size_t)n, 0};
			l->in_length = (size_t)n;
		}
		left = ZSTD_decompressStream(l->zstd, &to, &from);
		l->in_at = from.pos;
		if (ZSTD_isError(left)) {
			l->damaged++;
			return 0;
		}
		l->within_frame = left > 0;
	}
	return (ssize_t)to.pos;
}

/* Room for more: what was given out goes, and a long line gets a larger buffer. */
static int make_room(struct journal_lines *l)
{
	char *larger;

	memmove(l->buffer, l->buffer + l->at, l->length - l->at);
	l->length -= l->at;
	l->at = 0;
	if (l->length < l->capacity)
		return 0;
	if (l->capacity >= JOURNAL_LINE_MAX) {
		l->skipping = true;
		l->length = 0;
		return 0;
	}
	larger = realloc(l->buffer, 2 * l->capacity);
	if (!larger)
		return -ENOMEM;
	l->buffer = larger;
	l->capacity *= 2;
	return 0;
}

static ssize_t take_some(struct journal_lines *l, char *out, size_t bytes)
{
	return l->zstd ? decompress_some(l, out, bytes) : read_some(l->fd, out, bytes);
}

/* Before the first line: the buffer is free. */
static ssize_t pass_over(struct journal_lines *l)
{
	ssize_t n = 1;

	if (!l->zstd && lseek(l->fd, (off_t)l->skip, SEEK_SET) >= 0)
		l->skip = 0;
	while (l->skip > 0 && n > 0) {
		n = take_some(l, l->buffer, l->skip < l->capacity ? (size_t)l->skip : l->capacity);
		l->skip -= n > 0 ? (uint64_t)n : 0;
	}
	return n;
}

static int fill(struct journal_lines *l)
{
	int err = make_room(l);
	size_t want = l->capacity - l->length;
	ssize_t n = 1;

	if (err)
		return err;
	if (want > l->left)
		want = (size_t)l->left;
	if (want > 0 && l->skip > 0)
		n = pass_over(l);
	if (n > 0)
		n = want == 0 ? 0 : take_some(l, l->buffer + l->length, want);
	if (n < 0)
		return (int)n;
	l->ended = n == 0;
	l->length += (size_t)n;
	l->left -= (uint64_t)n;
	return 0;
}

int journal_lines_next(struct journal_lines *l, char **line, size_t *length)
{
	size_t looked = 0; /* so much of the line has no end */

	while (!l->ended) {
		char *start = l->buffer + l->at;
		char *end = memchr(start + looked, '\n', l->length - l->at - looked);
		int err;

		if (!end) {
			looked = l->length - l->at;
			err = fill(l);
			if (err)
				return err;
			if (l->skipping)
				looked = 0;
			continue;
		}
		l->at = (size_t)(end - l->buffer) + 1;
		looked = 0;
		if (l->skipping) {
			l->skipping = false;
			l->damaged++;
			continue;
		}
		*end = '\0';
		*line = start;
		*length = (size_t)(end - start);
		return 1;
	}
	return 0;
}

uint64_t journal_lines_damaged(const struct journal_lines *l)
{
	return l->damaged;
}

void journal_lines_close(struct journal_lines *l)
{
	if (!l)
		return;
	close(l->fd);
	ZSTD_freeDCtx(l->zstd);
	free(l->in);
	free(l->buffer);
	free(l);
}
