/*
 * orreport_merge.c: the files of a stretch of time, read on all cores, as a report.
 *
 * Threads share nothing that changes but the number of the next day: each day is one thread's, with
 * a result of its own, and results are put together in order when all threads are done. So sums of
 * doubles come out the same in every run.
 */
#include "orreport_merge.h"
#include "clock.h"
#include "orreport_grid.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define THREADS_MAX 8
/* Days that a folder in another time zone may be off by. */
#define SLACK_DAYS 1
#define HOUR_NS    (3600 * NS_PER_SECOND)

/* What a day's files add to a row. */
struct part {
	size_t row;
	uint64_t files, covered_ns;
	bool incomplete;
	struct aggregate sum;
};

struct day_result {
	const struct report_day *day;
	bool is_asked_for; /* not just looked into for another time zone's sake */
	struct part *parts;
	size_t part_count;
	struct part total;
	struct seed_snapshot seeds[25];
	size_t seed_count;
	struct report_notes notes;
	bool left_out; /* an hourly file, which covers more than was asked for */
	bool out_of_memory;
};

struct work {
	const struct report_request *q;
	struct report *report;
	struct day_result *days;
	size_t count;
	atomic_size_t next;
};

/* --- One day's files -------------------------------------------------------------------------- */

static void part_init(struct part *p, size_t row)
{
	*p = (struct part){.row = row};
	aggregate_init(&p->sum);
}

static struct part *part_at(struct day_result *d, size_t row)
{
	struct part *parts;

	for (size_t i = 0; i < d->part_count; i++)
		if (d->parts[i].row == row)
			return &d->parts[i];
	parts = realloc(d->parts, (d->part_count + 1) * sizeof(*parts));
	if (!parts)
		return NULL;
	d->parts = parts;
	part_init(&parts[d->part_count], row);
	return &parts[d->part_count++];
}

static void drop_parts(struct day_result *d)
{
	for (size_t i = 0; i < d->part_count; i++)
		aggregate_free(&d->parts[i].sum);
	free(d->parts);
	d->parts = NULL;
	d->part_count = 0;
}

static void note_cover(const struct report_request *q, const struct report_file *f, struct part *p)
{
	uint64_t end = f->period.end_ns;

	if (!f->period.complete && f->changed_ns < end)
		end = f->changed_ns < q->now_ns ? f->changed_ns : q->now_ns;
	p->covered_ns += end > f->period.start_ns ? end - f->period.start_ns : 0;
	p->incomplete |= !f->period.complete;
	p->files++;
}

static void keep_parts(struct aggregate *a, unsigned parts)
{
	if (!(parts & DOCUMENT_MODELS))
		series_clear(&a->by_model);
	if (!(parts & DOCUMENT_BOTS))
		series_clear(&a->by_bot);
	if (!(parts & DOCUMENT_PROVIDERS))
		series_clear(&a->by_provider);
}

/* The first of a row: there is nothing to add it to. `to` is empty. */
static void move_sum(struct aggregate *to, struct aggregate *from)
{
	aggregate_free(to);
	*to = *from;
	aggregate_init(from);
}

/* Adds a file to the total of its day and to its row. */
static void add_file(const struct work *w, struct day_result *d, struct report_file *f, size_t row)
{
	struct part *p = part_at(d, row);

	if (!p || !aggregate_merge(&d->total.sum, &f->sum)) {
		d->out_of_memory = true;
		return;
	}
	keep_parts(&f->sum, w->q->row_parts);
	if (p->files == 0)
		move_sum(&p->sum, &f->sum);
	else if (!aggregate_merge(&p->sum, &f->sum))
		d->out_of_memory = true;
	note_cover(w->q, f, p);
	note_cover(w->q, f, &d->total);
}

/* Reads a file; true if it is a period's, which *f then holds. Whatever else it is, is noted. */
static bool get_file(const struct work *w, struct day_result *d, const char *name,
    struct file_buffer *b, struct report_file *f)
{
	switch (file_read(w->q->folder, name, w->q->parts, w->q->calendar.utc, b, f)) {
	case FILE_IS_PERIOD: return true;
	case FILE_IS_SEED: d->seeds[d->seed_count++] = f->seed; break;
	case FILE_NO_MEMORY: d->out_of_memory = true; break;
	case FILE_IS_GONE: break;
	case FILE_IS_WRONG:
		if (d->is_asked_for)
			notes_add(&d->notes, true, "%s %s: it was skipped", name, f->fault);
	}
	aggregate_free(&f->sum);
	return false;
}

static bool reaches_beyond(const struct work *w, const struct report_file *f)
{
	const struct time_span *span = &w->report->span;

	return f->period.start_ns < span->start_ns ||
	       (f->period.end_ns > span->end_ns && span->end_ns < w->q->now_ns);
}

