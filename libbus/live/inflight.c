/*
 * inflight.c: requests that have begun and not ended.
 *
 * A hash table finds a begin by its id. Beside it each lane has a list of its own, oldest first,
 * so that no operation walks what other lanes have; lane_levels.h knows the fullest lane at once.
 */
#include "inflight.h"
#include "base/now.h"
#include "inflight_entry.h"
#include "inflight_text.h"
#include "lane_levels.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#define CHAINS 16384 /* not a limit: two entries each when all places are taken */

struct lane {
	struct inflight_entry *oldest, *newest;
	uint32_t forgotten; /* by limit or age since inflight_worst() */
};

struct inflight {
	struct inflight_entry *table[CHAINS];
	struct lane lanes[ORBUS_LANES_MAX];
	struct lane_levels levels; /* how many each lane has */
	uint64_t count, noted;
	uint64_t seed; /* random, so that ids cannot be chosen to share a chain */
	uint64_t incarnation;
	uint64_t now_s;
	struct inflight_forgotten forgotten;
	struct inflight_worst worst;
};

struct inflight *inflight_new(void)
{
	struct inflight *f = calloc(1, sizeof(*f));

	if (!f)
		return NULL;
	/* Without random bytes the address still differs from process to process. */
	if (getrandom(&f->seed, sizeof(f->seed), GRND_NONBLOCK) != sizeof(f->seed))
		f->seed = (uint64_t)(uintptr_t)f * UINT64_C(0x9e3779b97f4a7c15);
	f->incarnation = f->seed;
	f->now_s = now_ns_of(CLOCK_BOOTTIME) / NS_PER_SECOND;
	return f;
}

/* --- Lists ------------------------------------------------------------------------------------ */

static void link_entry(struct inflight *f, struct inflight_entry *e)
{
	struct inflight_entry **chain = &f->table[e->hash % CHAINS];
	struct lane *lane = &f->lanes[e->lane];

	e->chain = *chain;
	*chain = e;
	e->newer = NULL;
	e->older = lane->newest;
	*(lane->newest ? &lane->newest->newer : &lane->oldest) = e;
	lane->newest = e;
	f->count++;
	lane_levels_set(&f->levels, e->lane, lane_levels_count(&f->levels, e->lane) + 1);
}

static void unlink_entry(struct inflight *f, struct inflight_entry *e)
{
	struct inflight_entry **place = &f->table[e->hash % CHAINS];
	struct lane *lane = &f->lanes[e->lane];

	while (*place != e)
		place = &(*place)->chain;
	*place = e->chain;
	*(e->older ? &e->older->newer : &lane->oldest) = e->newer;
	*(e->newer ? &e->newer->older : &lane->newest) = e->older;
	f->count--;
	lane_levels_set(&f->levels, e->lane, lane_levels_count(&f->levels, e->lane) - 1);
}

static void drop(struct inflight *f, struct inflight_entry *e)
{
	unlink_entry(f, e);
	free(e);
}

/* --- Begins and ends -------------------------------------------------------------------------- */

/* What the begin's id was. */
static const char *pairing_id(const struct orbus_sample *s)
{
	return s->kind == ORBUS_KIND_REQUEST && s->begin_id ? s->begin_id : s->request_id;
}

static uint64_t hash_of(const struct inflight *f, const struct sample_origin *o, const char *id)
{
	return XXH3_64bits_withSeed(id, strlen(id), f->seed + ((uint64_t)o->lane << 32 | o->epoch));
}

static struct inflight_entry *find(
    const struct inflight *f, const struct sample_origin *o, const char *id, uint64_t hash)
{
	struct inflight_entry *e = f->table[hash % CHAINS];

	while (e && (e->hash != hash || e->lane != o->lane || e->epoch != o->epoch ||
			strcmp(e->texts, id) != 0))
		e = e->chain;
	return e;
}

/* Forgets one without an outcome, by limit or age, and notes whose it was. */
static void forget(struct inflight *f, struct inflight_entry *e, uint64_t *count)
{
	struct lane *lane = &f->lanes[e->lane];

	++*count;
	f->worst.in_all++;
	if (++lane->forgotten > f->worst.in_lane) {
		f->worst.in_lane = lane->forgotten;
		f->worst.lane = e->lane;
		strcpy(f->worst.bot, e->bot ? e->texts + e->bot : "");
	}
	drop(f, e);
}

