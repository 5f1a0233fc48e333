/*
 * files.h: the period files of a data folder, found by name and read one at a time.
 */
#ifndef ORBUS_ORREPORT_FILES_H
#define ORBUS_ORREPORT_FILES_H

#include "base/calendar.h"
#include "base/file_name.h"
#include "seed_files.h"

/* A file, by what its name says. */
struct report_name {
	struct file_name says;
	char text[PERIOD_NAME_BYTES];
};

/* The files of one date in names. */
struct report_day {
	int64_t day;                     /* calendar_label_day() */
	const struct report_name *names; /* days first */
	size_t count;
};

struct report_folder {
	const char *path;
	int fd;
	struct report_name *names;
	size_t name_count;
	struct report_day *days; /* ascending */
	size_t count;
};

/* Finds the files. 0 or a negative errno. */
int folder_list(const char *path, struct report_folder *out);
void folder_free(struct report_folder *f);

/* What became of reading a file. */
enum file_is { FILE_IS_PERIOD, FILE_IS_SEED, FILE_IS_GONE, FILE_IS_WRONG, FILE_NO_MEMORY };

struct report_file {
	char name[PERIOD_NAME_BYTES];
	struct document_period period; /* of FILE_IS_PERIOD */
	struct aggregate sum;          /* of FILE_IS_PERIOD; the caller's to free */
	struct seed_snapshot seed;     /* of FILE_IS_SEED */
	uint64_t changed_ns;           /* when it was written */
	char fault[160];               /* of FILE_IS_WRONG: why */
};

/* A buffer that is used for one file after another. */
struct file_buffer {
	char *bytes;
	size_t capacity;
};

/* Reads `parts` of a file. The file is not trusted: another program may have written it, or it may
 * be half-written or a folder. */
enum file_is file_read(const struct report_folder *f, const char *name, unsigned parts, bool utc,
    struct file_buffer *buffer, struct report_file *out);

#endif
