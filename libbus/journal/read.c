/*
 * read.c: the requests that the journal holds of a stretch of time, in the order of their
 * times.
 *
 * Files follow each other by the times that they hold: labels in names may be of several zones. The
 * lines of one hour, which late ones and several bots have put out of order, are sorted in memory.
 */
#include "read.h"
#include "base/calendar.h"
#include "base/clock.h"
#include "base/journal_name.h"
#include "checkpoint.h"
#include "doc/sample_json.h"
#include "hour.h"
#include "lines.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Checkpoints come once a second at most: a folder is listed in less. */
#define LOOKS_MAX 20

struct file {
	struct journal_name name;
	uint64_t from;  /* bytes of it that were read before */
	uint64_t limit; /* bytes of it that will not be taken back */
	uint64_t order; /* a time that its hour holds; hours do not overlap */
};

/* A line of the hour at hand. */
struct entry {
	uint64_t ts;
	size_t text; /* offset in the hour's texts */
	size_t length;
};

struct journal_read {
	int dirfd;
	uint64_t since_ns, until_ns;
	bool has_checkpoint;
	struct checkpoint_bus checkpoint;
	uint64_t stamp;
	struct file *listed; /* all, by name */
	size_t listed_count;
	struct file *files; /* of these, those that hold something for us, in the order of time */
	size_t file_count, file_at;
	char file[JOURNAL_NAME_BYTES];
	char *texts;
	size_t text_bytes, text_capacity;
	struct entry *entries;
	size_t entry_count, entry_capacity, entry_at;
	json_t *current; /* what the last sample's strings lie in */
	struct orbus_tag tags[ORBUS_TAGS_MAX];
	uint64_t damaged;
};

/* --- Which files ------------------------------------------------------------------------------ */

static int by_name(const void *a, const void *b)
{
	const struct journal_name *x = a, *y = b;
	int order = journal_name_compare(x, y);

	return order != 0 ? order : (int)y->compressed - (int)x->compressed;
}

static int add_file(struct journal_read *r, const struct journal_name *name, size_t *capacity)
{
	if (r->listed_count == *capacity) {
		size_t larger = *capacity ? 2 * *capacity : 64;
		struct file *files = realloc(r->listed, larger * sizeof(*files));

		if (!files)
			return -ENOMEM;
		r->listed = files;
		*capacity = larger;
	}
	r->listed[r->listed_count++] = (struct file){.name = *name, .limit = UINT64_MAX};
	return 0;
}

/* Of a file that is there plain and compressed, the compressed one, which comes first, is kept. */
static void drop_doubles(struct journal_read *r)
{
	size_t kept = 0;

	if (r->listed_count > 0)
		qsort(r->listed, r->listed_count, sizeof(*r->listed), by_name);
	for (size_t i = 0; i < r->listed_count; i++) {
		const struct journal_name *name = &r->listed[i].name;
		const struct journal_name *last = kept ? &r->listed[kept - 1].name : NULL;

		if (!last || journal_name_compare(last, name) != 0)
			r->listed[kept++] = r->listed[i];
	}
	r->listed_count = kept;
}

/*
 * How far the checkpoint says that a file is good. One that it does not name is whole when it is
 * compressed; else it is younger, and what it holds is to come.
 */
static uint64_t limit_of(const struct journal_read *r, const struct journal_name *name)
{
	const struct checkpoint_journal *j = &r->checkpoint.journal;

	if (!r->has_checkpoint || !j->known)
		return UINT64_MAX;
	for (size_t i = 0; i < j->file_count; i++)
		if (journal_name_compare(&j->files[i].name, name) == 0)
			return j->files[i].length;
	return name->compressed ? UINT64_MAX : 0;
}

