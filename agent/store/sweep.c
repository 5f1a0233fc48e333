/*
 * sweep.c: one step of going through a folder and removing what is wanted gone.
 *
 * Steps, so that a folder of a hundred thousand files never keeps the store's worker for long, and
 * no list of them is kept. One fsync of the folder a step: removals need not be durable
 * one by one, a file that is back after a power cut is removed again.
 */
#include "sweep.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define STEP_FILES 512
#define STEP_NS    UINT64_C(10000000)

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* A link or a folder is never ours. */
static bool is_regular(int dirfd, const struct dirent *entry)
{
	struct stat st;

	if (entry->d_type != DT_UNKNOWN)
		return entry->d_type == DT_REG;
	return fstatat(dirfd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode);
}

static void remove_one(int dirfd, struct store_op *op, const char *name)
{
	if (unlinkat(dirfd, name, 0) < 0) {
		if (errno == ENOENT || op->error)
			return;
		store_op_fail(op, STORE_STEP_REMOVE, -errno);
		if (strlen(name) <= STORE_NAME_MAX)
			strcpy(op->name, name);
		return;
	}
	op->sweep->removed = true;
	if (op->removed < STORE_SWEPT_NAMES)
		op->names[op->removed] = strdup(name);
	op->removed++;
}

static bool begin(int dirfd, struct store_op *op)
{
	int fd;

	if (op->sweep->dir)
		return true;
	op->sweep->removed = false;
	fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	op->sweep->dir = fd < 0 ? NULL : fdopendir(fd);
	if (op->sweep->dir)
		return true;
	store_op_fail(op, STORE_STEP_LIST, -errno);
	if (fd >= 0)
		close(fd);
	return false;
}

/*
 * A folder that changes under readdir() may hide names from it: only a round in which nothing was
 * removed is the last.
 */
static void end_of_folder(struct store_op *op)
{
	if (op->sweep->removed && !op->error) {
		rewinddir(op->sweep->dir);
		op->sweep->removed = false;
		op->more = true;
		return;
	}
	store_sweep_end(op->sweep);
	op->more = false;
}

void store_sweep_execute(int dirfd, struct store_op *op)
{
	uint64_t until_ns = now_ns() + STEP_NS;
	struct dirent *entry = NULL;

	if (!begin(dirfd, op))
		return;
	op->more = true;
	do {
		errno = 0;
		entry = readdir(op->sweep->dir);
		if (!entry && errno)
			store_op_fail(op, STORE_STEP_LIST, -errno);
		else if (!entry)
			end_of_folder(op);
		else if (op->wanted(op->order, entry->d_name) && is_regular(dirfd, entry))
			remove_one(dirfd, op, entry->d_name);
	} while (entry && op->removed < STEP_FILES && now_ns() < until_ns);
	if (op->error && op->step == STORE_STEP_LIST) {
		store_sweep_end(op->sweep);
		op->more = false;
	}
	if (op->removed > 0 && fsync(dirfd) < 0 && !op->error)
		store_op_fail(op, STORE_STEP_SYNC_DIR, -errno);
}

void store_sweep_end(struct store_sweep *sweep)
{
	if (sweep->dir)
		closedir(sweep->dir);
	sweep->dir = NULL;
}
