/*
 * periods.c: the hours and days that are being counted.
 */
#include "periods.h"
#include "base/clock.h"
#include "stats/aggregate_bytes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A period of which nothing new has come for so long is closed. */
#define QUIET_NS     (60 * NS_PER_SECOND)
#define PAUSE_NS     (2 * NS_PER_SECOND)
#define PAUSE_GROWTH 4
#define PAUSE_MAX_NS (64 * NS_PER_SECOND)
/* What is left free when there was no room: 1/4, so that not every sample has to make some. */
#define ROOM_OF(max) ((max) - (max) / 4)

void periods_init(struct periods *p, const struct calendar *calendar)
{
	*p = (struct periods){.calendar = *calendar};
	for (int kind = 0; kind < PERIOD_KINDS; kind++)
		p->index[kind].kind = (enum period_kind)kind;
}

/* Not yet in the index. */
static struct period *new_period(struct periods *p, const struct period_span *span)
{
	struct period *one = calloc(1, sizeof(*one));

	if (!one)
		return NULL;
	one->span = *span;
	aggregate_init(&one->sum);
	one->version = 1;
	one->touched_ns = clock_monotonic_ns();
	one->file_pause_ns = PAUSE_NS;
	one->next = p->first;
	p->first = one;
	p->count++;
	return one;
}

/* The newest, which is in no index or has just been taken out of it. */
static void drop_newest(struct periods *p)
{
	struct period *one = p->first;

	p->first = one->next;
	p->count--;
	aggregate_free(&one->sum);
	free(one);
}

static bool is_named_twice(const struct periods *p, const struct period *one)
{
	for (const struct period *other = p->first; other; other = other->next)
		if (other != one && strcmp(other->span.name, one->span.name) == 0)
			return true;
	return false;
}

/* `open`: the period that it is open as; NULL: it is closed. */
static void set_open(struct periods *p, struct period_entry *e, struct period *open)
{
	e->open = open;
	e->revision = ++p->revision;
}

/* One that periods_span() has told, which is closed or new. */
static struct period *open_period(struct periods *p, const struct period_span *span)
{
	struct period_index *ix = &p->index[span->kind];
	struct period *one = new_period(p, span);
	struct period_entry *e;

	if (!one)
		return NULL;
	e = period_index_at(ix, span->start_ns);
	if (e) {
		set_open(p, e, one);
		return one;
	}
	if (period_index_add(ix, span, one) < 0) {
		drop_newest(p);
		return NULL;
	}
	/* What is in no index has a name all the same. */
	while (p->unindexed > 0 && is_named_twice(p, one))
		periods_rename(p, one);
	return one;
}

/* Closes it for the index, which goes on knowing its bounds; the list is its caller's. */
static void free_period(struct periods *p, struct period *one)
{
	struct period_entry *e = period_index_at(&p->index[one->span.kind], one->span.start_ns);

	if (e && e->open == one)
		set_open(p, e, NULL);
	p->count--;
	p->unindexed -= one->unindexed;
	aggregate_free(&one->sum);
	if (one->news)
		aggregate_free(one->news);
	free(one->news);
	free(one->section);
	free(one);
}

struct period *periods_find(const struct periods *p, enum period_kind kind, uint64_t ts_ns)
{
	const struct period_entry *e = period_index_at(&p->index[kind], ts_ns);

	return e ? e->open : NULL;
}

/* An hour lies within one day: so a day's file stands for whole files of hours. */
void periods_span(
    const struct periods *p, enum period_kind kind, uint64_t ts_ns, struct period_span *out)
{
	const struct period_entry *e = period_index_at(&p->index[kind], ts_ns);
	struct period_span day = {.start_ns = 0, .end_ns = UINT64_MAX};

	if (e) {
		period_index_span(&p->index[kind], e, out);
		return;
	}
	if (kind == PERIOD_HOURLY)
		periods_span(p, PERIOD_DAILY, ts_ns, &day);
	period_index_plan(&p->index[kind], &p->calendar, ts_ns, day.start_ns, day.end_ns, out);
}

struct period *periods_at(struct periods *p, enum period_kind kind, uint64_t ts_ns)
{
	struct period *one = periods_find(p, kind, ts_ns);
	struct period_span span;

	if (one)
		return one;
	/* The hour's bounds depend on the day's, so that must be one that is there to stay. */
	if (kind == PERIOD_HOURLY && !period_index_at(&p->index[PERIOD_DAILY], ts_ns) &&
	    !periods_at(p, PERIOD_DAILY, ts_ns))
		return NULL;
	periods_span(p, kind, ts_ns, &span);
	return open_period(p, &span);
}

/* --- Room ------------------------------------------------------------------------------------- */

/* Longer ago than the one before the current one of its width. */
static bool span_is_late(const struct period_span *span, uint64_t now_ns)
{
	return now_ns >= span->end_ns && now_ns - span->end_ns >= span->end_ns - span->start_ns;
}