static int list_files(struct journal_read *r)
{
	int err = 0, fd = openat(r->dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct journal_name name;
	struct dirent *entry;
	size_t capacity = 0;

	if (!dir) {
		err = -errno;
		if (fd >= 0)
			close(fd);
		return err;
	}
	while (!err && (entry = readdir(dir)))
		if (journal_name_parse(entry->d_name, &name))
			err = add_file(r, &name, &capacity);
	closedir(dir);
	if (!err)
		drop_doubles(r);
	for (size_t i = 0; i < r->listed_count; i++)
		r->listed[i].limit = limit_of(r, &r->listed[i].name);
	return err;
}

static int read_checkpoint(struct journal_read *r)
{
	struct checkpoint_bus fresh;
	int err = journal_checkpoint_read(r->dirfd, &fresh, &r->stamp);

	if (err && err != -ENOENT)
		return err;
	if (r->has_checkpoint)
		checkpoint_bus_free(&r->checkpoint);
	r->has_checkpoint = !err;
	r->checkpoint = err ? (struct checkpoint_bus){0} : fresh;
	return 0;
}

/*
 * The checkpoint, and the files as they are while it is the last one: were it another one before
 * and after the listing, a file could be listed that it does not know.
 */
static int look(struct journal_read *r)
{
	struct checkpoint_bus again;
	uint64_t stamp;
	int err = 0;

	for (int i = 0; !err && i < LOOKS_MAX; i++) {
		free(r->listed);
		r->listed = NULL;
		r->listed_count = 0;
		err = read_checkpoint(r);
		if (!err)
			err = list_files(r);
		if (err || !r->has_checkpoint)
			break;
		err = journal_checkpoint_read(r->dirfd, &again, &stamp);
		if (!err)
			checkpoint_bus_free(&again);
		if (stamp == r->stamp)
			break;
	}
	return err == -ENOENT ? 0 : err;
}

/* --- One hour --------------------------------------------------------------------------------- */

/* The time of a line: the agent writes it first; other lines are read whole. */
static bool line_ts(const char *line, size_t length, uint64_t *ts)
{
	static const char head[] = "{\"ts\":\"";
	char text[RFC3339_BYTES];
	const char *start = line + sizeof(head) - 1, *end;
	json_t *o;
	bool found;

	if (strncmp(line, head, sizeof(head) - 1) == 0 && (end = strchr(start, '"')) &&
	    (size_t)(end - start) < sizeof(text)) {
		memcpy(text, start, (size_t)(end - start));
		text[end - start] = '\0';
		if (clock_parse_rfc3339(text, ts))
			return true;
	}
	o = json_loadb(line, length, 0, NULL);
	start = json_string_value(json_object_get(o, "ts"));
	found = start && clock_parse_rfc3339(start, ts);
	json_decref(o);
	return found;
}

static int grow(void **array, size_t *capacity, size_t needed, size_t item_bytes)
{
	size_t larger = *capacity ? *capacity : 1024;
	void *moved;

	while (larger < needed)
		larger *= 2;
	if (larger == *capacity)
		return 0;
	moved = realloc(*array, larger * item_bytes);
	if (!moved)
		return -ENOMEM;
	*array = moved;
	*capacity = larger;
	return 0;
}

static int add_line(struct journal_read *r, const char *line, size_t length)
{
	uint64_t ts;
	int err;

	if (!line_ts(line, length, &ts)) {
		r->damaged++;
		return 0;
	}
	if (ts < r->since_ns || ts >= r->until_ns)
		return 0;
	err = grow((void **)&r->texts, &r->text_capacity, r->text_bytes + length, 1);
	if (!err)
		err = grow((void **)&r->entries, &r->entry_capacity, r->entry_count + 1,
		    sizeof(*r->entries));
	if (err)
		return err;
	memcpy(r->texts + r->text_bytes, line, length);
	r->entries[r->entry_count++] = (struct entry){ts, r->text_bytes, length};
	r->text_bytes += length;
	return 0;
}

/* Plain files are compressed, and old ones removed, while we look. */
static int open_file(struct journal_read *r, const struct file *f, struct journal_lines **lines)
{
	struct journal_name name = f->name;
	int err;

	journal_name_format(&name, r->file);
	err = journal_lines_open(r->dirfd, r->file, f->from, f->limit, lines);
	if (err != -ENOENT || name.compressed)
		return err;
	name.compressed = true;
	journal_name_format(&name, r->file);
	return journal_lines_open(r->dirfd, r->file, f->from, f->limit, lines);
}

static int load_file(struct journal_read *r, const struct file *f)
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

static int by_time(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	if (x->ts != y->ts)
		return x->ts < y->ts ? -1 : 1;
	return x->text < y->text ? -1 : 1;
}

/* The time of the first line that has one. */
static bool first_ts(struct journal_read *r, const struct file *f, uint64_t *ts)
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
		found = line_ts(line, length, ts);
	journal_lines_close(lines);
	return found;
}

/* --- In the order of time --------------------------------------------------------------------- */

static bool is_same_hour(const struct file *a, const struct file *b)
{
	return a->name.label == b->name.label && a->name.mark == b->name.mark;
}