/*
 * A file of several hours (--snapshot-every) that lies in what was asked for in part cannot be
 * divided: what it holds would be counted for hours that nobody asked for. Those of one hour are
 * counted where they start, as ever: the clock's offset may have been of half an hour.
 */
static bool leave_out(const struct work *w, struct day_result *d, const struct report_file *f)
{
	struct time_span covers = {f->period.start_ns, f->period.end_ns};
	char name[TIME_NAME_BYTES];

	if (covers.end_ns - covers.start_ns <= HOUR_NS || !reaches_beyond(w, f))
		return false;
	if (covers.start_ns >= w->report->span.end_ns || covers.end_ns <= w->report->span.start_ns)
		return true;
	time_name(&w->q->calendar, &covers, name);
	notes_add(&d->notes, false,
	    "%s covers %s, more than was asked for: it was left out; ask for all of that time",
	    f->name, name);
	d->left_out = true;
	return true;
}

/* One that is longer than the row it starts in makes that row look busier than its hour was. */
static void note_long_file(
    const struct work *w, struct day_result *d, const struct report_file *f, size_t row)
{
	const struct time_span *span = &w->report->rows[row].span;
	struct time_span covers = {f->period.start_ns, f->period.end_ns};
	char name[TIME_NAME_BYTES];

	if (w->q->per != PERIOD_HOURLY || covers.end_ns - covers.start_ns <= HOUR_NS ||
	    covers.end_ns <= span->end_ns)
		return;
	time_name(&w->q->calendar, &covers, name);
	notes_add(&d->notes, false,
	    "%s covers %s: all of its requests are in the row of its first hour", f->name, name);
}

static void read_hours(const struct work *w, struct day_result *d, struct file_buffer *b)
{
	for (unsigned hour = 0; hour < 24; hour++) {
		char name[PERIOD_NAME_BYTES];
		struct report_file f;
		size_t row;

		if (!(d->day->hours >> hour & 1))
			continue;
		folder_file_name(d->day, PERIOD_HOURLY, hour, name);
		if (!get_file(w, d, name, b, &f))
			continue;
		row = leave_out(w, d, &f) ? SIZE_MAX : grid_place(w->report, &f.period);
		if (row < w->report->count) {
			note_long_file(w, d, &f, row);
			add_file(w, d, &f, row);
		}
		aggregate_free(&f.sum);
	}
}

/* The day's file takes the hours' place: in rows of days, and in the total in any case. */
static void take_day(const struct work *w, struct day_result *d, struct report_file *f, size_t row)
{
	uint64_t hours = d->total.sum.requests.total, day = f->sum.requests.total;

	if (d->total.files)
		notes_add(&d->notes, false,
		    "%s holds %" PRIu64 " requests, the hourly files of that day %" PRIu64
		    ": the day's file was taken%s",
		    f->name, day, hours, w->q->per == PERIOD_HOURLY ? " for the total" : "");
	else if (w->q->per == PERIOD_HOURLY)
		notes_add(&d->notes, false,
		    "of %s there are no hourly files: its requests are in the total alone",
		    f->name);
	aggregate_free(&d->total.sum);
	part_init(&d->total, 0);
	if (w->q->per == PERIOD_DAILY) {
		drop_parts(d);
		add_file(w, d, f, row);
		return;
	}
	move_sum(&d->total.sum, &f->sum);
	note_cover(w->q, f, &d->total);
}

static void read_daily(const struct work *w, struct day_result *d, struct file_buffer *b)
{
	const struct time_span *span = &w->report->span;
	char name[PERIOD_NAME_BYTES];
	struct report_file f;
	size_t row;

	folder_file_name(d->day, PERIOD_DAILY, 0, name);
	if (!get_file(w, d, name, b, &f))
		return;
	row = grid_place(w->report, &f.period);
	if (row < w->report->count && f.sum.requests.total > d->total.sum.requests.total) {
		/* A day that is asked for in part is not in its file. */
		if (f.period.start_ns >= span->start_ns &&
		    (f.period.end_ns <= span->end_ns || span->end_ns >= w->q->now_ns))
			take_day(w, d, &f, row);
		else if (d->total.files == 0 && !d->left_out)
			notes_add(&d->notes, false,
			    "%s covers more than was asked for, and has no hourly files: it was left out",
			    name);
	}
	aggregate_free(&f.sum);
}

static void *read_days(void *argument)
{
	struct work *w = argument;
	struct file_buffer b = {0};
	size_t i;

	/* relaxed: the counter orders nothing but itself; joining the threads publishes results. */
	while ((i = atomic_fetch_add_explicit(&w->next, 1, memory_order_relaxed)) < w->count) {
		struct day_result *d = &w->days[i];

		read_hours(w, d, &b);
		if (d->day->has_daily)
			read_daily(w, d, &b);
	}
	free(b.bytes);
	return NULL;
}

