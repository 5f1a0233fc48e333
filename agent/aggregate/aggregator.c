/*
 * aggregator.c: everything that the agent has counted.
 */
#include "aggregator.h"
#include "base/clock.h"
#include "stats/aggregate_bytes.h"

#include <errno.h>

#define STRETCH_NS    WINDOWS_STRETCH_NS
#define SKEW_LIMIT_NS WINDOWS_SKEW_NS
#define MINUTE_NS     (60 * NS_PER_SECOND)
#define DAY_NS        (86400 * NS_PER_SECOND)
#define MARGIN_NS     (4 * DAY_NS)
/* A delta of more names takes a millisecond or so to be added to anything. */
#define LARGE_NAMES 64

int aggregator_init(
    struct aggregator *l, const struct calendar *calendar, unsigned retention_days, uint64_t now_ns)
{
	*l = (struct aggregator){.retention_days = retention_days, .lifetime_since_ns = now_ns};
	periods_init(&l->periods, calendar);
	aggregate_init(&l->lifetime);
	trend_hours_init(&l->hours);
	for (int i = 0; i < AGGREGATOR_DELTAS; i++)
		aggregate_init(&l->deltas[i].sum);
	l->windows = windows_new(now_ns);
	l->inflight = inflight_new();
	l->bots = bots_new();
	l->given = given_times_new();
	return l->windows && l->inflight && l->bots && l->given ? 0 : -ENOMEM;
}

void aggregator_free(struct aggregator *l)
{
	periods_free(&l->periods);
	windows_free(l->windows);
	inflight_free(l->inflight);
	bots_free(l->bots);
	given_times_free(l->given);
	aggregate_free(&l->lifetime);
	for (int i = 0; i < AGGREGATOR_DELTAS; i++)
		aggregate_free(&l->deltas[i].sum);
}

int aggregator_restart(
    struct aggregator *l, const struct calendar *calendar, unsigned retention_days, uint64_t now_ns)
{
	const struct aggregator before = {.generation = l->generation,
	    .keep = l->keep,
	    .keep_context = l->keep_context,
	    .tags = l->tags,
	    .reference_ns = l->reference_ns};
	int err;

	aggregator_free(l);
	err = aggregator_init(l, calendar, retention_days, now_ns);
	l->generation = before.generation + 1;
	l->keep = before.keep;
	l->keep_context = before.keep_context;
	l->tags = before.tags;
	l->reference_ns = before.reference_ns;
	return err;
}

bool aggregator_is_expired(const struct aggregator *l, int64_t wall_day, uint64_t now_ns)
{
	if (l->reference_ns && l->reference_ns < now_ns)
		now_ns = l->reference_ns;
	return l->retention_days > 0 &&
	       wall_day + l->retention_days < calendar_wall_day(&l->periods.calendar, now_ns);
}

static void fold_into_period(struct aggregator *l, enum period_kind kind, uint64_t ts_ns,
    uint64_t now_ns, const struct aggregate *sum)
{
	const struct calendar *calendar = &l->periods.calendar;
	struct period *p = periods_at(&l->periods, kind, ts_ns);
	struct aggregate *to = p ? period_target(p) : NULL;
	bool late = p && period_is_late(p, now_ns); /* what it takes is counted */
	size_t before = to && late ? aggregate_bytes_beside(to, sum) : 0;

	if (!to || !aggregate_merge(to, sum) ||
	    (kind == PERIOD_HOURLY &&
		!minutes_add(&to->minutes, ts_ns / MINUTE_NS, &sum->requests))) {
		l->out_of_memory = true;
		return;
	}
	trends_add(&p->trends, calendar_wall_hour(calendar, p->span.end_ns - 1),
	    calendar_wall_hour(calendar, ts_ns), sum);
	periods_touch(&l->periods, p, late ? aggregate_bytes_beside(to, sum) - before : 0, now_ns);
}

static void count_delta(struct aggregator *l, struct delta *d, uint64_t now_ns)
{
	uint64_t ts_ns = d->stretch * STRETCH_NS;

	d->counted = true;
	d->window = 0;
	if (d->replayed)
		return;
	fold_into_period(l, PERIOD_HOURLY, ts_ns, now_ns, &d->sum);
	fold_into_period(l, PERIOD_DAILY, ts_ns, now_ns, &d->sum);
	trend_hours_add(&l->hours, calendar_wall_hour(&l->periods.calendar, ts_ns), &d->sum);
	if (!aggregate_merge_totals(&l->lifetime, &d->sum))
		l->out_of_memory = true;
	l->changes++;
}

/* To one window; after the last the delta is free. */
static void show_delta(struct aggregator *l, struct delta *d, uint64_t now_ns)
{
	uint64_t shown_ns = d->shown * STRETCH_NS;

	if (!windows_fold(l->windows, d->window, shown_ns, now_ns, &d->sum, d->replayed))
		l->out_of_memory = true;
	if (d->window < WINDOW_START) {
		d->window++;
		return;
	}
	aggregate_clear(&d->sum);
	d->used = d->counted = false;
}

