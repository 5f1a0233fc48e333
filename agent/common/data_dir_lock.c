/*
 * data_dir_lock.c: the data folder: made, opened, and locked for one agent.
 *
 * The lock is an open-file-description lock on a file in the folder, which also tells who holds it.
 * It lives as long as the description does: while the agent lives, and after a kill -9 until the
 * kernel has finished the io_uring that holds a reference to it. So a successor that gets the lock
 * knows that no rename of its predecessor can land any more.
 */
#include "data_dir_lock.h"
#include "ring/shm_object.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define LOCK_NAME    ".lock"
#define WAIT_STEP_MS 5
#define WAIT_STEPS   6000 /* half a minute, for a disk that has much to write */
#define PATIENCE     100  /* steps, with a holder that seems to live */
/* Of the flags in /proc/PID/stat: PF_EXITING of the kernel's linux/sched.h. */
#define PROCESS_IS_EXITING 0x4u

/*
 * Makes the name of `path` durable in the folder `above`. A mount point has its name from
 * elsewhere. One that was there before may be in another user's folder, or on a file system that
 * knows no fsync of a folder: that is no reason not to work in it.
 */
static int sync_name(const char *above, const char *path, bool made)
{
	int err = 0, fd = open(above, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct stat st, st_above;

	if (fd < 0)
		return made && errno != EACCES ? -errno : 0;
	if (fstat(fd, &st_above) == 0 && stat(path, &st) == 0 && st.st_dev == st_above.st_dev &&
	    fsync(fd) < 0 && made && errno != EINVAL)
		err = -errno;
	close(fd);
	return err;
}

/*
 * mkdir -p, but what exists may have any mode. Each folder's name is made durable in the one above
 * it: what is fsynced within a folder is gone after a power cut if the folder's name is. Also where
 * the folder exists, since the agent that made it may have been killed before its fsync.
 */
static int make_path(const char *path)
{
	char part[PATH_MAX], above[PATH_MAX] = ".";
	size_t n = strlen(path);

	if (n >= sizeof(part))
		return -ENAMETOOLONG;
	if (path[0] == '/')
		strcpy(above, "/");
	for (size_t i = 1; i <= n; i++) {
		bool made;
		int err;

		if (path[i] != '/' && path[i] != '\0')
			continue;
		memcpy(part, path, i);
		part[i] = '\0';
		made = mkdir(part, 0700) == 0;
		if (!made && errno != EEXIST)
			return -errno;
		err = sync_name(above, part, made);
		if (err)
			return err;
		strcpy(above, part);
	}
	return 0;
}

static void read_holder(int fd, char *out, size_t bytes)
{
	ssize_t n = pread(fd, out, bytes - 1, 0);

	out[n > 0 ? n : 0] = '\0';
	out[strcspn(out, "\n")] = '\0';
}

/*
 * What one process is: its pid is used again some day, its start time with it is not. One that is
 * exiting is nothing any more, though it may hold its lock until its last write has ended.
 */
static void describe_process(pid_t pid, char *out, size_t bytes)
{
	char path[64], stat[1024] = "", *after_name;
	unsigned long long start = 0;
	unsigned flags = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	f = fopen(path, "re");
	if (f) {
		if (!fgets(stat, sizeof(stat), f))
			stat[0] = '\0';
		fclose(f);
	}
	after_name = strrchr(stat, ')');
	if (after_name)
		sscanf(after_name + 1,
		    " %*c %*d %*d %*d %*d %*d %u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d "
		    "%llu",
		    &flags, &start);
	if (flags & PROCESS_IS_EXITING)
		start = 0;
	snprintf(out, bytes, "%d %llu", (int)pid, start);
}

static bool holder_lives(const char *holder)
{
	char now[64];
	int pid = atoi(holder);

	if (pid <= 0 || (kill(pid, 0) < 0 && errno != EPERM))
		return false;
	describe_process(pid, now, sizeof(now));
	return strcmp(now, holder) == 0;
}

static int take_lock(const struct folder *f)
{
	const struct timespec step = {0, WAIT_STEP_MS * 1000000L};
	char holder[64];
	int alive = 0;

	for (int i = 0; i < WAIT_STEPS; i++) {
		int err = object_lock(f->lock_fd, 0);

		if (err != -EAGAIN)
			return err;
		read_holder(f->lock_fd, holder, sizeof(holder));
		/* One that was killed just now may not know it yet. */
		if (holder_lives(holder) && ++alive > PATIENCE) {
			log_error(f->log,
			    "another agent (pid %d) keeps its files in %s: stop it, or "
			    "use another --data-dir",
			    atoi(holder), f->path);
			return -EBUSY;
		}
		if (i == PATIENCE)
			log_info(f->log, "waiting for the last writes of an agent that was killed");
		nanosleep(&step, NULL);
	}
	log_error(f->log,
	    "%s is locked by an agent that cannot be seen from here (in a container?)", f->path);
	return -EBUSY;
}

static int open_and_lock(struct folder *f)
{
	char self[64];
	int err;

	f->fd = open(f->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (f->fd < 0)
		return -errno;
	f->lock_fd = openat(f->fd, LOCK_NAME, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (f->lock_fd < 0)
		return -errno;
	err = take_lock(f);
	if (err)
		return err;
	describe_process(getpid(), self, sizeof(self));
	if (ftruncate(f->lock_fd, 0) < 0 ||
	    pwrite(f->lock_fd, self, strlen(self), 0) != (ssize_t)strlen(self))
		return errno ? -errno : -EIO;
	/*
	 * A killed agent's last renames may be seen, and not be durable. What is done on the
	 * strength of them (a plain journal file goes because the compressed one is there) must not
	 * get to the disk before them. The lock says that none is still to come.
	 */
	return fsync(f->fd) < 0 && errno != EINVAL ? -errno : 0;
}

static void close_descriptors(struct folder *f)
{
	if (f->lock_fd >= 0)
		close(f->lock_fd);
	if (f->fd >= 0)
		close(f->fd);
	f->fd = f->lock_fd = -1;
}

int folder_open(
    const char *path, const struct calendar *calendar, struct log *log, struct folder *f)
{
	int err;

	*f = (struct folder){
	    .path = strdup(path), .fd = -1, .lock_fd = -1, .log = log, .calendar = *calendar};
	if (!f->path)
		return -ENOMEM;
	err = make_path(path);
	if (!err)
		err = open_and_lock(f);
	if (!err)
		return 0;
	if (err == -ENOTDIR || err == -EEXIST)
		log_error(log, "%s is not a folder: name another with --data-dir", path);
	else if (err != -EBUSY)
		log_error(log, "cannot use the data folder %s: %s", path, strerror(-err));
	folder_close(f);
	return err;
}

bool folder_is_there(const struct folder *f)
{
	struct stat opened, named;

	return fstat(f->fd, &opened) == 0 && stat(f->path, &named) == 0 &&
	       opened.st_ino == named.st_ino && opened.st_dev == named.st_dev;
}

int folder_reopen(struct folder *f)
{
	int err;

	close_descriptors(f);
	err = make_path(f->path);
	return err ? err : open_and_lock(f);
}

void folder_close(struct folder *f)
{
	close_descriptors(f);
	free(f->path);
	f->path = NULL;
}
