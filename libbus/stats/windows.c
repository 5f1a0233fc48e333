/*
 * windows.c: the last minute, five minutes and hour, as they roll on, and everything since start.
 *
 * A rolling window is a circle of parts, each an aggregate of one stretch of time; the window is
 * the merge of its parts. `settled` keeps the merge of all parts but the newest, so that looking at
 * a window merges two aggregates, not all of them. When time enters a new part another one is
 * needed, without the oldest part: `next` is that, made a part at a time while time passes
 * (windows_prepare()), so that no call has to do sixty merges. What comes for an older part goes
 * into both.
 */
#include "windows.h"
#include "base/clock.h"

#include <stdlib.h>

struct part {
	uint64_t number; /* time / width; 0: never used */
	struct aggregate sum;
};

struct rolling {
	uint64_t width_ns;
	uint32_t count; /* full parts; one more is being filled */
	struct part *parts;
	uint64_t settled_at; /* the newest part's number that `settled` is for; 0: none */
	struct aggregate settled;
	uint64_t next_at;   /* the same of `next`; 0: none */
	uint64_t next_from; /* the number of the part that `next` gets next: it has those before */
	struct aggregate next;
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
#define SHAPE(ID, name, part_s, parts, ...) [WINDOW_##ID] = {part_s, parts},
    ROLLING_WINDOWS(SHAPE)
#undef SHAPE
};

const struct window_names window_names[STAT_WINDOWS] = {
#define NAMES(ID, name, part_s, parts, title, words, span) \
	[STAT_##ID] = {name, title, words, span, (part_s) * (parts)},
    WINDOWS_LIST(NAMES)
#undef NAMES
};

const char *window_name(enum window window)
{
	/* Those that roll on come first in both lists, in the same order. */
	return window_names[window == WINDOW_START ? (int)STAT_START : (int)window].name;
}

static bool rolling_init(struct rolling *r, uint64_t width_ns, uint32_t count)
{
	r->width_ns = width_ns;
	r->count = count;
	aggregate_init(&r->settled);
	aggregate_init(&r->next);
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
	aggregate_free(&r->next);
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

/* Whether a part is among those that `settled` or `next` is the sum of. */
static bool is_settled(const struct rolling *r, uint64_t number)
{
	return r->settled_at > 0 && number < r->settled_at && number + r->count >= r->settled_at;
}

static bool is_in_next(const struct rolling *r, uint64_t number)
{
	return r->next_at > 0 && number < r->next_from && number + r->count >= r->next_at;
}

static bool rolling_fold(
    struct rolling *r, uint64_t ts_ns, uint64_t now_ns, const struct aggregate *delta)
{
	/* Samples of a clock that is a little ahead of ours show at once. */
	uint64_t number = (ts_ns < now_ns ? ts_ns : now_ns) / r->width_ns;
	uint64_t newest = now_ns / r->width_ns;
	struct part *p = &r->parts[number % (r->count + 1)];

	if (number + r->count < newest)
		return true; /* gone by */
	/* Other contents of the part are a round older, or from before the clock was set back. */
	if (p->number != number) {
		if (is_settled(r, p->number) || is_in_next(r, p->number))
			r->settled_at = r->next_at = 0;
		aggregate_clear(&p->sum);
		p->number = number;
	}
	if (is_settled(r, number) && !aggregate_merge(&r->settled, delta))
		return false;
	if (is_in_next(r, number) && !aggregate_merge(&r->next, delta))
		return false;
	return aggregate_merge(&p->sum, delta);
}

bool windows_fold(struct windows *w, enum window window, uint64_t ts_ns, uint64_t now_ns,
    const struct aggregate *delta, bool replayed)
{
	if (window < WINDOW_ROLLING)
		return rolling_fold(&w->rolling[window], ts_ns, now_ns, delta);
	/* Samples that an earlier process counted came before this one's start. */
	return replayed || aggregate_merge(&w->start, delta);
}

/* Adds a part, where it holds anything of that time. */
static bool add_part(struct rolling *r, struct aggregate *to, uint64_t number)
{
	const struct part *p = &r->parts[number % (r->count + 1)];

	return p->number != number || number == 0 || aggregate_merge(to, &p->sum);
}

/* All of it at once: at first, after a pause, or when the clock was set. */
static bool settle_anew(struct rolling *r, uint64_t newest)
{
	aggregate_clear(&r->settled);
	for (uint64_t n = newest > r->count ? newest - r->count : 1; n < newest; n++)
		if (!add_part(r, &r->settled, n))
			return false;
	return true;
}

static bool settle(struct rolling *r, uint64_t newest)
{
	if (r->settled_at == newest)
		return true;
	if (r->next_at == newest && r->next_from + 1 == newest) {
		struct aggregate old = r->settled;

		r->settled = r->next;
		r->next = old;
		if (!add_part(r, &r->settled, newest - 1))
			return false;
	} else if (!settle_anew(r, newest)) {
		return false;
	}
	r->settled_at = newest;
	r->next_at = newest + 1;
	r->next_from = r->next_at > r->count ? r->next_at - r->count : 1;
	aggregate_clear(&r->next);
	return true;
}

/* The last part of `next` is the newest, which is still being filled. */
static bool needs_part(const struct rolling *r)
{
	return r->next_at > 0 && r->next_from + 1 < r->next_at;
}

bool windows_prepare(struct windows *w)
{
	for (int i = 0; i < WINDOW_ROLLING; i++) {
		struct rolling *r = &w->rolling[i];

		if (!needs_part(r))
			continue;
		if (!add_part(r, &r->next, r->next_from++))
			r->settled_at = r->next_at = 0; /* in part: made anew when it is wanted */
		return true;
	}
	return false;
}

bool windows_copy(struct windows *w, enum window window, uint64_t now_ns, struct aggregate *out,
    uint64_t *start_ns)
{
	struct rolling *r;
	uint64_t newest;

	*start_ns = w->start_ns;
	if (window == WINDOW_START)
		return aggregate_merge(out, &w->start);
	r = &w->rolling[window];
	newest = now_ns / r->width_ns;
	*start_ns = (newest - r->count) * r->width_ns;
	return settle(r, newest) && aggregate_merge(out, &r->settled) && add_part(r, out, newest);
}

const struct aggregate *windows_get(
    struct windows *w, enum window window, uint64_t now_ns, uint64_t *start_ns)
{
	struct aggregate *view;

	*start_ns = w->start_ns;
	if (window == WINDOW_START)
		return &w->start;
	view = &w->rolling[window].view;
	aggregate_clear(view);
	return windows_copy(w, window, now_ns, view, start_ns) ? view : NULL;
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