/* What was added to it is then in all its tables, to be merged from there into each target. */
static void settle(struct aggregator *l, struct delta *d)
{
	if (!aggregate_settle(&d->sum))
		l->out_of_memory = true;
}

static void fold_delta(struct aggregator *l, struct delta *d, uint64_t now_ns)
{
	settle(l, d);
	if (!d->counted)
		count_delta(l, d, now_ns);
	while (d->used)
		show_delta(l, d, now_ns);
}

static bool is_large(const struct aggregate *sum)
{
	return aggregate_names(sum) > LARGE_NAMES;
}

void aggregator_fold(struct aggregator *l, uint64_t now_ns)
{
	trend_hours_turn_back(&l->hours, calendar_wall_hour(&l->periods.calendar, now_ns));
	for (int i = 0; i < AGGREGATOR_DELTAS; i++) {
		struct delta *d = &l->deltas[i];

		if (!d->used || d->counted)
			continue;
		settle(l, d);
		if (is_large(&d->sum))
			count_delta(l, d, now_ns);
		else
			fold_delta(l, d, now_ns);
	}
}

bool aggregator_show(struct aggregator *l, uint64_t now_ns)
{
	for (int i = 0; i < AGGREGATOR_DELTAS; i++) {
		if (!l->deltas[i].counted)
			continue;
		show_delta(l, &l->deltas[i], now_ns);
		return true;
	}
	return false;
}

static struct delta *find_delta(
    struct aggregator *l, uint64_t ts_ns, uint64_t shown_ns, bool replayed)
{
	for (int i = 0; i < AGGREGATOR_DELTAS; i++) {
		struct delta *d = &l->deltas[i];

		if (d->used && !d->counted && d->stretch == ts_ns / STRETCH_NS &&
		    d->shown == shown_ns / STRETCH_NS && d->replayed == replayed)
			return d;
	}
	return NULL;
}

/* One for a stretch that has none. */
static struct delta *take_delta(
    struct aggregator *l, uint64_t ts_ns, uint64_t shown_ns, bool replayed, uint64_t now_ns)
{
	struct delta *d = NULL;

	for (int i = 0; i < AGGREGATOR_DELTAS && !d; i++)
		if (!l->deltas[i].used)
			d = &l->deltas[i];
	if (!d) {
		d = &l->deltas[ts_ns / STRETCH_NS % AGGREGATOR_DELTAS];
		fold_delta(l, d, now_ns);
	}
	d->used = true;
	d->replayed = replayed;
	d->stretch = ts_ns / STRETCH_NS;
	d->shown = shown_ns / STRETCH_NS;
	return d;
}

/* Of the current stretch, which always has a place. */
static struct delta *current_delta(struct aggregator *l, uint64_t now_ns)
{
	struct delta *d = find_delta(l, now_ns, now_ns, false);

	return d ? d : take_delta(l, now_ns, now_ns, false, now_ns);
}

/*
 * Where samples of a moment are counted, NULL where there is no room. That is asked once for each
 * stretch of 5 s, before its first sample: from then on its hour and its day are open, or are
 * opened again when the delta is folded. So a sample is counted in both, or is rejected for both.
 */
static struct delta *admit(
    struct aggregator *l, uint64_t ts_ns, uint64_t shown_ns, bool replayed, uint64_t now_ns)
{
	struct delta *d = find_delta(l, ts_ns, shown_ns, replayed);
	int admitted = d || replayed ? 1 : periods_admit(&l->periods, ts_ns, now_ns);

	l->out_of_memory |= admitted < 0;
	if (admitted == 0)
		return NULL;
	return d ? d : take_delta(l, ts_ns, shown_ns, replayed, now_ns);
}

void aggregator_add_losses(struct aggregator *l, uint64_t lost, uint64_t rejected, uint64_t now_ns)
{
	struct delta *d;

	if (lost == 0 && rejected == 0)
		return;
	d = current_delta(l, now_ns);
	d->sum.lost += lost;
	d->sum.rejected += rejected;
	l->changes++;
}

/* False: it is to be counted as not kept. */
static bool keep_request(struct aggregator *l, const struct orbus_sample *s)
{
	enum aggregator_kept kept = l->keep(l->keep_context, s);

	l->out_of_memory |= kept == AGGREGATOR_NO_MEMORY;
	return kept != AGGREGATOR_NOT_KEPT;
}

/*
 * Whether a sample is too old to be counted. One that is clearly younger needs no calendar, which
 * costs more than all the rest of counting it: a label says the day of its period's start, in some
 * zone, which is days away at most.
 */
static bool is_too_old(const struct aggregator *l, uint64_t ts_ns, uint64_t now_ns)
{
	uint64_t young_ns = l->retention_days * DAY_NS;
	uint64_t margin_ns = young_ns / 2 < MARGIN_NS ? young_ns / 2 : MARGIN_NS;

	if (l->retention_days == 0 || ts_ns + young_ns - margin_ns >= now_ns)
		return false;
	for (int kind = 0; kind < PERIOD_KINDS; kind++) {
		struct period_span span;

		/* Retention goes by labels, which may be of another zone than the clock's. */
		periods_span(&l->periods, (enum period_kind)kind, ts_ns, &span);
		if (aggregator_is_expired(l, calendar_label_day(span.label), now_ns))
			return true;
	}
	return aggregator_is_expired(l, calendar_wall_day(&l->periods.calendar, ts_ns), now_ns);
}