static void read_on_all_cores(struct work *w)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	size_t wanted = cores > THREADS_MAX ? THREADS_MAX : cores > 1 ? (size_t)cores : 1;
	pthread_t threads[THREADS_MAX];
	size_t started = 0;

	if (wanted > w->count)
		wanted = w->count;
	/* One that cannot be started leaves its work to the others, of which this is one. */
	while (started + 1 < wanted && pthread_create(&threads[started], NULL, read_days, w) == 0)
		started++;
	read_days(w);
	while (started > 0)
		pthread_join(threads[--started], NULL);
}

/* --- All together ----------------------------------------------------------------------------- */

static bool add_part(struct report_row *row, struct part *p)
{
	uint64_t length = row->span.end_ns - row->span.start_ns;

	row->files += p->files;
	row->covered_ns += p->covered_ns;
	if (row->covered_ns > length)
		row->covered_ns = length;
	row->incomplete |= p->incomplete;
	if (row->files > p->files)
		return aggregate_merge(&row->sum, &p->sum);
	move_sum(&row->sum, &p->sum);
	return true;
}

static bool gather(struct work *w)
{
	struct report *r = w->report;
	bool fine = true;

	for (size_t i = 0; i < w->count; i++) {
		struct day_result *d = &w->days[i];

		fine &= !d->out_of_memory && add_part(&r->total, &d->total);
		for (size_t p = 0; p < d->part_count; p++)
			fine &= add_part(&r->rows[d->parts[p].row], &d->parts[p]);
		notes_move(&r->notes, &d->notes);
	}
	return fine;
}

static bool gather_seeds(struct work *w)
{
	struct seed_snapshot *all;
	size_t n = 0;

	for (size_t i = 0; i < w->count; i++)
		n += w->days[i].seed_count;
	if (n == 0)
		return true;
	all = calloc(n, sizeof(*all));
	if (!all)
		return false;
	n = 0;
	for (size_t i = 0; i < w->count; i++) {
		memcpy(all + n, w->days[i].seeds, w->days[i].seed_count * sizeof(*all));
		n += w->days[i].seed_count;
	}
	seed_add(w->report, all, n);
	free(all);
	return true;
}

static bool choose_days(struct work *w)
{
	const struct report_request *q = w->q;
	const struct time_span *span = &w->report->span;
	int64_t first = calendar_wall_day(&q->calendar, span->start_ns);
	int64_t last = calendar_wall_day(&q->calendar, span->end_ns - 1);

	w->days = calloc(q->folder->count + 1, sizeof(*w->days));
	for (size_t i = 0; w->days && i < q->folder->count; i++) {
		const struct report_day *day = &q->folder->days[i];

		if (day->day < first - SLACK_DAYS || day->day > last + SLACK_DAYS)
			continue;
		w->days[w->count].day = day;
		w->days[w->count].is_asked_for = day->day >= first && day->day <= last;
		part_init(&w->days[w->count++].total, 0);
	}
	return w->days;
}

static void work_free(struct work *w)
{
	for (size_t i = 0; i < w->count; i++) {
		drop_parts(&w->days[i]);
		aggregate_free(&w->days[i].total.sum);
		notes_free(&w->days[i].notes);
	}
	free(w->days);
}

/* The days that have files, so that asking for a century makes no million of rows. */
static void narrow(const struct report_request *q, struct time_span *span)
{
	const struct report_folder *f = q->folder;
	const uint64_t day_ns = 86400 * NS_PER_SECOND;
	uint64_t first, last;

	if (f->count == 0 || f->days[0].day < SLACK_DAYS + 1)
		return;
	first = (uint64_t)(f->days[0].day - SLACK_DAYS) * day_ns;
	last = (uint64_t)(f->days[f->count - 1].day + 1 + SLACK_DAYS) * day_ns;
	if (first > span->start_ns && first < span->end_ns) {
		struct period_span p;

		calendar_span(&q->calendar, PERIOD_DAILY, first, &p);
		span->start_ns = p.start_ns > span->start_ns ? p.start_ns : span->start_ns;
	}
	if (last < span->end_ns && last > span->start_ns)
		span->end_ns = last;
}

int report_read(const struct report_request *q, struct report *out)
{
	struct work w = {.q = q, .report = out};
	struct time_span rows;
	bool fine;

	*out = (struct report){.calendar = q->calendar, .span = q->span, .per = q->per};
	row_init(&out->total, &q->span);
	rows = q->span;
	narrow(q, &rows);
	fine = grid_make(out, &rows) && choose_days(&w);
	if (fine) {
		read_on_all_cores(&w);
		fine = gather(&w) && gather_seeds(&w) && !out->notes.out_of_memory;
		grid_trim(out);
	}
	work_free(&w);
	if (!fine)
		return -ENOMEM;
	return out->total.files ? 0 : -ENOENT;
}
