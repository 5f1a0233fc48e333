/*
 * data_dir_lock.h: the data folder: made, opened, and locked for one agent.
 */
#ifndef ORBUS_AGENT_COMMON_DATA_DIR_LOCK_H
#define ORBUS_AGENT_COMMON_DATA_DIR_LOCK_H

#include "base/calendar.h"
#include "log.h"

#include <stdbool.h>
#include <sys/types.h>

struct folder {
	char *path;
	int fd;
	int lock_fd; /* holds the lock; io_uring keeps a reference of it while it has work */
	struct log *log;
	struct calendar calendar; /* what the names of its files go by */
	/* quarantine.c: the error of reading that was logged last; 0: none. */
	int unreadable_error;
	bool shortage_said; /* the loop has logged that memory is short */
};

/*
 * Makes the folder where it is missing (mode 0700), opens it and takes its lock. Where a killed
 * agent's last writes are still under way, waits until they are over. Logs what went wrong and
 * returns a negative errno: -EBUSY another agent has it.
 */
int folder_open(
    const char *path, const struct calendar *calendar, struct log *log, struct folder *out);

/* The folder that is open is the one that bears the name, on the disk that is there now. */
bool folder_is_there(const struct folder *f);

/* Opens the folder anew, after it was removed or moved: 0 or a negative errno. */
int folder_reopen(struct folder *f);

void folder_close(struct folder *f);

#endif