/* When its hour begins, where the checkpoint says so. */
static bool is_known_hour(const struct journal_read *r, const struct file *f, uint64_t *start_ns)
{
	const struct checkpoint_journal *j = &r->checkpoint.journal;

	for (size_t i = 0; r->has_checkpoint && i < j->file_count; i++) {
		if (j->files[i].name.label != f->name.label ||
		    j->files[i].name.mark != f->name.mark)
			continue;
		*start_ns = j->files[i].start_ns;
		return true;
	}
	return false;
}

/*
 * Whether a file may hold something for us, and when. Any of its lines tells: an hour that is in
 * neither UTC nor the zone here is one of another zone, and not the one that its name means here.
 */
static bool is_wanted(struct journal_read *r, struct file *f)
{
	enum journal_hour may = f->from < f->limit
	                            ? journal_hour_may_hold(&f->name, r->since_ns, r->until_ns)
	                            : JOURNAL_HOUR_NO;
	uint64_t end_ns;
	bool found;

	if (may == JOURNAL_HOUR_NO)
		return false;
	if (is_known_hour(r, f, &f->order))
		return true;
	found = first_ts(r, f, &f->order);
	if (may == JOURNAL_HOUR_ELSEWHERE)
		return found && !journal_hour_is_known(&f->name, f->order);
	/* One that cannot be read is named when its turn comes. */
	if (!found)
		calendar_label_span(true, PERIOD_HOURLY, f->name.label, &f->order, &end_ns);
	return true;
}

static int by_order(const void *a, const void *b)
{
	const struct file *x = a, *y = b;

	if (x->order != y->order)
		return x->order < y->order ? -1 : 1;
	return journal_name_compare(&x->name, &y->name);
}

/* Of the files that were listed, sorted by name. The parts of an hour stay together. */
static int choose_files(struct journal_read *r)
{
	struct file *files = realloc(r->files, (r->listed_count + 1) * sizeof(*files));
	size_t n = 0;

	if (!files)
		return -ENOMEM;
	r->files = files;
	for (size_t i = 0; i < r->listed_count; i++) {
		files[n] = r->listed[i];
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
	r->entry_at = r->entry_count = r->text_bytes = 0;
	while (r->entry_count == 0 && r->file_at < r->file_count) {
		const struct file *first = &r->files[r->file_at];

		for (; r->file_at < r->file_count && is_same_hour(first, &r->files[r->file_at]);
		     r->file_at++) {
			int err = load_file(r, &r->files[r->file_at]);

			if (err)
				return err;
		}
	}
	if (r->entry_count > 0)
		qsort(r->entries, r->entry_count, sizeof(*r->entries), by_time);
	return r->entry_count > 0;
}

/* How much of a file was read by earlier looks. */
static uint64_t read_before(const struct file *files, size_t count, const struct journal_name *name)
{
	for (size_t i = 0; i < count; i++)
		if (journal_name_compare(&files[i].name, name) == 0)
			return files[i].limit;
	return 0;
}

int journal_read_renew(struct journal_read *r)
{
	uint64_t stamp = r->stamp;
	struct file *before = r->listed;
	size_t count = r->listed_count;
	int err;

	if (!r->has_checkpoint)
		return 0;
	r->listed = NULL;
	err = look(r);
	for (size_t i = 0; !err && i < r->listed_count; i++)
		r->listed[i].from = read_before(before, count, &r->listed[i].name);
	free(before);
	if (!err)
		err = choose_files(r);
	return err ? err : r->stamp != stamp;
}

/* --- Requests --------------------------------------------------------------------------------- */

/* `orphaned` is for agents to say, so that the reader of other people's JSON refuses it. */
static bool decode(struct journal_read *r, const struct entry *e, struct orbus_sample *out)
{
	const char *status;
	bool orphaned;
	char why[128];

	json_decref(r->current);
	r->current = json_loadb(r->texts + e->text, e->length, 0, NULL);
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
		if (r->entry_at == r->entry_count) {
			int loaded = load_hour(r);

			if (loaded != 1)
				return loaded;
		}
		if (decode(r, &r->entries[r->entry_at++], out))
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
	r->dirfd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (r->dirfd < 0)
		err = -errno;
	if (!err)
		err = look(r);
	if (!err)
		err = choose_files(r);
	if (!err && r->listed_count == 0 && !(r->has_checkpoint && r->checkpoint.journal.known))
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
	return r->has_checkpoint ? &r->checkpoint : NULL;
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
	if (r->dirfd >= 0)
		close(r->dirfd);
	if (r->has_checkpoint)
		checkpoint_bus_free(&r->checkpoint);
	json_decref(r->current);
	free(r->listed);
	free(r->files);
	free(r->texts);
	free(r->entries);
	free(r);
}