/* A place for one more of a lane. */
static void make_room(struct inflight *f, uint32_t lane)
{
	if (lane_levels_count(&f->levels, lane) >= INFLIGHT_LANE_MAX)
		forget(f, f->lanes[lane].oldest, &f->forgotten.limit);
	else if (f->count >= INFLIGHT_MAX)
		forget(f, f->lanes[lane_levels_fullest(&f->levels)].oldest, &f->forgotten.limit);
}

/* Appends a text behind the others: where it is, 0 where there is none. */
static uint16_t append(char *texts, size_t *length, const char *s)
{
	size_t at = *length, n;

	if (!s)
		return 0;
	n = inflight_kept_bytes(s, INFLIGHT_TEXT_BYTES);
	memcpy(texts + at, s, n);
	texts[at + n] = '\0';
	*length += n + 1;
	return (uint16_t)at;
}

/* `since_s` UINT32_MAX: now. */
static bool add(struct inflight *f, const struct sample_origin *o, const struct orbus_sample *s,
    const char *id, uint64_t hash, uint64_t since_s)
{
	char texts[4 * INFLIGHT_TEXT_BYTES];
	size_t length = strlen(id) + 1;
	struct inflight_entry *e,
	    head = {.hash = hash,
		.number = f->noted,
		.ts = s->ts,
		.since_s = (uint32_t)(since_s < f->now_s ? since_s : f->now_s),
		.lane = o->lane,
		.epoch = o->epoch,
		.stream = s->stream};

	memcpy(texts, id, length);
	head.bot = append(texts, &length, s->bot);
	head.model = append(texts, &length, s->requested_model ? s->requested_model : s->model);
	head.provider = append(texts, &length, s->provider);
	e = malloc(offsetof(struct inflight_entry, texts) + length);
	if (!e)
		return false;
	memcpy(e, &head, offsetof(struct inflight_entry, texts));
	memcpy(e->texts, texts, length);
	make_room(f, o->lane);
	link_entry(f, e);
	f->noted++;
	return true;
}

bool inflight_note_since(struct inflight *f, const struct sample_origin *o,
    const struct orbus_sample *s, uint64_t since_s)
{
	const char *given = pairing_id(s);
	char id[INFLIGHT_TEXT_BYTES];
	struct inflight_entry *e;
	uint64_t hash;

	if (!given || o->lane >= ORBUS_LANES_MAX || o->is_removed ||
	    (s->kind != ORBUS_KIND_REQUEST && s->kind != ORBUS_KIND_BEGIN))
		return true;
	inflight_keep_id(id, given);
	hash = hash_of(f, o, id);
	e = find(f, o, id, hash);
	if (s->kind == ORBUS_KIND_BEGIN)
		return e || add(f, o, s, id, hash, since_s);
	if (e)
		drop(f, e);
	return true;
}

bool inflight_note(struct inflight *f, const struct sample_origin *o, const struct orbus_sample *s)
{
	return inflight_note_since(f, o, s, UINT64_MAX);
}

uint64_t inflight_count(const struct inflight *f)
{
	return f->count;
}

uint64_t inflight_noted(const struct inflight *f)
{
	return f->noted;
}

uint64_t inflight_incarnation(const struct inflight *f)
{
	return f->incarnation;
}

bool inflight_in_lane(const struct inflight *f, uint32_t lane)
{
	return lane < ORBUS_LANES_MAX && lane_levels_count(&f->levels, lane) > 0;
}

bool inflight_newest_is_of(const struct inflight *f, uint32_t lane, uint32_t epoch)
{
	return inflight_in_lane(f, lane) && f->lanes[lane].newest->epoch == epoch;
}

static void describe(const struct inflight_entry *e, struct orbus_sample *s)
{
	orbus_sample_init(s);
	s->kind = ORBUS_KIND_BEGIN;
	s->ts = e->ts;
	s->request_id = e->texts;
	s->bot = inflight_entry_text(e, e->bot);
	s->requested_model = inflight_entry_text(e, e->model);
	s->provider = inflight_entry_text(e, e->provider);
	s->stream = e->stream;
}