/* When a sample counts. */
struct timing {
	uint64_t ts_ns;    /* in periods, recent errors and the journal */
	uint64_t shown_ns; /* in the rolling windows: its ts, but not later than it was read */
	bool skewed;
};

/*
 * Of a sample that is read for the first time. What is given to it, because its own stamp is none
 * or ahead, is noted for the agents that read it again (given_times.h). A stamp that is ahead
 * within the current stretch needs no note: windows do not tell the two apart.
 */
static struct timing time_first(struct aggregator *l, const struct orbus_sample *s,
    const struct sample_origin *origin, uint64_t now_ns)
{
	struct timing t = {.ts_ns = s->ts};

	t.skewed = s->ts > now_ns && s->ts - now_ns > SKEW_LIMIT_NS;
	if (s->ts == 0 || t.skewed)
		t.ts_ns = now_ns;
	t.shown_ns = t.ts_ns < now_ns ? t.ts_ns : now_ns;
	if ((s->ts == 0 || s->ts / STRETCH_NS > now_ns / STRETCH_NS) &&
	    s->kind != ORBUS_KIND_BEGIN && !given_times_note(l->given, origin, now_ns))
		l->out_of_memory = true;
	return t;
}

/*
 * Of a sample that an earlier process has counted: as it was then. False: it is shown nowhere,
 * since that is not known any more, or is ahead of a clock that was set back. It is never now.
 */
static bool time_again(const struct aggregator *l, const struct orbus_sample *s,
    const struct sample_origin *origin, uint64_t now_ns, struct timing *t)
{
	uint64_t given_ns = UINT64_MAX;
	enum given given = given_times_of(l->given, origin, &given_ns);

	*t = (struct timing){.ts_ns = s->ts};
	if (given == GIVEN_FORGOTTEN || (given == GIVEN_NONE && s->ts == 0))
		return false;
	t->skewed = s->ts > given_ns && s->ts - given_ns > SKEW_LIMIT_NS;
	if (s->ts == 0 || t->skewed)
		t->ts_ns = given_ns;
	t->shown_ns = t->ts_ns < given_ns ? t->ts_ns : given_ns;
	return t->shown_ns / STRETCH_NS <= now_ns / STRETCH_NS;
}

static void note_last_request(struct aggregator *l, const struct timing *t, bool replayed)
{
	if (t->shown_ns > l->last_request_ns && !(replayed && l->last_is_restored))
		l->last_request_ns = t->shown_ns;
}

/* In the periods and windows, with the time that it counts at. */
static void count_sample(struct aggregator *l, const struct orbus_sample *s,
    const struct sample_origin *origin, const struct timing *t, uint64_t now_ns)
{
	struct delta *d = admit(l, t->ts_ns, t->shown_ns, origin->replayed, now_ns);

	if (!d) {
		l->crowded_out++;
		aggregator_add_losses(l, 0, 1, now_ns);
		return;
	}
	d->sum.skewed += t->skewed;
	if (!aggregate_add(&d->sum, s) || (l->tags && !tag_stats_add(&d->sum.by_tag, s, l->tags)))
		l->out_of_memory = true;
	if (l->keep && s->kind == ORBUS_KIND_REQUEST && !origin->replayed)
		d->sum.journal_lost += !keep_request(l, s);
}

void aggregator_add(struct aggregator *l, const struct orbus_sample *s,
    const struct sample_origin *origin, uint64_t now_ns)
{
	struct orbus_sample stamped = *s;
	struct timing t;

	if (origin->replayed) {
		if (s->kind == ORBUS_KIND_BEGIN || !time_again(l, s, origin, now_ns, &t))
			return;
		stamped.ts = t.ts_ns;
		bots_note(l->bots, origin, &stamped);
	} else {
		t = time_first(l, s, origin, now_ns);
		stamped.ts = t.ts_ns;
		bots_note(l->bots, origin, &stamped);
		if (!inflight_note(l->inflight, origin, &stamped))
			l->out_of_memory = true;
		l->changes++;
		if (s->kind == ORBUS_KIND_BEGIN)
			return;
	}
	if (!calendar_can_tell(stamped.ts) || is_too_old(l, stamped.ts, now_ns)) {
		aggregator_add_losses(l, 0, !origin->replayed, now_ns);
		return;
	}
	if (s->kind == ORBUS_KIND_REQUEST)
		note_last_request(l, &t, origin->replayed);
	count_sample(l, &stamped, origin, &t, now_ns);
}

void aggregator_trends(
    const struct aggregator *l, const struct period *p, uint64_t now_ns, struct trends *out)
{
	uint64_t at = period_is_over(p, now_ns) ? p->span.end_ns - 1 : now_ns;

	/* A clock that was set back may show a time before the period. */
	if (at < p->span.start_ns)
		at = p->span.start_ns;
	if (!trend_hours_get(&l->hours, calendar_wall_hour(&l->periods.calendar, at), out))
		*out = p->trends;
}