bool period_is_late(const struct period *p, uint64_t now_ns)
{
	return span_is_late(&p->span, now_ns);
}

static size_t bytes_of(const struct period *p)
{
	return sizeof(*p) + p->bytes + p->section_size;
}

/* Whether one of a sample's two periods has a place, with what it needs of one. */
struct admission {
	struct period *period; /* open already */
	struct period_span span;
	bool late;
};

static void ask(const struct periods *p, enum period_kind kind, uint64_t ts_ns, uint64_t now_ns,
    struct admission *out)
{
	out->period = periods_find(p, kind, ts_ns);
	if (out->period)
		out->span = out->period->span;
	else
		periods_span(p, kind, ts_ns, &out->span);
	out->late = span_is_late(&out->span, now_ns);
}

static int enter(struct periods *p, const struct admission *ask)
{
	struct period *one = ask->period ? ask->period : open_period(p, &ask->span);

	if (!one)
		return -ENOMEM;
	if (!ask->period && ask->late) {
		p->late_count++;
		p->late_bytes += bytes_of(one);
	}
	return 0;
}

int periods_admit(struct periods *p, uint64_t ts_ns, uint64_t now_ns)
{
	struct admission hour, day;
	size_t places;

	ask(p, PERIOD_HOURLY, ts_ns, now_ns, &hour);
	ask(p, PERIOD_DAILY, ts_ns, now_ns, &day);
	places = (hour.late && !hour.period) + (day.late && !day.period);
	if ((hour.late || day.late) && (p->late_count + places > PERIODS_LATE_MAX ||
					   p->late_bytes >= PERIODS_LATE_BYTES_MAX)) {
		p->crowded = true;
		return 0;
	}
	return enter(p, &hour) < 0 || enter(p, &day) < 0 ? -ENOMEM : 1;
}

void periods_survey(struct periods *p, uint64_t now_ns)
{
	p->late_count = p->late_bytes = 0;
	for (struct period *one = p->first; one; one = one->next) {
		if (!period_is_late(one, now_ns))
			continue;
		if (one->bytes == 0)
			one->bytes = aggregate_bytes(&one->sum);
		p->late_count++;
		p->late_bytes += bytes_of(one);
	}
}

static int by_last_touch(const void *a, const void *b)
{
	const struct period *x = *(struct period *const *)a, *y = *(struct period *const *)b;

	return (x->touched_ns > y->touched_ns) - (x->touched_ns < y->touched_ns);
}

void periods_make_room(struct periods *p, uint64_t now_ns)
{
	struct period **late;
	size_t n = 0, count = p->late_count, bytes = p->late_bytes;

	if (!p->crowded && count < PERIODS_LATE_MAX && bytes < PERIODS_LATE_BYTES_MAX)
		return;
	late = calloc(p->count + 1, sizeof(struct period *));
	if (!late)
		return; /* at the next save */
	p->crowded = false;
	for (struct period *one = p->first; one; one = one->next) {
		one->leaving = false;
		if (period_is_late(one, now_ns))
			late[n++] = one;
	}
	qsort(late, n, sizeof(struct period *), by_last_touch);
	for (size_t i = 0; i < n && (count > ROOM_OF(PERIODS_LATE_MAX) ||
					bytes > ROOM_OF(PERIODS_LATE_BYTES_MAX));
	     i++) {
		late[i]->leaving = true;
		count--;
		bytes -= bytes_of(late[i]) < bytes ? bytes_of(late[i]) : bytes;
	}
	free(late);
}

/* --- The rest --------------------------------------------------------------------------------- */

static bool is_open(const struct periods *p, const struct period_span *span)
{
	const struct period_index *ix = &p->index[span->kind];
	const struct period_entry *e = period_index_named(ix, span->label, span->mark);

	/* To compare names with all of some thousands would hold up a start. */
	return (e && e->open) || (p->unindexed > 0 && periods_named(p, span->name));
}

/*
 * The index of the same checkpoint knows it. Checkpoints of earlier versions have none, and their
 * periods may overlap: one that does is finished, and gets nothing more.
 */
int periods_restore(struct periods *p, const struct period_span *span, struct period **out)
{
	struct period_index *ix = &p->index[span->kind];
	struct period_entry *e = period_index_at(ix, span->start_ns);
	struct period *one;
	int err;

	if (is_open(p, span))
		return -EEXIST;
	one = *out = new_period(p, span);
	if (!one)
		return -ENOMEM;
	if (e && !e->open && e->start_ns == span->start_ns && e->end_ns == span->end_ns &&
	    e->wall == calendar_label_seconds(span->label) && e->mark == span->mark) {
		set_open(p, e, one);
		return 0;
	}
	err = period_index_add(ix, span, one);
	if (err == -ENOMEM) {
		drop_newest(p);
		return err;
	}
	one->unindexed = err != 0;
	p->unindexed += one->unindexed;
	return 0;
}

