/*
 * files.c: the period files of a data folder, found by name and read one at a time.
 */
#include "files.h"
#include "base/clock.h"
#include "base/read_all.h"
#include "doc/snapshot_read.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* By date, days first, then by label. */
static int by_name(const void *a, const void *b)
{
	const struct file_name *x = &((const struct report_name *)a)->says;
	const struct file_name *y = &((const struct report_name *)b)->says;

	if (x->day != y->day)
		return x->day < y->day ? -1 : 1;
	if (x->file != y->file)
		return x->file == PERIOD_FILE_DAILY ? -1 : 1;
	if (x->label != y->label)
		return x->label < y->label ? -1 : 1;
	return (x->mark > y->mark) - (x->mark < y->mark);
}

static bool take_name(struct report_folder *f, size_t *capacity, const char *name)
{
	struct file_name says;

	if (!file_name_parse(name, &says) || says.file == PERIOD_FILE_OTHER)
		return true;
	if (f->name_count == *capacity) {
		size_t more = *capacity ? 2 * *capacity : 256;
		struct report_name *names = realloc(f->names, more * sizeof(*names));

		if (!names)
			return false;
		f->names = names;
		*capacity = more;
	}
	f->names[f->name_count].says = says;
	/* All names that the agent gives are shorter. */
	memccpy(f->names[f->name_count].text, name, '\0', PERIOD_NAME_BYTES - 1);
	f->names[f->name_count++].text[PERIOD_NAME_BYTES - 1] = '\0';
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

static int group_by_day(struct report_folder *f)
{
	if (f->name_count == 0)
		return 0;
	qsort(f->names, f->name_count, sizeof(*f->names), by_name);
	f->days = calloc(f->name_count, sizeof(*f->days));
	if (!f->days)
		return -ENOMEM;
	for (size_t i = 0; i < f->name_count; i++) {
		int64_t day = f->names[i].says.day;

		if (f->count == 0 || f->days[f->count - 1].day != day)
			f->days[f->count++] = (struct report_day){day, &f->names[i], 0};
		f->days[f->count - 1].count++;
	}
	return 0;
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
	return err ? err : group_by_day(out);
}

void folder_free(struct report_folder *f)
{
	if (f->fd >= 0)
		close(f->fd);
	free(f->names);
	free(f->days);
	*f = (struct report_folder){.fd = -1};
}

static enum file_is fault(struct report_file *file, const char *text)
{
	snprintf(file->fault, sizeof(file->fault), "%s", text);
	return FILE_IS_WRONG;
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

/* What a document that is no period is instead. */
static enum file_is judge_document(const json_t *document, bool utc, struct report_file *file)
{
	struct snapshot *s;
	int err = snapshot_from_document(document, &s);
	enum file_is is = FILE_IS_SEED;

	if (err == -ENOMEM)
		is = FILE_NO_MEMORY;
	else if (err || s->has.period)
		is = fault(file, "is damaged: figures are missing or do not add up");
	else if (!seed_read(s, utc, &file->seed))
		is = fault(file, "is not a file of statistics");
	snapshot_unref(s);
	return is;
}

/* The same of a text. */
static enum file_is judge_other(const char *text, size_t length, bool utc, struct report_file *file)
{
	json_error_t error;
	json_t *document = json_loadb(text, length, 0, &error);
	enum file_is is;

	if (!document && json_error_code(&error) == json_error_out_of_memory) {
		is = FILE_NO_MEMORY;
	} else if (!document) {
		is = FILE_IS_WRONG;
		snprintf(file->fault, sizeof(file->fault),
		    json_error_code(&error) == json_error_premature_end_of_input
			? "is cut short (in line %d)"
			: "is damaged (in line %d)",
		    error.line);
	} else {
		is = judge_document(document, utc, file);
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
	err = document_from_text(b->bytes, (size_t)length, parts, &file->period, NULL, &file->sum);
	if (err == -ENOMEM)
		return FILE_NO_MEMORY;
	if (err || !file->period.kind[0])
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
