/*
 * quarantine.c: files of the data folder that cannot be read: moved aside, or logged.
 */
#include "quarantine.h"
#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

/* So many may be set aside under one name in one second. */
#define SAME_NAME_MAX 1000

int quarantine_file(const struct folder *f, const char *name, const char *why)
{
	char stamp[PERIOD_NAME_BYTES], aside[2 * PERIOD_NAME_BYTES];
	int err, n;

	calendar_snapshot_name(&f->calendar, clock_realtime_ns(), stamp);
	n = snprintf(
	    aside, sizeof(aside), "%.47s.set-aside-%.15s", name, stamp + strlen("metrics_"));
	err = renameat2(f->fd, name, f->fd, aside, RENAME_NOREPLACE);
	/* There may be more than one in a second. */
	for (int i = 2; err < 0 && errno == EEXIST && i <= SAME_NAME_MAX; i++) {
		snprintf(aside + n, sizeof(aside) - (size_t)n, "-%d", i);
		err = renameat2(f->fd, name, f->fd, aside, RENAME_NOREPLACE);
	}
	if (err < 0) {
		err = -errno;
		log_error(
		    f->log, "%s %s, and could not be quarantined: %s", name, why, strerror(-err));
		return err;
	}
	log_error(f->log, "%s %s: quarantined as %s", name, why, aside);
	return 0;
}

void report_unreadable(struct folder *f, const char *name, int error)
{
	/* That memory is short has been said where it becomes so while the agent runs. */
	if (f->unreadable_error != error && !(error == -ENOMEM && f->shortage_said))
		log_error(f->log,
		    "cannot read %s/%s: %s. It was left as it is, and nothing was counted; start "
		    "again when the disk, or the permissions, are repaired",
		    f->path, name, strerror(-error));
	f->unreadable_error = error;
}
