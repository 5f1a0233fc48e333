/*
 * file_name.h: what the name of a file in the data folder says.
 *
 * It is not for making names: calendar.h makes those of periods and snapshots, journal_name.h those
 * of the journal.
 */
#ifndef ORBUS_BASE_FILE_NAME_H
#define ORBUS_BASE_FILE_NAME_H

#include <stdbool.h>
#include <stdint.h>

/* What the name of a file says. */
struct file_name {
	enum { PERIOD_FILE_HOURLY, PERIOD_FILE_DAILY, PERIOD_FILE_OTHER } file;
	uint32_t label, mark;
	int64_t day; /* calendar_label_day() */
};

/*
 * True when `name` is exactly one that the agent gives: hourly_, daily_, or of another kind:
 * metrics_, requests_.
 */
bool file_name_parse(const char *name, struct file_name *out);

#endif
