/*
 * quarantine.h: files of the data folder that cannot be read: moved aside, or logged.
 *
 * Which of the two is the caller's to judge: a file goes to quarantine only when it was read to its
 * end and is damaged, or is no file of ours at all (a link, a folder). An error of reading says
 * nothing about the content: such a file stays as it is.
 */
#ifndef ORBUS_AGENT_COMMON_QUARANTINE_H
#define ORBUS_AGENT_COMMON_QUARANTINE_H

#include "data_dir_lock.h"

/*
 * Moves a file out of the way, under a name that says so and the time, and logs it with the reason
 * ("is damaged"). 0, or a negative errno, logged: then it stays where it is.
 */
int quarantine_file(const struct folder *f, const char *name, const char *why);

/* Logs that a file cannot be read from which counting goes on; once while it is the same error. */
void report_unreadable(struct folder *f, const char *name, int error);

#endif
