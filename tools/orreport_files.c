/*
 * orreport_files.c: the period files of a data folder, found by name and read one at a time.
 */
#include "orreport_files.h"
#include "clock.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static int by_day(const void *a, const void *b)
{
	const struct report_day *x = a, *y = b;

	return (x->day > y->day) - (x->day < y->day);
}

static struct report_day *day_at(struct report_folder *f, size_t *capacity, int64_t day)
{
	/* Folders are listed in no order, but most names follow one of the same day. */
	for (size_t i = f->count; i > 0; i--)
		if (f->days[i - 1].day == day)
			return &f->days[i - 1];
	if (f->count == *capacity) {
		size_t more = *capacity ? 2 * *capacity : 64;
		struct report_day *days = realloc(f->days, more * sizeof(*days));

		if (!days)
			return NULL;
		f->days = days;
		*capacity = more;
	}
	f->days[f->count] = (struct report_day){.day = day};
	return &f->days[f->count++];
}

static bool take_name(struct report_folder *f, size_t *capacity, const char *name)
{
	struct report_day *d;
	unsigned hour;
	int64_t day;

	if (!calendar_parse_name(name, &day) || name[0] == 'm')
		return true;
	hour = name[0] == 'h' ? (unsigned)atoi(strrchr(name, '_') + 1) : 0;
	if (hour > 23)
		return true;
	d = day_at(f, capacity, day);
	if (!d)
		return false;
	if (name[0] == 'd')
		d->has_daily = true;
	else
		d->hours |= 1u << hour;
	return true;
}

/* Takes all names of a folder: 0 or a negative errno. */
static int list_names(struct report_folder *f, DIR *list)
{
	struct dirent *entry;
	size_t capacity = 0;

	for (;;) {
		errno = 0;
		entry = readdir(list);
		if (!entry)
			return -errno;
		if (!take_name(f, &capacity, entry->d_name))
			return -ENOMEM;
	}
}

int folder_list(const char *path, struct report_folder *out)
{
	DIR *list;
	int err;

	*out = (struct report_folder){
	    .path = path, .fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
	if (out->fd < 0)
		return -errno;
	list = opendir(path);
	if (!list)
		return -errno;
	err = list_names(out, list);
	closedir(list);
	if (!err && out->count)
		qsort(out->days, out->count, sizeof(*out->days), by_day);
	return err;
}

void folder_free(struct report_folder *f)
{
	if (f->fd >= 0)
		close(f->fd);
	free(f->days);
	*f = (struct report_folder){.fd = -1};
}

void folder_file_name(
    const struct report_day *d, enum period_kind kind, unsigned hour, char out[PERIOD_NAME_BYTES])
{
	time_t t = (time_t)(d->day * 86400);
	struct tm tm;
	uint32_t date;

	gmtime_r(&t, &tm);
	date = (uint32_t)((tm.tm_year + 1900) * 10000 + (tm.tm_mon + 1) * 100 + tm.tm_mday);
	calendar_name(kind, date * 100 + hour, out);
}

static enum file_is fault(struct report_file *file, const char *text)
{
	snprintf(file->fault, sizeof(file->fault), "%s", text);
	return FILE_IS_WRONG;
}

/* Reads until the end or `size` bytes; a file that was replaced meanwhile is the old one, whole. */
static ssize_t read_all(int fd, char *to, size_t size)
{
	size_t used = 0;

	while (used < size) {
		ssize_t n = read(fd, to + used, size - used);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		used += (size_t)n;
	}
	return (ssize_t)used;
}

/* The bytes of an open file, into the buffer: their number, or a negative errno. */
static ssize_t take_bytes(int fd, size_t size, struct file_buffer *b)
{
	if (size > b->capacity) {
		size_t capacity = size + size / 4;
		char *bytes = realloc(b->bytes, capacity);

		if (!bytes)
			return -ENOMEM;
		b->bytes = bytes;
		b->capacity = capacity;
	}
	return read_all(fd, b->bytes, size);
}

/* What a text that is no period is instead. */
static enum file_is judge_other(const char *text, size_t length, bool utc, struct report_file *file)
{
	json_error_t error;
	json_t *document = json_loadb(text, length, 0, &error);
	enum file_is is = FILE_IS_SEED;

	if (!document && json_error_code(&error) == json_error_out_of_memory) {
		is = FILE_NO_MEMORY;
	} else if (!document) {
		is = FILE_IS_WRONG;
		snprintf(file->fault, sizeof(file->fault),
		    json_error_code(&error) == json_error_premature_end_of_input
			? "is cut short (in line %d)"
			: "is damaged (in line %d)",
		    error.line);
	} else if (json_object_get(document, "period")) {
		is = fault(file, "is damaged: figures are missing or do not add up");
	} else if (!seed_read(document, utc, &file->seed)) {
		is = fault(file, "is not a file of statistics");
	}
	json_decref(document);
	return is;
}

static enum file_is read_open(
    int fd, unsigned parts, bool utc, struct file_buffer *b, struct report_file *file)
{
	struct stat st;
	ssize_t length;
	int err;

	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return fault(file, "is not a regular file");
	if (st.st_size == 0)
		return fault(file, "is empty");
	if (st.st_size > DOCUMENT_BYTES_MAX)
		return fault(file, "is too large for a file of statistics");
	file->changed_ns =
	    (uint64_t)st.st_mtim.tv_sec * NS_PER_SECOND + (uint64_t)st.st_mtim.tv_nsec;
	length = take_bytes(fd, (size_t)st.st_size, b);
	if (length == -ENOMEM)
		return FILE_NO_MEMORY;
	if (length < 0)
		return fault(file, strerror((int)-length));
	err = document_scan(b->bytes, (size_t)length, parts, &file->period, &file->sum);
	if (err == -ENOMEM)
		return FILE_NO_MEMORY;
	if (err)
		return judge_other(b->bytes, (size_t)length, utc, file);
	if (strcmp(file->period.kind, file->name[0] == 'h' ? "hourly" : "daily") != 0)
		return fault(file, "is of another kind of period than its name says");
	return FILE_IS_PERIOD;
}

enum file_is file_read(const struct report_folder *f, const char *name, unsigned parts, bool utc,
    struct file_buffer *b, struct report_file *out)
{
	enum file_is is;
	int fd;

	*out = (struct report_file){0};
	snprintf(out->name, sizeof(out->name), "%s", name);
	aggregate_init(&out->sum);
	/* A pipe of that name is not waited for. */
	fd = openat(f->fd, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0 && errno == ENOENT)
		return FILE_IS_GONE;
	if (fd < 0)
		return fault(out, strerror(errno));
	is = read_open(fd, parts, utc, b, out);
	close(fd);
	return is;
}
