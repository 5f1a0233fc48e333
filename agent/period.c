/*
 * period.c: the hours and days that are being counted.
 */
#include "period.h"
#include "aggregate_bytes.h"
#include "clock.h"

#include <assert.h>
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

static uint32_t hash_of(enum period_kind kind, uint32_t label)
{
	return (label * 2 + kind) * UINT32_C(2654435761) >> 22;
}
static_assert(PERIODS_HASH == 1 << (32 - 22), "all of the table");

static struct period *find(const struct periods *p, enum period_kind kind, uint32_t label)
{
	struct period *one = p->hash[hash_of(kind, label)];

	while (one && (one->span.kind != kind || one->span.label != label))
		one = one->hash_next;
	return one;
}

static struct period *open_period(struct periods *p, const struct period_span *span)
{
	struct period *one = calloc(1, sizeof(*one));
	struct period **chain = &p->hash[hash_of(span->kind, span->label)];

	if (!one)
		return NULL;
	one->span = *span;
	aggregate_init(&one->sum);
	one->version = 1;
	one->touched_ns = clock_monotonic_ns();
	one->file_pause_ns = PAUSE_NS;
	one->next = p->first;
	p->first = one;
	one->hash_next = *chain;
	*chain = one;
	p->count++;
	return one;
}

/* Takes it off the table; the list is its caller's. */
static void free_period(struct periods *p, struct period *one)
{
	struct period **place = &p->hash[hash_of(one->span.kind, one->span.label)];

	while (*place != one)
		place = &(*place)->hash_next;
	*place = one->hash_next;
	p->count--;
	aggregate_free(&one->sum);
	if (one->news)
		aggregate_free(one->news);
	free(one->news);
	free(one->section);
	free(one);
}

struct period *periods_find(const struct periods *p, enum period_kind kind, uint64_t ts_ns)
{
	return find(p, kind, calendar_label(&p->calendar, kind, ts_ns));
}

struct period *periods_at(struct periods *p, enum period_kind kind, uint64_t ts_ns)
{
	struct period *one = periods_find(p, kind, ts_ns);
	struct period_span span;

	if (one)
		return one;
	calendar_span(&p->calendar, kind, ts_ns, &span);
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
		calendar_span(&p->calendar, kind, ts_ns, &out->span);
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

struct period *periods_restore(
    struct periods *p, enum period_kind kind, uint32_t label, uint64_t start_ns, uint64_t end_ns)
{
	struct period_span span;

	if (find(p, kind, label))
		return NULL;
	calendar_span(&p->calendar, kind, start_ns, &span);
	if (span.label != label) {
		span = (struct period_span){
		    .kind = kind, .label = label, .start_ns = start_ns, .end_ns = end_ns};
		calendar_name(kind, label, span.name);
	}
	return open_period(p, &span);
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
}
