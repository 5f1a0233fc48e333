/*
 * windows.c: the last minute, five minutes and hour, as they roll on, and everything since start.
 *
 * A rolling window is a circle of parts, each an aggregate of one stretch of time; the window is
 * the merge of its parts. `settled` keeps the merge of all parts but the newest, so that looking at
 * a window merges two aggregates, not all of them; it is made anew when time enters a new part or
 * an older part changes.
 */
#include "windows.h"
#include "clock.h"

#include <stdlib.h>

struct part {
	uint64_t number; /* time / width; 0: never used */
	struct aggregate sum;
};

struct rolling {
	uint64_t width_ns;
	uint32_t count; /* full parts; one more is being filled */
	struct part *parts;
	uint64_t settled_at; /* the newest part's number when `settled` was made */
	bool settled_is_old;
	struct aggregate settled;
	struct aggregate view;
};

struct windows {
	struct rolling rolling[WINDOW_ROLLING];
	struct aggregate start;
	uint64_t start_ns;
};

static const struct {
	uint64_t width_s;
	uint32_t count;
} shapes[WINDOW_ROLLING] = {
    [WINDOW_1M] = {5, 12},
    [WINDOW_5M] = {30, 10},
    [WINDOW_1H] = {60, 60},
};

static bool rolling_init(struct rolling *r, uint64_t width_ns, uint32_t count)
{
	r->width_ns = width_ns;
	r->count = count;
	aggregate_init(&r->settled);
	aggregate_init(&r->view);
	r->parts = calloc(count + 1, sizeof(*r->parts));
	for (uint32_t i = 0; r->parts && i <= count; i++)
		aggregate_init(&r->parts[i].sum);
	return r->parts != NULL;
}

static void rolling_free(struct rolling *r)
{
	for (uint32_t i = 0; r->parts && i <= r->count; i++)
		aggregate_free(&r->parts[i].sum);
	free(r->parts);
	aggregate_free(&r->settled);
	aggregate_free(&r->view);
}

struct windows *windows_new(uint64_t start_ns)
{
	struct windows *w = calloc(1, sizeof(*w));
	bool ok = true;

	if (!w)
		return NULL;
	w->start_ns = start_ns;
	aggregate_init(&w->start);
	for (int i = 0; i < WINDOW_ROLLING; i++)
		ok &= rolling_init(
		    &w->rolling[i], shapes[i].width_s * NS_PER_SECOND, shapes[i].count);
	if (ok)
		return w;
	windows_free(w);
	return NULL;
}

void windows_free(struct windows *w)
{
	if (!w)
		return;
	for (int i = 0; i < WINDOW_ROLLING; i++)
		rolling_free(&w->rolling[i]);
	aggregate_free(&w->start);
	free(w);
}

static bool rolling_fold(
    struct rolling *r, uint64_t ts_ns, uint64_t now_ns, const struct aggregate *delta)
{
	/* A clock a little ahead of ours is not a reason to wait for its samples to show. */
	uint64_t number = (ts_ns < now_ns ? ts_ns : now_ns) / r->width_ns;
	uint64_t newest = now_ns / r->width_ns;
	struct part *p = &r->parts[number % (r->count + 1)];

	if (number + r->count < newest)
		return true; /* gone by */
	/* What else the part holds is a round older, or from before the clock was set back. */
	if (p->number != number) {
		aggregate_clear(&p->sum);
		p->number = number;
	}
	if (number != newest)
		r->settled_is_old = true;
	return aggregate_merge(&p->sum, delta);
}

bool windows_fold(struct windows *w, uint64_t ts_ns, uint64_t now_ns, const struct aggregate *delta,
    bool replayed)
{
	for (int i = 0; i < WINDOW_ROLLING; i++)
		if (!rolling_fold(&w->rolling[i], ts_ns, now_ns, delta))
			return false;
	/* What an earlier process counted did not happen since this one started. */
	return replayed || aggregate_merge(&w->start, delta);
}

static bool settle(struct rolling *r, uint64_t newest)
{
	if (r->settled_at == newest && !r->settled_is_old)
		return true;
	aggregate_clear(&r->settled);
	for (uint32_t i = 0; i <= r->count; i++) {
		const struct part *p = &r->parts[i];

		if (p->number == 0 || p->number >= newest || p->number + r->count < newest)
			continue;
		if (!aggregate_merge(&r->settled, &p->sum))
			return false;
	}
	r->settled_at = newest;
	r->settled_is_old = false;
	return true;
}

const struct aggregate *windows_get(
    struct windows *w, enum window window, uint64_t now_ns, uint64_t *start_ns)
{
	struct rolling *r;
	const struct part *part;
	uint64_t newest;

	*start_ns = w->start_ns;
	if (window == WINDOW_START)
		return &w->start;
	r = &w->rolling[window];
	newest = now_ns / r->width_ns;
	*start_ns = (newest - r->count) * r->width_ns;
	part = &r->parts[newest % (r->count + 1)];
	aggregate_clear(&r->view);
	if (!settle(r, newest) || !aggregate_merge(&r->view, &r->settled))
		return NULL;
	if (part->number == newest && !aggregate_merge(&r->view, &part->sum))
		return NULL;
	return &r->view;
}

bool windows_have_moved(const struct windows *w, uint64_t now_ns)
{
	for (int i = 0; i < WINDOW_ROLLING; i++) {
		const struct rolling *r = &w->rolling[i];

		if (r->settled_at != now_ns / r->width_ns)
			return true;
	}
	return false;
}
