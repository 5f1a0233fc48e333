/*
 * shm_object.c: safe opening and making of the shared-memory objects of a bus.
 */
#include "shm_object.h"
#include "owner.h"
#include "slow_path.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

/* Where a program has closed its standard files, what it prints must not end up in a bus. */
static int beyond_standard_files(int fd)
{
	int moved, err;

	if (fd < 0 || fd > STDERR_FILENO)
		return fd;
	moved = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	err = errno;
	close(fd);
	errno = err;
	return moved;
}

bool object_is_strangers(const struct bus_paths *paths, const char *path, uid_t *owner)
{
	struct stat st;

	if (lstat(path, &st) < 0 || owner_is_trusted(paths, st.st_uid))
		return false;
	*owner = st.st_uid;
	return true;
}

/* What keeps us out of an object: its permissions, a lease on it, or what it is. */
static int why_not_opened(const struct bus_paths *paths, const char *path, int error)
{
	uid_t owner;

	if (error == ELOOP || error == ENXIO || error == EISDIR)
		return -EBADMSG;
	if ((error == EACCES || error == EWOULDBLOCK) && object_is_strangers(paths, path, &owner))
		return -EKEYREJECTED;
	return error == EWOULDBLOCK ? -EBUSY : system_error(error);
}

int object_open(const struct bus_paths *paths, const char *path, int flags)
{
	struct stat st;
	/* O_NONBLOCK: a FIFO, or another process's lease, must not block us. */
	int err,
	    fd = beyond_standard_files(open(path, flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));

	if (fd < 0)
		return why_not_opened(paths, path, errno);
	if (fstat(fd, &st) < 0)
		err = system_error(errno);
	else if (!S_ISREG(st.st_mode))
		err = -EBADMSG;
	else
		err = owner_is_trusted(paths, st.st_uid) ? 0 : -EKEYREJECTED;
	if (!err)
		return fd;
	close(fd);
	return err;
}

int object_make(const char *dir, mode_t mode, const gid_t *group)
{
	struct statfs fs;
	int err, fd = beyond_standard_files(open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));

	if (fd < 0)
		return errno == EISDIR ? -ENOTSUP : system_error(errno);
	if (fstatfs(fd, &fs) < 0)
		goto fail;
	if (fs.f_type != TMPFS_MAGIC) {
		close(fd);
		return -ENOTSUP;
	}
	/* The group first: changing it may clear mode bits. */
	if (group && fchown(fd, (uid_t)-1, *group) < 0)
		goto fail;
	if (fchmod(fd, mode & 0666) < 0)
		goto fail;
	return fd;
fail:
	err = system_error(errno);
	close(fd);
	return err;
}

int object_adjust(int fd, mode_t mode, const gid_t *group)
{
	struct stat st;
	mode_t had;

	if (fstat(fd, &st) < 0)
		return system_error(errno);
	had = st.st_mode & 0777;
	if (group && st.st_gid != *group) {
		/* The new group must not get for a moment what the old one had, nor the reverse. */
		if (fchmod(fd, had & mode & 0707) < 0 || fchown(fd, (uid_t)-1, *group) < 0) {
			int err = system_error(errno);

			(void)fchmod(fd, had);
			return err;
		}
		had = 01000; /* not what is asked for */
	}
	return had != mode && fchmod(fd, mode) < 0 ? system_error(errno) : 0;
}

/* By hand: a publish may come here, in a signal handler that interrupted printf(). */
static void spell_own_path(int fd, char out[32])
{
	static const char folder[] = "/proc/self/fd/";
	char digits[12], *at = digits + sizeof(digits);

	*--at = '\0';
	do
		*--at = (char)('0' + fd % 10);
	while ((fd /= 10) > 0);
	strcpy(strcpy(out, folder) + sizeof(folder) - 1, at);
}

int object_link(int fd, const char *path)
{
	char self[32];

	spell_own_path(fd, self);
	if (linkat(AT_FDCWD, self, AT_FDCWD, path, AT_SYMLINK_FOLLOW) == 0)
		return 0;
	if (errno != ENOENT || object_inode("/proc/self/fd") != 0)
		return system_error(errno);
	/* /proc is not mounted: link by the descriptor, which needs a capability of root. */
	if (linkat(fd, "", AT_FDCWD, path, AT_EMPTY_PATH) == 0)
		return 0;
	return errno == ENOENT ? -ENOSYS : system_error(errno);
}

int object_replace(int fd, const char *path)
{
	char temporary[PATH_MAX];
	uint64_t random;
	ssize_t got = getrandom(&random, sizeof(random), 0);
	int err, n;

	if (got != sizeof(random))
		return got < 0 ? system_error(errno) : -EIO;
	n = snprintf(temporary, sizeof(temporary), "%s.%016llx", path, (unsigned long long)random);
	if (n < 0 || (size_t)n >= sizeof(temporary))
		return -ENAMETOOLONG;
	err = object_link(fd, temporary);
	if (err)
		return err;
	if (rename(temporary, path) < 0) {
		err = system_error(errno);
		unlink(temporary);
	}
	return err;
}

uint64_t object_inode(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 ? st.st_ino : 0;
}

int object_lock(int fd, int64_t byte)
{
	struct flock lock = {
	    .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = (off_t)byte, .l_len = 1};

	while (fcntl(fd, F_OFD_SETLK, &lock) < 0) {
		if (errno == EACCES)
			return -EAGAIN;
		if (errno != EINTR)
			return system_error(errno);
	}
	return 0;
}

int object_is_locked(int fd, int64_t byte)
{
	struct flock lock = {
	    .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = (off_t)byte, .l_len = 1};

	if (fcntl(fd, F_OFD_GETLK, &lock) < 0)
		return system_error(errno);
	/* Any process may hold a read lock; only an owner holds a write lock. */
	return lock.l_type == F_WRLCK;
}