bool inflight_begin_of(struct inflight *f, const struct sample_origin *origin,
    const struct orbus_sample *end, struct orbus_sample *begin)
{
	const char *given = pairing_id(end);
	char id[INFLIGHT_TEXT_BYTES];
	struct inflight_entry *e;

	if (!given || origin->lane >= ORBUS_LANES_MAX || origin->is_removed)
		return false;
	inflight_keep_id(id, given);
	e = find(f, origin, id, hash_of(f, origin, id));
	if (e)
		describe(e, begin);
	return e;
}

/* The first entry of the first lane from `lane` on that has any; NULL: none. */
static struct inflight_entry *first_from(const struct inflight *f, uint32_t lane)
{
	lane = lane_levels_next(&f->levels, lane);
	return lane < ORBUS_LANES_MAX ? f->lanes[lane].oldest : NULL;
}

const struct inflight_entry *inflight_first(const struct inflight *f)
{
	return first_from(f, 0);
}

const struct inflight_entry *inflight_next(const struct inflight *f, const struct inflight_entry *e)
{
	return e->newer ? e->newer : first_from(f, e->lane + 1);
}

void inflight_each(const struct inflight *f, inflight_each_fn *each, void *context)
{
	for (const struct inflight_entry *e = inflight_first(f); e; e = inflight_next(f, e)) {
		struct sample_origin origin = {.lane = e->lane, .epoch = e->epoch};
		struct orbus_sample begin;

		describe(e, &begin);
		each(context, &origin, &begin);
	}
}

/* --- What will not end ------------------------------------------------------------------------ */

static void take_out(
    struct inflight *f, struct inflight_entry *e, inflight_gone_fn *gone, void *context)
{
	struct orbus_sample begin;

	unlink_entry(f, e);
	if (gone) {
		describe(e, &begin);
		gone(context, &begin);
	}
	free(e);
}

static bool is_dead(const struct inflight_entry *e, const struct inflight_outcome *v)
{
	return e->epoch == v->epoch ? v->is_dead : e->number < v->before;
}

void inflight_reap(struct inflight *f, uint32_t lane, const struct inflight_outcome *outcome,
    inflight_gone_fn *gone, void *context)
{
	struct inflight_entry *next;

	if (lane >= ORBUS_LANES_MAX)
		return;
	for (struct inflight_entry *e = f->lanes[lane].oldest; e; e = next) {
		next = e->newer;
		if (is_dead(e, outcome))
			take_out(f, e, gone, context);
	}
}

void inflight_forget_lane(struct inflight *f, uint32_t lane, inflight_gone_fn *gone, void *context)
{
	while (inflight_in_lane(f, lane)) {
		f->forgotten.lost++;
		take_out(f, f->lanes[lane].oldest, gone, context);
	}
}

void inflight_clear(struct inflight *f)
{
	struct inflight_entry *e;

	f->forgotten.lost += f->count;
	while ((e = first_from(f, 0)))
		drop(f, e);
	f->incarnation++;
}

void inflight_free(struct inflight *f)
{
	if (!f)
		return;
	inflight_clear(f);
	free(f);
}

void inflight_expire(struct inflight *f, uint32_t lane, uint64_t boot_ns)
{
	struct inflight_entry *e;

	if (boot_ns / NS_PER_SECOND > f->now_s)
		f->now_s = boot_ns / NS_PER_SECOND;
	while (inflight_in_lane(f, lane)) {
		e = f->lanes[lane].oldest;
		if (f->now_s - e->since_s < INFLIGHT_AGE_NS / NS_PER_SECOND)
			return;
		forget(f, e, &f->forgotten.expired);
	}
}

const struct inflight_forgotten *inflight_forgotten(const struct inflight *f)
{
	return &f->forgotten;
}

bool inflight_worst(struct inflight *f, struct inflight_worst *out)
{
	*out = f->worst;
	if (out->in_all == 0)
		return false;
	f->worst = (struct inflight_worst){0};
	for (uint32_t i = 0; i < ORBUS_LANES_MAX; i++)
		f->lanes[i].forgotten = 0;
	return true;
}
