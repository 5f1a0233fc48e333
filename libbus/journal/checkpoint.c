/*
 * checkpoint.c: the agent's checkpoint, read by other programs.
 */
#include "checkpoint.h"
#include "doc/checkpoint_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

/* The whole file, where *bytes and *length are nothing yet. -EBADMSG: no file that an agent has
 * written. */
static int read_file(int dirfd, const char *name, char **bytes, size_t *length)
{
	int err = -EBADMSG,
	    fd = openat(dirfd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat st;
	ssize_t n = 0;

	if (fd < 0)
		return errno == ELOOP ? -EBADMSG : -errno;
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) ||
	    st.st_size > (off_t)CHECKPOINT_FILE_BYTES_MAX)
		goto out;
	err = -ENOMEM;
	*bytes = malloc((size_t)st.st_size + 1);
	if (!*bytes)
		goto out;
	while (*length < (size_t)st.st_size &&
	       (n = read(fd, *bytes + *length, (size_t)st.st_size - *length)) > 0)
		*length += (size_t)n;
	err = n < 0 ? -errno : 0;
	if (err)
		free(*bytes);
out:
	close(fd);
	return err;
}

static int read_one(int dirfd, const char *name, struct checkpoint_bus *out, uint64_t *stamp)
{
	struct checkpoint_reader reader;
	char *bytes = NULL;
	size_t length = 0;
	int err = read_file(dirfd, name, &bytes, &length);

	if (err)
		return err;
	*stamp = XXH3_64bits(bytes, length);
	err = checkpoint_open(&reader, bytes, length);
	if (!err) {
		err = checkpoint_read_bus(&reader, out);
		if (err)
			checkpoint_bus_free(out);
	}
	free(bytes);
	return err;
}

int journal_checkpoint_read(int dirfd, struct checkpoint_bus *out, uint64_t *stamp)
{
	int err = read_one(dirfd, CHECKPOINT_NAME, out, stamp);

	if (err == -ENOENT || err == -EBADMSG)
		err = read_one(dirfd, CHECKPOINT_PREVIOUS_NAME, out, stamp);
	return err == -EBADMSG || err == -EPROTONOSUPPORT ? -ENOENT : err;
}
