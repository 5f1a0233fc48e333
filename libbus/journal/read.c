/*
 * read.c: the requests that the journal holds of a stretch of time, in the order of their times.
 *
 * Files follow each other by the times that they hold: labels in names may be of several zones. One
 * hour is in memory at a time (hour_lines.h).
 */
#include "read.h"
#include "base/calendar.h"
#include "base/journal_name.h"
#include "doc/sample_json.h"
#include "folder.h"
#include "hour.h"
#include "hour_lines.h"
#include "lines.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A file that holds something for us. */
struct file {
	struct folder_file in;
	uint64_t order; /* a time that its hour holds; hours do not overlap */
};

struct journal_read {
	uint64_t since_ns, until_ns;
	struct journal_folder folder;
	struct file *files; /* in the order of time */
	size_t file_count, file_at;
	char file[JOURNAL_NAME_BYTES];
	struct hour_lines hour;
	json_t *current; /* what the last sample's strings lie in */
	struct orbus_tag tags[ORBUS_TAGS_MAX];
	uint64_t damaged;
};

/* --- One file --------------------------------------------------------------------------------- */

static int add_line(struct journal_read *r, const char *line, size_t length)
{
	uint64_t ts;

	if (!hour_line_ts(line, length, &ts)) {
		r->damaged++;
		return 0;
	}
	if (ts < r->since_ns || ts >= r->until_ns)
		return 0;
	return hour_lines_add(&r->hour, ts, line, length);
}

/* Plain files are compressed, and old ones removed, while we look. */
static int open_file(
    struct journal_read *r, const struct folder_file *f, struct journal_lines **lines)
{
	struct journal_name name = f->name;
	int err;

	journal_name_format(&name, r->file);
	err = journal_lines_open(r->folder.fd, r->file, f->from, f->limit, lines);
	if (err != -ENOENT || name.compressed)
		return err;
	name.compressed = true;
	journal_name_format(&name, r->file);
	return journal_lines_open(r->folder.fd, r->file, f->from, f->limit, lines);
}

static int load_file(struct journal_read *r, const struct folder_file *f)
{
	struct journal_lines *lines;
	size_t length;
	char *line;
	int err = open_file(r, f, &lines);

	if (err == -ENOENT)
		return 0;
	if (err == -ELOOP) {
		r->damaged++; /* no file of the agent's */
		return 0;
	}
	if (err)
		return err;
	while ((err = journal_lines_next(lines, &line, &length)) == 1) {
		err = add_line(r, line, length);
		if (err)
			break;
	}
	r->damaged += journal_lines_damaged(lines);
	journal_lines_close(lines);
	return err;
}

/* The time of the first line that has one. */
static bool first_ts(struct journal_read *r, const struct folder_file *f, uint64_t *ts)
{
	char read_last[JOURNAL_NAME_BYTES];
	struct journal_lines *lines;
	bool found = false;
	size_t length;
	char *line;
	int err;

	memcpy(read_last, r->file, sizeof(read_last));
	err = open_file(r, f, &lines);
	memcpy(r->file, read_last, sizeof(read_last));
	if (err)
		return false;
	while (!found && journal_lines_next(lines, &line, &length) == 1)
		found = hour_line_ts(line, length, ts);
	journal_lines_close(lines);
	return found;
}

/* --- In the order of time --------------------------------------------------------------------- */

static bool is_same_hour(const struct file *a, const struct file *b)
{
	return a->in.name.label == b->in.name.label && a->in.name.mark == b->in.name.mark;
}

/*
 * Whether a file may hold something for us, and when. Any of its lines tells: an hour that is in
 * neither UTC nor the zone here is one of another zone, and not the one that its name means here.
 */
static bool is_wanted(struct journal_read *r, struct file *f)
{
	enum journal_hour may = f->in.from < f->in.limit
	                            ? journal_hour_may_hold(&f->in.name, r->since_ns, r->until_ns)
	                            : JOURNAL_HOUR_NO;
	uint64_t end_ns;
	bool found;

	if (may == JOURNAL_HOUR_NO)
		return false;
	if (journal_folder_hour(&r->folder, &f->in.name, &f->order))
		return true;
	found = first_ts(r, &f->in, &f->order);
	if (may == JOURNAL_HOUR_ELSEWHERE)
		return found && !journal_hour_is_known(&f->in.name, f->order);
	/* One that cannot be read is named when its turn comes. */
	if (!found)
		calendar_label_span(true, PERIOD_HOURLY, f->in.name.label, &f->order, &end_ns);
	return true;
}

