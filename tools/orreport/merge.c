/*
 * merge.c: the files of a stretch of time, read on all cores, as a report.
 *
 * Threads share nothing that changes but the number of the next day: each day is one thread's, with
 * a result of its own, and results are put together in order when all threads are done. So sums of
 * doubles come out the same in every run.
 */
#include "merge.h"
#include "base/clock.h"
#include "grid.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define THREADS_MAX 8
/* Days that labels of other zones may be off by. */
#define SLACK_DAYS 2
#define HOUR_NS    (3600 * NS_PER_SECOND)

/* What files add to a row. */
struct part {
	size_t row;
	uint64_t files, covered_ns;
	bool incomplete;
	struct aggregate sum;
};

/* What lies in the time of one day's file, or, in the first of a date, in that of none. */
struct day_group {
	struct time_span span;
	const char *name; /* of the day's file; NULL: there is none */
	bool can_stand;   /* all of the day is asked for */
	struct part day;  /* what its file holds, as long as that is more than its hours */
	struct part *parts;
	size_t part_count;
	struct part total;
	bool left_out; /* an hourly file, which covers more than was asked for */
};

/* An hour that lies in no day of its date. */
struct stray {
	uint64_t start_ns;
	struct part part;
};

struct day_result {
	const struct report_day *day;
	bool is_asked_for; /* not just looked into for another time zone's sake */
	struct day_group *groups;
	size_t group_count;
	struct stray *strays;
	size_t stray_count;
	struct seed_snapshot *seeds;
	size_t seed_count;
	struct report_notes notes;
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

static struct part *part_at(struct day_group *g, size_t row)
{
	struct part *parts;

