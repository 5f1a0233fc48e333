/*
 * day.c: the files of one date, read into groups: one a day's file, and one of what lies in none.
 */
#include "day.h"
#include "base/clock.h"
#include "grid.h"

#include <stdlib.h>

#define HOUR_NS (3600 * NS_PER_SECOND)

static void keep_seed(struct day_result *d, const struct seed_snapshot *seed)
{
	if (!d->seeds)
		d->seeds = calloc(d->day->count, sizeof(*d->seeds));
	if (d->seeds)
		d->seeds[d->seed_count++] = *seed;
	else
		d->out_of_memory = true;
}

/* Reads a file. True: it is a period's, and *f holds it. Otherwise notes what it is. */
static bool get_file(const struct day_task *t, struct day_result *d, const char *name,
    struct file_buffer *b, struct report_file *f)
{
	switch (file_read(t->q->folder, name, t->q->parts, t->q->calendar.utc, b, f)) {
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

static bool reaches_beyond(const struct day_task *t, const struct report_file *f)
{
	const struct time_span *span = &t->report->span;

	return f->period.start_ns < span->start_ns ||
	       (f->period.end_ns > span->end_ns && span->end_ns < t->q->now_ns);
}

struct day_group *day_group_at(struct day_result *d, uint64_t ns)
{
	for (size_t i = 1; i < d->group_count; i++)
		if (ns >= d->groups[i].span.start_ns && ns < d->groups[i].span.end_ns)
			return &d->groups[i];
	return d->groups;
}

/*
 * A file of several hours (--snapshot-every) that lies in what was asked for in part cannot be
 * divided: its requests would be counted for hours outside the range. Those of one hour are
 * counted where they start, as ever: the clock's offset may have been of half an hour.
 */
static bool leave_out(const struct day_task *t, struct day_result *d, const struct report_file *f)
{
	struct time_span covers = {f->period.start_ns, f->period.end_ns};
	char name[TIME_NAME_BYTES];

	if (covers.end_ns - covers.start_ns <= HOUR_NS || !reaches_beyond(t, f))
		return false;
	if (covers.start_ns >= t->report->span.end_ns || covers.end_ns <= t->report->span.start_ns)
		return true;
	time_name(&t->q->calendar, &covers, name);
	notes_add(&d->notes, false,
	    "%s covers %s, more than was asked for: it was left out; ask for all of that time",
	    f->name, name);
	day_group_at(d, f->period.start_ns)->left_out = true;
	return true;
}

/* One that is longer than the row it starts in makes that row look busier than its hour was. */
static void note_long_file(
    const struct day_task *t, struct day_result *d, const struct report_file *f, size_t row)
{
	const struct time_span *span = &t->report->rows[row].span;
	struct time_span covers = {f->period.start_ns, f->period.end_ns};
	char name[TIME_NAME_BYTES];

	if (t->q->per != PERIOD_HOURLY || covers.end_ns - covers.start_ns <= HOUR_NS ||
	    covers.end_ns <= span->end_ns)
		return;
	time_name(&t->q->calendar, &covers, name);
	notes_add(&d->notes, false,
	    "%s covers %s: all of its requests are in the row of its first hour", f->name, name);
}

/* What its name may mean lies in the time that is asked for, or what it covers reaches into it. */
static bool may_hold(const struct day_task *t, const struct report_name *name)
{
	enum period_kind kind = name->says.file == PERIOD_FILE_DAILY ? PERIOD_DAILY : PERIOD_HOURLY;
	const struct time_span *span = &t->report->span;
	uint64_t start_ns, end_ns;

	calendar_label_reach(kind, name->says.label, name->says.mark, &start_ns, &end_ns);
	return start_ns < span->end_ns && end_ns > span->start_ns;
}

/* Whether a day of another date may hold it. */
static bool may_be_of_a_day(const struct day_task *t, const struct report_day *date, uint64_t ns)
{
	const struct report_day *first = t->q->folder->days, *end = first + t->q->folder->count;

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

static void keep_hour(
    const struct day_task *t, struct day_result *d, struct report_file *f, size_t row)
{
	struct day_group *g = day_group_at(d, f->period.start_ns);
	struct stray *strays;
	struct part p;

	part_take(t->q, f, row, &p);
	/* One that may be of a day that others read waits until that is read. */
	if (g->name || !may_be_of_a_day(t, d->day, f->period.start_ns)) {
		d->out_of_memory |= !group_add(t->q, g, &p);
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

static void read_hour(const struct day_task *t, struct day_result *d,
    const struct report_name *name, struct file_buffer *b)
{
	struct report_file f;
	size_t row;

	if (!get_file(t, d, name->text, b, &f))
		return;
	row = leave_out(t, d, &f) ? SIZE_MAX : grid_place(t->report, &f.period);
	if (row < t->report->count) {
		note_long_file(t, d, &f, row);
		keep_hour(t, d, &f, row);
	}
	aggregate_free(&f.sum);
}

/* A day that is asked for in part is not in its file. */
static void read_daily(const struct day_task *t, struct day_result *d,
    const struct report_name *name, struct file_buffer *b)
{
	const struct time_span *span = &t->report->span;
	struct day_group *g = &d->groups[d->group_count];
	struct report_file f;
	size_t row;

	if (!get_file(t, d, name->text, b, &f))
		return;
	row = grid_place(t->report, &f.period);
	if (row < t->report->count) {
		*g = (struct day_group){.name = name->text,
		    .span = {f.period.start_ns, f.period.end_ns},
		    .can_stand = f.period.start_ns >= span->start_ns &&
		                 (f.period.end_ns <= span->end_ns || span->end_ns >= t->q->now_ns)};
		part_init(&g->total, 0);
		part_take(t->q, &f, row, &g->day);
		d->group_count++;
	}
	aggregate_free(&f.sum);
}

void day_read(const struct day_task *t, struct day_result *d, struct file_buffer *b)
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

		if (!may_hold(t, name))
			continue;
		if (name->says.file == PERIOD_FILE_DAILY)
			read_daily(t, d, name, b);
		else
			read_hour(t, d, name, b);
	}
	/* What the day's file holds beside is of no use: hours of other dates only add to these. */
	for (size_t i = 0; i < d->group_count; i++)
		if (d->groups[i].day.sum.requests.total <= d->groups[i].total.sum.requests.total)
			aggregate_clear(&d->groups[i].day.sum);
}

void day_free(struct day_result *d)
{
	for (size_t i = 0; i < d->group_count; i++) {
		group_drop_parts(&d->groups[i]);
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
