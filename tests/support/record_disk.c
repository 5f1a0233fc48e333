/*
 * record_disk.c: a library to be preloaded into the agent, which records everything that the agent
 * does to the files below one folder, in the order in which it happened.
 *
 *   ORBUS_RECORD_ROOT     the folder, an absolute path
 *   ORBUS_RECORD_LOG      the file that the record is appended to
 *   ORBUS_RECORD_KILL_AT  kills the process with SIGKILL right after its n-th change (not set:
 * never)
 *
 * Plain calls are carried out and recorded under one lock, so that the record has the true order of
 * all threads' calls. A chain of io_uring is recorded when the kernel has ended it: the submission
 * waits here for its completions (and leaves them to be read), so that what was cancelled or failed
 * is not recorded. The record holds what the kernel was asked to do, not what is on the disk:
 * disk_model.py says which states a disk may be in after that.
 *
 * A record is a line of tab-separated words and then `bytes` bytes:
 *   open HANDLE PATH FLAGS      write HANDLE OFFSET     truncate HANDLE LENGTH   sync HANDLE
 *   rename FROM TO              unlink PATH             mkdir PATH
 * HANDLE is PID:fFD for a descriptor, PID:sSLOT for one of io_uring's own. FLAGS has "d" for a
 * folder, "c" for O_CREAT, "t" for O_TRUNC, and is "-" for none of these.
 *
 * It is not for finding faults in itself: the test compares what the record makes of the folder
 * with the folder.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <liburing.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define PATH_BYTES  (2 * PATH_MAX)
#define DESCRIPTORS 4096
#define SLOTS       16
#define CHAIN_MAX   32

/* The next definition of a function, with the type of the one that stands here. */
#define REAL(function) ((__typeof__(&(function)))dlsym(RTLD_NEXT, #function))

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
/* Guarded by `lock`: which handles are of files below the root, and the changes so far. */
static bool watched[DESCRIPTORS], watched_slots[SLOTS];
static unsigned long changes;
static bool kill_due;
static int log_fd = -1;

static const char *root(void)
{
	return getenv("ORBUS_RECORD_ROOT");
}

static bool is_below_root(const char *path)
{
	size_t n = root() ? strlen(root()) : 0;

	return n > 0 && strncmp(path, root(), n) == 0 && (path[n] == '/' || path[n] == '\0');
}

/* "FOLDER/NAME", without "." at the end. */
static void resolve(int dirfd, const char *name, char out[PATH_BYTES])
{
	char link[64], folder[PATH_MAX] = "";
	ssize_t n;

	if (name[0] == '/') {
		snprintf(out, PATH_BYTES, "%s", name);
		return;
	}
	if (dirfd == AT_FDCWD)
		snprintf(link, sizeof(link), "/proc/self/cwd");
	else
		snprintf(link, sizeof(link), "/proc/self/fd/%d", dirfd);
	n = readlink(link, folder, sizeof(folder) - 1);
	folder[n > 0 ? n : 0] = '\0';
	snprintf(out, PATH_BYTES, strcmp(name, ".") == 0 ? "%s" : "%s/%s", folder, name);
}

