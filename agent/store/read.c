/*
 * read.c: reading a whole file, so that an error is never taken for damage.
 *
 * The bytes are handed out only when the file was read to its end. Everything else is an error of
 * the system, which says nothing about the content, or the finding that what bears the name is no
 * file of ours. The two are told apart by looking at what is there, not by the errno of open():
 * a disk that fails may return any.
 *
 * It is not for knowing what the bytes mean.
 */
#include "read.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* Another program may be writing to the file: then it is read again, so often at most. */
#define TRIES_MAX 3

/* What is wrong with a file that is not ours. 0: nothing. */
static int foreign_error(const struct stat *st, uint64_t most)
{
	if (S_ISLNK(st->st_mode))
		return -ELOOP;
	if (S_ISDIR(st->st_mode))
		return -EISDIR;
	if (!S_ISREG(st->st_mode))
		return -ENXIO;
	return (uint64_t)st->st_size > most ? -EFBIG : 0;
}

bool store_is_foreign(int error)
{
	return error == -ELOOP || error == -EISDIR || error == -ENXIO || error == -EFBIG;
}

int store_look(int dirfd, const char *name, uint64_t *size)
{
	struct stat st;
	int err;

	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	err = foreign_error(&st, UINT64_MAX);
	*size = (uint64_t)st.st_size;
	return err;
}

const char *store_foreign_text(int error)
{
	switch (error) {
	case -ELOOP: return "is a symbolic link";
	case -EISDIR: return "is a folder";
	case -EFBIG: return "is larger than any file of ours";
	default: return "is no regular file";
	}
}

/* An errno of opening that means "a link", "a folder": only if that is what is there. */
static int open_error(int dirfd, const char *name, int error)
{
	uint64_t size;
	int found = store_look(dirfd, name, &size);

	if (store_is_foreign(found))
		return found;
	if (error == -ENOENT && found == 0)
		return -EIO;
	return store_is_foreign(error) ? -EIO : error;
}

/* 0, or -EAGAIN where the file is not as long as it was said to be. */
static int read_all(int fd, char *bytes, size_t size, size_t *length)
{
	*length = 0;
	/* One byte more than there should be: it tells whether that was the end. */
	while (*length <= size) {
		ssize_t n = read(fd, bytes + *length, size + 1 - *length);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return store_is_foreign(-errno) || errno == EAGAIN ? -EIO : -errno;
		if (n == 0)
			break;
		*length += (size_t)n;
	}
	return *length == size ? 0 : -EAGAIN;
}

static int read_open(int fd, uint64_t most, char **bytes, size_t *length)
{
	struct stat st;
	int err;

	if (fstat(fd, &st) < 0)
		return store_is_foreign(-errno) || errno == EAGAIN ? -EIO : -errno;
	err = foreign_error(&st, most);
	if (err)
		return err;
	*bytes = malloc((size_t)st.st_size + 1);
	if (!*bytes)
		return -ENOMEM;
	err = read_all(fd, *bytes, (size_t)st.st_size, length);
	if (err) {
		free(*bytes);
		*bytes = NULL;
	} else {
		(*bytes)[*length] = '\0';
	}
	return err;
}

int store_read_file(int dirfd, const char *name, uint64_t most, char **bytes, size_t *length)
{
	int err = -EAGAIN;

	*bytes = NULL;
	for (int i = 0; err == -EAGAIN && i < TRIES_MAX; i++) {
		/* NONBLOCK: a FIFO must not keep us waiting for its writer. */
		int fd = openat(dirfd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);

		if (fd < 0)
			return open_error(dirfd, name, -errno);
		err = read_open(fd, most, bytes, length);
		close(fd);
	}
	/* It changes all the time: not the agent's own doing, and no reason to judge it. */
	return err == -EAGAIN ? -EBUSY : err;
}
