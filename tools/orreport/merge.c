/*
 * merge.c: the files of a stretch of time, read on all cores, as a report.
 *
 * Threads share nothing that changes but the number of the next day: each day is one thread's, with
 * a result of its own, and results are put together in order when all threads are done. So sums of
 * doubles come out the same in every run.
 */
#include "merge.h"
#include "base/clock.h"
#include "day.h"
#include "grid.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define THREADS_MAX 8

struct work {
	struct day_task task;
	struct report *report;
	struct day_result *days;
	size_t count;
	atomic_size_t next;
};

/* --- Reading ---------------------------------------------------------------------------------- */

static void *read_days(void *argument)
{
	struct work *w = argument;
	struct file_buffer b = {0};
	size_t i;

	/* relaxed: the counter orders nothing but itself; joining the threads publishes results. */
	while ((i = atomic_fetch_add_explicit(&w->next, 1, memory_order_relaxed)) < w->count) {
		day_read(&w->task, &w->days[i], &b);
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

/* The group of the day's file that covers a moment, of any date; NULL: no file does. */
static struct day_group *find_group(struct work *w, uint64_t ns)
{
	for (size_t i = 0; i < w->count; i++) {
		struct day_result *d = &w->days[i];
		struct day_group *g = d->group_count ? day_group_at(d, ns) : NULL;

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

			fine &= group_add(w->task.q, g ? g : d->groups, &s->part);
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
		    g->name, day, hours, w->task.q->per == PERIOD_HOURLY ? " for the total" : "");
	else if (w->task.q->per == PERIOD_HOURLY)
		notes_add(&d->notes, false,
		    "of %s there are no hourly files: its requests are in the total alone",
		    g->name);
	aggregate_free(&g->total.sum);
	part_init(&g->total, 0);
	if (w->task.q->per == PERIOD_HOURLY)
		return part_add(&g->total, &g->day);
	group_drop_parts(g);
	return group_add(w->task.q, g, &g->day);
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
	sum_move(&row->sum, &p->sum);
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
	const struct report_request *q = w->task.q;
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
	struct work w = {.task = {q, out}, .report = out};
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