void periods_rename(struct periods *p, struct period *one)
{
	period_index_rename(&p->index[one->span.kind], &p->calendar, &one->span, one);
	one->version++;
}

void periods_forget(struct periods *p, int64_t before_day)
{
	for (int kind = 0; kind < PERIOD_KINDS; kind++)
		period_index_forget(&p->index[kind], before_day);
}

struct period *periods_named(const struct periods *p, const char *name)
{
	struct period *one = p->first;

	while (one && strcmp(one->span.name, name) != 0)
		one = one->next;
	return one;
}

struct aggregate *period_target(struct period *p)
{
	if (!p->frozen && !p->news)
		return &p->sum;
	if (!p->news) {
		p->news = malloc(sizeof(*p->news));
		if (p->news)
			aggregate_init(p->news);
	}
	return p->news;
}

bool period_thaw(struct period *p)
{
	bool ok = true;

	p->frozen = false;
	if (!p->news)
		return true;
	ok = aggregate_merge(&p->sum, p->news);
	aggregate_free(p->news);
	free(p->news);
	p->news = NULL;
	p->bytes = 0; /* counted anew at the next survey */
	return ok;
}

void periods_touch(struct periods *p, struct period *one, size_t grown, uint64_t now_ns)
{
	one->version++;
	one->touched_ns = clock_monotonic_ns();
	if (!period_is_late(one, now_ns))
		return;
	one->bytes += grown;
	p->late_bytes += grown;
}

bool period_set_base(struct period *p, const struct aggregate *base, const struct trends *trends)
{
	struct aggregate *sum = base ? period_target(p) : NULL;

	if (base && (!sum || !aggregate_merge(sum, base)))
		return false;
	if (trends) {
		struct trends own = p->trends;

		p->trends = *trends;
		p->trends.current_messages += own.current_messages;
		p->trends.current_errors += own.current_errors;
	}
	p->has_base = true;
	p->version++;
	p->bytes = 0; /* counted anew at the next survey */
	return true;
}

bool period_is_whole(const struct period *p)
{
	return !p->sealed || p->version == p->section_version;
}

bool period_is_over(const struct period *p, uint64_t now_ns)
{
	return now_ns >= p->span.end_ns;
}

bool period_needs_writing(const struct period *p, uint64_t now_ns)
{
	return p->has_base && period_is_whole(p) &&
	       (p->version != p->written_version ||
		   p->written_complete != period_is_over(p, now_ns));
}

bool period_file_is_due(const struct period *p, uint64_t now_ns, uint64_t monotonic_ns)
{
	if (!period_needs_writing(p, now_ns))
		return false;
	return !period_is_over(p, now_ns) || p->leaving || !p->written_complete ||
	       monotonic_ns >= p->file_due_ns;
}

void period_written(struct period *p, uint64_t version, bool complete)
{
	/* One that was opened for late samples has its file now: what comes next can wait. */
	if (complete && p->written_version == 0 && version > 1)
		p->file_pause_ns = PAUSE_MAX_NS;
	p->written_version = version;
	p->written_complete = complete;
	if (!complete)
		return;
	p->file_due_ns = clock_monotonic_ns() + p->file_pause_ns;
	p->file_pause_ns *= PAUSE_GROWTH;
	if (p->file_pause_ns > PAUSE_MAX_NS)
		p->file_pause_ns = PAUSE_MAX_NS;
}

/* It is not closed as long as it would only be opened again. */
static bool is_finished(const struct period *p, uint64_t now_ns, uint64_t monotonic_ns)
{
	return period_is_over(p, now_ns) && p->has_base && period_is_whole(p) && !p->frozen &&
	       !p->news && !period_needs_writing(p, now_ns) &&
	       (p->leaving || monotonic_ns - p->touched_ns >= QUIET_NS);
}

void periods_close_finished(struct periods *p, uint64_t now_ns)
{
	uint64_t monotonic_ns = clock_monotonic_ns();
	struct period **place = &p->first;

	while (*place) {
		struct period *one = *place;

		if (!is_finished(one, now_ns, monotonic_ns)) {
			place = &one->next;
			continue;
		}
		*place = one->next;
		free_period(p, one);
	}
	periods_survey(p, now_ns);
}

uint64_t periods_next_end(const struct periods *p, uint64_t now_ns)
{
	uint64_t next = UINT64_MAX;

	for (const struct period *one = p->first; one; one = one->next)
		if (one->span.end_ns > now_ns && one->span.end_ns < next)
			next = one->span.end_ns;
	return next;
}

void periods_free(struct periods *p)
{
	while (p->first) {
		struct period *one = p->first;

		p->first = one->next;
		free_period(p, one);
	}
	for (int kind = 0; kind < PERIOD_KINDS; kind++)
		period_index_free(&p->index[kind]);
}