	for (size_t i = 0; i < g->part_count; i++)
		if (g->parts[i].row == row)
			return &g->parts[i];
	parts = realloc(g->parts, (g->part_count + 1) * sizeof(*parts));
	if (!parts)
		return NULL;
	g->parts = parts;
	part_init(&parts[g->part_count], row);
	return &parts[g->part_count++];
}

static void drop_parts(struct day_group *g)
{
	for (size_t i = 0; i < g->part_count; i++)
		aggregate_free(&g->parts[i].sum);
	free(g->parts);
	g->parts = NULL;
	g->part_count = 0;
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
		name_table_clear(&a->by_model);
	if (!(parts & DOCUMENT_BOTS))
		name_table_clear(&a->by_bot);
	if (!(parts & DOCUMENT_PROVIDERS))
		name_table_clear(&a->by_provider);
}

/* The first of a row: there is nothing to add it to. `to` is empty. */
static void move_sum(struct aggregate *to, struct aggregate *from)
{
	aggregate_free(to);
	*to = *from;
	aggregate_init(from);
}

static bool add_sum(struct part *to, const struct part *p)
{
	to->files += p->files;
	to->covered_ns += p->covered_ns;
	to->incomplete |= p->incomplete;
	return aggregate_merge(&to->sum, &p->sum);
}

/* Adds what was read to the total of its day and to its row. `p` is empty afterwards. */
static bool add_part_to(const struct work *w, struct day_group *g, struct part *p)
{
	struct part *row = part_at(g, p->row);

	if (!row || !add_sum(&g->total, p))
		return false;
	keep_parts(&p->sum, w->q->row_parts);
	if (row->files > 0)
		return add_sum(row, p);
	move_sum(&row->sum, &p->sum);
	row->files = p->files;
	row->covered_ns = p->covered_ns;
	row->incomplete = p->incomplete;
	return true;
}

/* A file's sum as a part of its row. `f` is empty afterwards. */
static void take_file(const struct work *w, struct report_file *f, size_t row, struct part *out)
{
	part_init(out, row);
	move_sum(&out->sum, &f->sum);
	note_cover(w->q, f, out);
}

static void keep_seed(struct day_result *d, const struct seed_snapshot *seed)
{
	if (!d->seeds)
		d->seeds = calloc(d->day->count, sizeof(*d->seeds));
	if (d->seeds)
		d->seeds[d->seed_count++] = *seed;
	else
		d->out_of_memory = true;
}

/* Reads a file; true if it is a period's, which *f then holds. Whatever else it is, is noted. */
static bool get_file(const struct work *w, struct day_result *d, const char *name,
    struct file_buffer *b, struct report_file *f)
{
	switch (file_read(w->q->folder, name, w->q->parts, w->q->calendar.utc, b, f)) {
	case FILE_IS_PERIOD: return true;
	case FILE_IS_SEED: keep_seed(d, &f->seed); break;
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

/* The day of this date whose file holds a moment, or else the first group, which is of none. */
static struct day_group *group_of(struct day_result *d, uint64_t ns)
{
	for (size_t i = 1; i < d->group_count; i++)
		if (ns >= d->groups[i].span.start_ns && ns < d->groups[i].span.end_ns)
			return &d->groups[i];
	return d->groups;
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
	group_of(d, f->period.start_ns)->left_out = true;
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

/* What its name may mean lies in the time that is asked for, or what it covers reaches into it. */
static bool may_hold(const struct work *w, const struct report_name *name)
{
	enum period_kind kind = name->says.file == PERIOD_FILE_DAILY ? PERIOD_DAILY : PERIOD_HOURLY;
	const struct time_span *span = &w->report->span;
	uint64_t start_ns, end_ns;

	calendar_label_reach(kind, name->says.label, name->says.mark, &start_ns, &end_ns);
	return start_ns < span->end_ns && end_ns > span->start_ns;
}

/* Whether a day of another date may hold it. */
static bool may_be_of_a_day(const struct work *w, const struct report_day *date, uint64_t ns)
{
	const struct report_day *first = w->q->folder->days, *end = first + w->q->folder->count;

	for (const struct report_day *day = date - first > SLACK_DAYS ? date - SLACK_DAYS : first;
	     day < end && day->day <= date->day + SLACK_DAYS; day++) {
		for (size_t i = 0; i < day->count; i++) {
			const struct file_name *says = &day->names[i].says;
			uint64_t start_ns, end_ns;

			if (says->file != PERIOD_FILE_DAILY)
				break;
			calendar_label_reach(
			    PERIOD_DAILY, says->label, says->mark, &start_ns, &end_ns);
			if (ns >= start_ns && ns < end_ns)
				return true;
		}
	}
	return false;
}

static void keep_hour(const struct work *w, struct day_result *d, struct report_file *f, size_t row)
{
	struct day_group *g = group_of(d, f->period.start_ns);
	struct stray *strays;
	struct part p;

	take_file(w, f, row, &p);
	/* One that may be of a day that others read waits until that is read. */
	if (g->name || !may_be_of_a_day(w, d->day, f->period.start_ns)) {
		d->out_of_memory |= !add_part_to(w, g, &p);
		aggregate_free(&p.sum);
		return;
	}
	strays = realloc(d->strays, (d->stray_count + 1) * sizeof(*strays));
	if (!strays) {
		d->out_of_memory = true;
		aggregate_free(&p.sum);
		return;
	}
	d->strays = strays;
	strays[d->stray_count++] = (struct stray){f->period.start_ns, p};
}

static void read_hour(const struct work *w, struct day_result *d, const struct report_name *name,
    struct file_buffer *b)
{
	struct report_file f;
	size_t row;

	if (!get_file(w, d, name->text, b, &f))
		return;
	row = leave_out(w, d, &f) ? SIZE_MAX : grid_place(w->report, &f.period);
	if (row < w->report->count) {
		note_long_file(w, d, &f, row);
		keep_hour(w, d, &f, row);
	}
	aggregate_free(&f.sum);
}

/* A day that is asked for in part is not in its file. */
static void read_daily(const struct work *w, struct day_result *d, const struct report_name *name,
    struct file_buffer *b)
{
	const struct time_span *span = &w->report->span;
	struct day_group *g = &d->groups[d->group_count];
	struct report_file f;
	size_t row;

	if (!get_file(w, d, name->text, b, &f))
		return;
	row = grid_place(w->report, &f.period);
	if (row < w->report->count) {
		*g = (struct day_group){.name = name->text,
		    .span = {f.period.start_ns, f.period.end_ns},
		    .can_stand = f.period.start_ns >= span->start_ns &&
		                 (f.period.end_ns <= span->end_ns || span->end_ns >= w->q->now_ns)};
		part_init(&g->total, 0);
		take_file(w, &f, row, &g->day);
		d->group_count++;
	}
	aggregate_free(&f.sum);
}

static void read_day(const struct work *w, struct day_result *d, struct file_buffer *b)
{
	d->groups = calloc(d->day->count + 1, sizeof(*d->groups));
	if (!d->groups) {
		d->out_of_memory = true;
		return;
	}
	part_init(&d->groups[0].total, 0);
	aggregate_init(&d->groups[0].day.sum);
	d->group_count = 1;
	for (size_t i = 0; i < d->day->count; i++) {
		const struct report_name *name = &d->day->names[i];

		if (!may_hold(w, name))
			continue;
		if (name->says.file == PERIOD_FILE_DAILY)
			read_daily(w, d, name, b);
		else
			read_hour(w, d, name, b);
	}
	/* What the day's file holds beside is of no use: hours of other dates only add to these. */
	for (size_t i = 0; i < d->group_count; i++)
		if (d->groups[i].day.sum.requests.total <= d->groups[i].total.sum.requests.total)
			aggregate_clear(&d->groups[i].day.sum);
}

static void *read_days(void *argument)
{
	struct work *w = argument;
	struct file_buffer b = {0};
	size_t i;

	/* relaxed: the counter orders nothing but itself; joining the threads publishes results. */
	while ((i = atomic_fetch_add_explicit(&w->next, 1, memory_order_relaxed)) < w->count) {
		read_day(w, &w->days[i], &b);
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

/* --- Hours and days --------------------------------------------------------------------------- */

/* The day's file that holds a moment, whatever its date; NULL: none does. */
static struct day_group *find_group(struct work *w, uint64_t ns)
{
	for (size_t i = 0; i < w->count; i++) {
		struct day_result *d = &w->days[i];
		struct day_group *g = d->group_count ? group_of(d, ns) : NULL;

		if (g && g->name)
			return g;
	}
	return NULL;
}

/*
 * Hours whose day bears another date, after a change of the zone, come to it; those without a day
 * stay by themselves.
 */
static bool place_strays(struct work *w)
{
	bool fine = true;

	for (size_t i = 0; i < w->count; i++) {
		struct day_result *d = &w->days[i];

		for (size_t k = 0; k < d->stray_count; k++) {
			struct stray *s = &d->strays[k];
			struct day_group *g = find_group(w, s->start_ns);

			fine &= add_part_to(w, g ? g : d->groups, &s->part);
		}
	}
	return fine;
}

/* The day's file takes the hours' place: in rows of days, and in the total in any case. */
static bool take_day(const struct work *w, struct day_result *d, struct day_group *g)
{
	uint64_t hours = g->total.sum.requests.total, day = g->day.sum.requests.total;

	if (g->total.files)
		notes_add(&d->notes, false,
		    "%s holds %" PRIu64 " requests, the hourly files of that day %" PRIu64
		    ": the day's file was taken%s",
		    g->name, day, hours, w->q->per == PERIOD_HOURLY ? " for the total" : "");
	else if (w->q->per == PERIOD_HOURLY)
		notes_add(&d->notes, false,
		    "of %s there are no hourly files: its requests are in the total alone",
		    g->name);
	aggregate_free(&g->total.sum);
	part_init(&g->total, 0);
	if (w->q->per == PERIOD_HOURLY)
		return add_sum(&g->total, &g->day);
	drop_parts(g);
	return add_part_to(w, g, &g->day);
}

static bool choose(const struct work *w, struct day_result *d, struct day_group *g)
{
	if (g->day.sum.requests.total <= g->total.sum.requests.total)
		return true;
	if (g->can_stand)
		return take_day(w, d, g);
	if (g->total.files == 0 && !g->left_out)
		notes_add(&d->notes, false,
		    "%s covers more than was asked for, and has no hourly files: it was left out",
		    g->name);
	return true;
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

static bool gather_group(struct report *r, struct day_group *g)
{
	bool fine = add_part(&r->total, &g->total);

	for (size_t p = 0; p < g->part_count; p++)
		fine &= add_part(&r->rows[g->parts[p].row], &g->parts[p]);
	return fine;
}

static bool gather(struct work *w)
{
	struct report *r = w->report;
	bool fine = true;

	for (size_t i = 0; i < w->count; i++)
		fine &= !w->days[i].out_of_memory;
	fine = fine && place_strays(w);
	for (size_t i = 0; fine && i < w->count; i++) {
		struct day_result *d = &w->days[i];

		for (size_t k = 0; k < d->group_count; k++)
			fine &= choose(w, d, &d->groups[k]) && gather_group(r, &d->groups[k]);
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
		if (w->days[i].seed_count == 0)
			continue;
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
		w->days[w->count++].is_asked_for = day->day >= first && day->day <= last;
	}
	return w->days;
}

static void day_free(struct day_result *d)
{
	for (size_t i = 0; i < d->group_count; i++) {
		drop_parts(&d->groups[i]);
		aggregate_free(&d->groups[i].day.sum);
		aggregate_free(&d->groups[i].total.sum);
	}
	for (size_t i = 0; i < d->stray_count; i++)
		aggregate_free(&d->strays[i].part.sum);
	free(d->groups);
	free(d->strays);
	free(d->seeds);
	notes_free(&d->notes);
}

static void work_free(struct work *w)
{
	for (size_t i = 0; i < w->count; i++)
		day_free(&w->days[i]);
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
