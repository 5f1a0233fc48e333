/*
 * folders.c: the data folders that a report is of.
 *
 * Each sample is in the files of one agent's folder, so that the reports of folders add up: row by
 * row, for all have the same hours and days.
 */
#include "folders.h"
#include "base/data_limits.h"
#include "common/data_folder.h"
#include "grid.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* --- Which they are --------------------------------------------------------------------------- */

static bool is_one_of(const struct report_folders *f, int fd)
{
	struct stat st, other;

	if (fstat(fd, &st) < 0)
		return false;
	for (size_t i = 0; i < f->count; i++)
		if (fstat(f->items[i].fd, &other) == 0 && other.st_dev == st.st_dev &&
		    other.st_ino == st.st_ino)
			return true;
	return false;
}

static int add_folder(
    struct report_folders *f, const char *given, const char *bus, const char **failed)
{
	char *path = f->paths[f->count] = data_folder_choose(given, bus);
	struct report_folder folder;
	int err;

	*failed = path;
	if (!path)
		return -ENOMEM;
	err = folder_list(path, &folder);
	if (!err && !is_one_of(f, folder.fd)) {
		f->items[f->count++] = folder;
		return 0;
	}
	folder_free(&folder);
	if (!err) {
		free(path);
		f->paths[f->count] = NULL;
	}
	return err;
}

static char *join(const struct report_folders *f)
{
	char *shown = strdup(f->count ? f->paths[0] : "");

	for (size_t i = 1; shown && i < f->count; i++) {
		char *longer;

		if (asprintf(&longer, "%s, %s", shown, f->paths[i]) < 0)
			longer = NULL;
		free(shown);
		shown = longer;
	}
	return shown;
}

int folders_open(
    const struct cli_list *given, const char *bus, struct report_folders *out, const char **failed)
{
	int err = 0;

	memset(out, 0, sizeof(*out));
	*failed = NULL;
	if (given->count == 0)
		err = add_folder(out, NULL, bus, failed);
	for (size_t i = 0; !err && i < given->count; i++)
		err = add_folder(out, given->items[i], bus, failed);
	if (err)
		return err;
	out->shown = join(out);
	return out->shown ? 0 : -ENOMEM;
}

void folders_close(struct report_folders *f)
{
	for (size_t i = 0; i < f->count; i++)
		folder_free(&f->items[i]);
	for (size_t i = 0; i < CLI_LIST_MAX; i++)
		free(f->paths[i]);
	free(f->shown);
	memset(f, 0, sizeof(*f));
}

bool folders_extent(const struct report_folders *f, const char **first, const char **last)
{
	int64_t first_day = INT64_MAX, last_day = INT64_MIN;

	for (size_t i = 0; i < f->count; i++) {
		const struct report_folder *folder = &f->items[i];

		if (folder->count == 0)
			continue;
		if (folder->days[0].day < first_day) {
			first_day = folder->days[0].day;
			*first = folder->days[0].names->text;
		}
		if (folder->days[folder->count - 1].day > last_day) {
			last_day = folder->days[folder->count - 1].day;
			*last = folder->days[folder->count - 1].names->text;
		}
	}
	return first_day != INT64_MAX;
}

/* --- Their reports, added up ------------------------------------------------------------------ */

/* Agents run beside each other: what one covers is not added to what another does. */
static bool add_row(struct report_row *to, const struct report_row *from)
{
	struct unmerged *u = &to->unmerged;
	const struct unmerged *v = &from->unmerged;

	to->files += from->files;
	if (from->covered_ns > to->covered_ns)
		to->covered_ns = from->covered_ns;
	to->incomplete |= from->incomplete;
	u->files += v->files;
	u->answered += v->answered;
	u->failed += v->failed;
	u->timed += v->timed;
	u->sum_ms += v->sum_ms;
	u->tokens.total = count_add(u->tokens.total, v->tokens.total);
	u->tokens.prompt = count_add(u->tokens.prompt, v->tokens.prompt);
	u->tokens.completion = count_add(u->tokens.completion, v->tokens.completion);
	return aggregate_merge(&to->sum, &from->sum);
}

/* Adds rows to a grid that holds the times of all of them. */
static bool add_rows(struct report *grid, const struct report *from)
{
	size_t at = 0;

	for (size_t i = 0; i < from->count; i++) {
		const struct report_row *row = &from->rows[i];

		while (at < grid->count && grid->rows[at].span.end_ns <= row->span.start_ns)
			at++;
		if (at == grid->count || !add_row(&grid->rows[at], row))
			return false;
	}
	return true;
}

static uint64_t smaller(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t larger(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* The rows of `to` become those of both. */
static bool merge_rows(struct report *to, struct report *from)
{
	struct report grid = {.calendar = to->calendar, .per = to->per};
	struct time_span span;
	bool fine;

	if (from->count == 0)
		return true;
	if (to->count == 0) {
		free(to->rows);
		to->rows = from->rows;
		to->count = from->count;
		from->rows = NULL;
		from->count = 0;
		return true;
	}
	span.start_ns = smaller(to->rows[0].span.start_ns, from->rows[0].span.start_ns);
	span.end_ns =
	    larger(to->rows[to->count - 1].span.end_ns, from->rows[from->count - 1].span.end_ns);
	row_init(&grid.total, &span);
	fine = grid_make(&grid, &span) && add_rows(&grid, to) && add_rows(&grid, from);
	if (fine) {
		struct report_row *rows = to->rows;
		size_t count = to->count;

		to->rows = grid.rows;
		to->count = grid.count;
		grid.rows = rows;
		grid.count = count;
	}
	report_free(&grid);
	return fine;
}

/* With the folder before each, since names of files are the same in all. */
static void take_notes(struct report_notes *to, const struct report_notes *from, const char *path)
{
	for (size_t i = 0; i < from->count; i++)
		notes_add(to, from->items[i].wrong, "%s: %s", path, from->items[i].text);
	to->out_of_memory |= from->out_of_memory;
}

int folders_read(const struct report_folders *f, const struct report_request *q, struct report *out)
{
	struct report_request one = *q;
	int err = -ENOENT;

	one.folder = &f->items[0];
	if (f->count == 1)
		return report_read(&one, out);
	*out = (struct report){.calendar = q->calendar, .span = q->span, .per = q->per};
	row_init(&out->total, &q->span);
	for (size_t i = 0; i < f->count; i++) {
		struct report r;
		int status;

		one.folder = &f->items[i];
		status = report_read(&one, &r);
		take_notes(&out->notes, &r.notes, f->paths[i]);
		if (status == 0 && (!add_row(&out->total, &r.total) || !merge_rows(out, &r)))
			status = -ENOMEM;
		report_free(&r);
		if (status == -ENOMEM || out->notes.out_of_memory)
			return -ENOMEM;
		err = status == 0 ? 0 : err;
	}
	return err;
}