static int by_order(const void *a, const void *b)
{
	const struct file *x = a, *y = b;

	if (x->order != y->order)
		return x->order < y->order ? -1 : 1;
	return journal_name_compare(&x->in.name, &y->in.name);
}

/* Of the files that were listed, sorted by name. The parts of an hour stay together. */
static int choose_files(struct journal_read *r)
{
	struct file *files = realloc(r->files, (r->folder.count + 1) * sizeof(*files));
	size_t n = 0;

	if (!files)
		return -ENOMEM;
	r->files = files;
	for (size_t i = 0; i < r->folder.count; i++) {
		files[n] = (struct file){.in = r->folder.files[i]};
		if (!is_wanted(r, &files[n]))
			continue;
		if (n > 0 && is_same_hour(&files[n - 1], &files[n]))
			files[n].order = files[n - 1].order;
		n++;
	}
	r->file_count = n;
	r->file_at = 0;
	if (n > 0)
		qsort(files, n, sizeof(*files), by_order);
	return 0;
}

/* Reads the files of the next hour that has a line for us. 1: read; 0: there is none. */
static int load_hour(struct journal_read *r)
{
	hour_lines_clear(&r->hour);
	while (r->hour.count == 0 && r->file_at < r->file_count) {
		const struct file *first = &r->files[r->file_at];

		for (; r->file_at < r->file_count && is_same_hour(first, &r->files[r->file_at]);
		     r->file_at++) {
			int err = load_file(r, &r->files[r->file_at].in);

			if (err)
				return err;
		}
	}
	hour_lines_sort(&r->hour);
	return r->hour.count > 0;
}

int journal_read_renew(struct journal_read *r)
{
	uint64_t stamp = r->folder.stamp;
	int err;

	if (!r->folder.has_checkpoint)
		return 0;
	err = journal_folder_look(&r->folder);
	if (!err)
		err = choose_files(r);
	return err ? err : r->folder.stamp != stamp;
}

/* --- Requests --------------------------------------------------------------------------------- */

/* `orphaned` is for agents to say, so that the reader of other people's JSON refuses it. */
static bool decode(
    struct journal_read *r, const char *line, size_t length, struct orbus_sample *out)
{
	const char *status;
	bool orphaned;
	char why[128];

	json_decref(r->current);
	r->current = json_loadb(line, length, 0, NULL);
	status = json_string_value(json_object_get(r->current, "status"));
	orphaned = status && strcmp(status, "orphaned") == 0;
	if (orphaned)
		json_object_del(r->current, "status");
	if (!r->current || sample_from_json(r->current, r->tags, out, why, sizeof(why)) < 0 ||
	    out->kind != ORBUS_KIND_REQUEST)
		return false;
	if (orphaned)
		out->status = ORBUS_STATUS_ORPHANED;
	return true;
}

int journal_read_next(struct journal_read *r, struct orbus_sample *out)
{
	for (;;) {
		size_t length;
		const char *line = hour_lines_next(&r->hour, &length);

		if (!line) {
			int loaded = load_hour(r);

			if (loaded != 1)
				return loaded;
			continue;
		}
		if (decode(r, line, length, out))
			return 1;
		r->damaged++;
	}
}

int journal_read_open(
    const char *folder, uint64_t since_ns, uint64_t until_ns, struct journal_read **out)
{
	struct journal_read *r = calloc(1, sizeof(*r));
	int err = 0;

	if (!r)
		return -ENOMEM;
	r->since_ns = since_ns;
	r->until_ns = until_ns;
	r->folder.fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (r->folder.fd < 0)
		err = -errno;
	if (!err)
		err = journal_folder_look(&r->folder);
	if (!err)
		err = choose_files(r);
	if (!err && r->folder.count == 0 &&
	    !(r->folder.has_checkpoint && r->folder.checkpoint.journal.known))
		err = -ENOENT;
	if (err) {
		journal_read_close(r);
		return err;
	}
	*out = r;
	return 0;
}

const struct checkpoint_bus *journal_read_checkpoint(const struct journal_read *r)
{
	return r->folder.has_checkpoint ? &r->folder.checkpoint : NULL;
}

uint64_t journal_read_damaged(const struct journal_read *r)
{
	return r->damaged;
}

const char *journal_read_file(const struct journal_read *r)
{
	return r->file;
}

void journal_read_close(struct journal_read *r)
{
	if (!r)
		return;
	if (r->folder.fd >= 0)
		close(r->folder.fd);
	journal_folder_free(&r->folder);
	json_decref(r->current);
	free(r->files);
	hour_lines_free(&r->hour);
	free(r);
}