/* One append a record: the test itself appends to the same file. */
static void record(bool is_change, const void *bytes, size_t length, const char *format, ...)
{
	const char *kill_at = getenv("ORBUS_RECORD_KILL_AT"),
		   *kill_on = getenv("ORBUS_RECORD_KILL_ON");
	char line[3 * PATH_BYTES];
	struct iovec parts[2];
	va_list words;
	int n;

	va_start(words, format);
	n = vsnprintf(line, sizeof(line), format, words);
	va_end(words);
	is_change = is_change && (!kill_on || fnmatch(kill_on, line, 0) == 0);
	n += snprintf(line + n, sizeof(line) - (size_t)n, "\t%zu\n", length);
	parts[0] = (struct iovec){line, (size_t)n};
	parts[1] = (struct iovec){(void *)(uintptr_t)bytes, length};
	if (log_fd < 0 && getenv("ORBUS_RECORD_LOG"))
		log_fd = REAL(open)(
		    getenv("ORBUS_RECORD_LOG"), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
	if (writev(log_fd, parts, 2) != (ssize_t)(parts[0].iov_len + parts[1].iov_len))
		abort(); /* a record with a hole is none */
	if (is_change && ++changes == (kill_at ? strtoul(kill_at, NULL, 10) : 0))
		kill_due = true;
}

/* A chain of io_uring has been carried out as a whole when it is recorded: so it is, as a whole. */
static void unlock(void)
{
	if (kill_due)
		kill(getpid(), SIGKILL);
	pthread_mutex_unlock(&lock);
}

static bool is_watched(int fd)
{
	return fd >= 0 && fd < DESCRIPTORS && watched[fd];
}

static const char *flag_words(int flags)
{
	if (flags & O_DIRECTORY)
		return "d";
	if (flags & O_TRUNC)
		return flags & O_CREAT ? "ct" : "t";
	return flags & O_CREAT ? "c" : "-";
}

/* --- Plain calls ------------------------------------------------------------------------------ */

static int open_recorded(int dirfd, const char *name, int flags, mode_t mode)
{
	char path[PATH_BYTES];
	int fd, err;

	pthread_mutex_lock(&lock);
	fd = REAL(openat)(dirfd, name, flags, mode);
	err = errno;
	resolve(dirfd, name, path);
	if (fd >= 0 && fd < DESCRIPTORS) {
		watched[fd] = is_below_root(path);
		if (watched[fd])
			record(flags & (O_CREAT | O_TRUNC), NULL, 0, "open\t%d:f%d\t%s\t%s",
			    (int)getpid(), fd, path, flag_words(flags));
	}
	unlock();
	errno = err;
	return fd;
}

static mode_t mode_of(int flags, va_list more)
{
	return flags & (O_CREAT | O_TMPFILE) ? va_arg(more, mode_t) : 0;
}

int open(const char *name, int flags, ...)
{
	va_list more;
	mode_t mode;

	va_start(more, flags);
	mode = mode_of(flags, more);
	va_end(more);
	return open_recorded(AT_FDCWD, name, flags, mode);
}

int openat(int dirfd, const char *name, int flags, ...)
{
	va_list more;
	mode_t mode;

	va_start(more, flags);
	mode = mode_of(flags, more);
	va_end(more);
	return open_recorded(dirfd, name, flags, mode);
}

/* What gets the number next need not come through here. */
int close(int fd)
{
	pthread_mutex_lock(&lock);
	if (fd >= 0 && fd < DESCRIPTORS)
		watched[fd] = false;
	unlock();
	return REAL(close)(fd);
}

/* The same as open() and openat(), as fortified code calls them. */
int __open_2(const char *name, int flags);
int __openat_2(int dirfd, const char *name, int flags);

int __open_2(const char *name, int flags)
{
	return open_recorded(AT_FDCWD, name, flags, 0);
}

int __openat_2(int dirfd, const char *name, int flags)
{
	return open_recorded(dirfd, name, flags, 0);
}

ssize_t pwrite(int fd, const void *bytes, size_t length, off_t offset)
{
	ssize_t n;
	int err;

	pthread_mutex_lock(&lock);
	n = REAL(pwrite)(fd, bytes, length, offset);
	err = errno;
	if (n > 0 && is_watched(fd))
		record(true, bytes, (size_t)n, "write\t%d:f%d\t%lld", (int)getpid(), fd,
		    (long long)offset);
	unlock();
	errno = err;
	return n;
}

ssize_t write(int fd, const void *bytes, size_t length)
{
	ssize_t n;
	int err;

	pthread_mutex_lock(&lock);
	n = REAL(write)(fd, bytes, length);
	err = errno;
	/* Where it went to, also of a descriptor that appends: right behind it is where it is now.
	 */
	if (n > 0 && is_watched(fd))
		record(true, bytes, (size_t)n, "write\t%d:f%d\t%lld", (int)getpid(), fd,
		    (long long)(lseek(fd, 0, SEEK_CUR) - n));
	unlock();
	errno = err;
	return n;
}

int ftruncate(int fd, off_t length)
{
	int err, result;

	pthread_mutex_lock(&lock);
	result = REAL(ftruncate)(fd, length);
	err = errno;
	if (result == 0 && is_watched(fd))
		record(
		    true, NULL, 0, "truncate\t%d:f%d\t%lld", (int)getpid(), fd, (long long)length);
	unlock();
	errno = err;
	return result;
}

static int sync_recorded(int (*real)(int), int fd)
{
	int err, result;

	pthread_mutex_lock(&lock);
	result = real(fd);
	err = errno;
	if (result == 0 && is_watched(fd))
		record(true, NULL, 0, "sync\t%d:f%d", (int)getpid(), fd);
	unlock();
	errno = err;
	return result;
}

int fsync(int fd)
{
	return sync_recorded(REAL(fsync), fd);
}

int fdatasync(int fd)
{
	return sync_recorded(REAL(fdatasync), fd);
}

static void record_rename(int from_fd, const char *from, int to_fd, const char *to)
{
	char paths[2][PATH_BYTES];

	resolve(from_fd, from, paths[0]);
	resolve(to_fd, to, paths[1]);
	if (is_below_root(paths[0]) || is_below_root(paths[1]))
		record(true, NULL, 0, "rename\t%s\t%s", paths[0], paths[1]);
}

int renameat2(int from_fd, const char *from, int to_fd, const char *to, unsigned flags)
{
	int err, result;

	pthread_mutex_lock(&lock);
	result = REAL(renameat2)(from_fd, from, to_fd, to, flags);
	err = errno;
	if (result == 0)
		record_rename(from_fd, from, to_fd, to);
	unlock();
	errno = err;
	return result;
}

int renameat(int from_fd, const char *from, int to_fd, const char *to)
{
	return renameat2(from_fd, from, to_fd, to, 0);
}

int rename(const char *from, const char *to)
{
	return renameat2(AT_FDCWD, from, AT_FDCWD, to, 0);
}

static void record_unlink(int dirfd, const char *name)
{
	char path[PATH_BYTES];

	resolve(dirfd, name, path);
	if (is_below_root(path))
		record(true, NULL, 0, "unlink\t%s", path);
}

int unlinkat(int dirfd, const char *name, int flags)
{
	int err, result;

	pthread_mutex_lock(&lock);
	result = REAL(unlinkat)(dirfd, name, flags);
	err = errno;
	if (result == 0)
		record_unlink(dirfd, name);
	unlock();
	errno = err;
	return result;
}

int unlink(const char *name)
{
	return unlinkat(AT_FDCWD, name, 0);
}

int mkdir(const char *name, mode_t mode)
{
	char path[PATH_BYTES];
	int err, result;

	pthread_mutex_lock(&lock);
	result = REAL(mkdir)(name, mode);
	err = errno;
	resolve(AT_FDCWD, name, path);
	if (result == 0 && is_below_root(path))
		record(true, NULL, 0, "mkdir\t%s", path);
	unlock();
	errno = err;
	return result;
}

/* --- io_uring --------------------------------------------------------------------------------- */

static void record_direct_open(const struct io_uring_sqe *e)
{
	char path[PATH_BYTES];
	const char *name = (const char *)(uintptr_t)e->addr;
	unsigned slot = e->file_index - 1;

	if (e->file_index == 0 || slot >= SLOTS)
		abort(); /* the store has learned something that is not recorded here */
	resolve(e->fd, name, path);
	watched_slots[slot] = is_below_root(path);
	if (watched_slots[slot])
		record(true, NULL, 0, "open\t%d:s%u\t%s\t%s", (int)getpid(), slot, path,
		    flag_words((int)e->open_flags));
}

static bool is_watched_entry(const struct io_uring_sqe *e)
{
	return e->flags & IOSQE_FIXED_FILE ? e->fd < SLOTS && watched_slots[e->fd]
	                                   : is_watched(e->fd);
}

static void record_entry(const struct io_uring_sqe *e, int result)
{
	char kind = e->flags & IOSQE_FIXED_FILE ? 's' : 'f';

	switch (e->opcode) {
	case IORING_OP_OPENAT: record_direct_open(e); break;
	case IORING_OP_WRITE:
		if (is_watched_entry(e))
			record(true, (const void *)(uintptr_t)e->addr, (size_t)result,
			    "write\t%d:%c%d\t%llu", (int)getpid(), kind, e->fd,
			    (unsigned long long)e->off);
		break;
	case IORING_OP_FSYNC:
		if (is_watched_entry(e))
			record(true, NULL, 0, "sync\t%d:%c%d", (int)getpid(), kind, e->fd);
		break;
	case IORING_OP_RENAMEAT:
		record_rename(e->fd, (const char *)(uintptr_t)e->addr, (int)e->len,
		    (const char *)(uintptr_t)e->addr2);
		break;
	case IORING_OP_UNLINKAT: record_unlink(e->fd, (const char *)(uintptr_t)e->addr); break;
	case IORING_OP_CLOSE: break;
	default: abort();
	}
}

/* The entries of one submission are recorded in their order: they are linked, or one alone. */
int io_uring_submit(struct io_uring *ring)
{
	struct io_uring_sqe entries[CHAIN_MAX];
	struct io_uring_cqe *cqe;
	unsigned count = ring->sq.sqe_tail - ring->sq.sqe_head, head;
	int submitted;

	if (count > CHAIN_MAX)
		abort();
	for (unsigned i = 0; i < count; i++)
		entries[i] = ring->sq.sqes[(ring->sq.sqe_head + i) & ring->sq.ring_mask];
	pthread_mutex_lock(&lock);
	submitted = REAL(io_uring_submit)(ring);
	if (submitted == (int)count) {
		while (io_uring_wait_cqe_nr(ring, &cqe, count) == -EINTR)
			;
		for (unsigned i = 0; i < count; i++)
			io_uring_for_each_cqe(ring, head,
			    cqe) if (cqe->user_data == entries[i].user_data && cqe->res >= 0)
			    record_entry(&entries[i], cqe->res);
	}
	unlock();
	return submitted;
}
