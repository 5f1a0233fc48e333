/*
 * minutes.c: what is counted about each minute of an hour.
 */
#include "minutes.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void minute_stats_init(struct minute_stats *one, uint64_t minute)
{
	*one = (struct minute_stats){.minute = minute};
	histogram_init(&one->response_ms);
	histogram_init(&one->ttft_ms);
	histogram_init(&one->tps);
}

void minute_stats_free(struct minute_stats *one)
{
	histogram_free(&one->response_ms);
	histogram_free(&one->ttft_ms);
	histogram_free(&one->tps);
}

void minutes_free(struct minutes *m)
{
	for (uint32_t i = 0; i < m->count; i++)
		minute_stats_free(&m->list[i]);
	free(m->list);
	*m = (struct minutes){0};
}

/* Where a minute is or belongs. Most come in their order. */
static uint32_t place_of(const struct minutes *m, uint64_t minute)
{
	uint32_t place = m->count;

	while (place > 0 && m->list[place - 1].minute >= minute)
		place--;
	return place;
}

static bool make_room(struct minutes *m)
{
	uint32_t capacity = m->capacity ? 2 * m->capacity : 8;
	struct minute_stats *list;

	if (m->count < m->capacity)
		return true;
	list = realloc(m->list, capacity * sizeof(*list));
	if (!list)
		return false;
	m->list = list;
	m->capacity = capacity;
	return true;
}

struct minute_stats *minutes_at(struct minutes *m, uint64_t minute)
{
	uint32_t place = place_of(m, minute);
	struct minute_stats *one;

	if (place < m->count && m->list[place].minute == minute)
		return &m->list[place];
	if (!make_room(m))
		return NULL;
	one = &m->list[place];
	memmove(one + 1, one, (m->count - place) * sizeof(*one));
	m->count++;
	minute_stats_init(one, minute);
	return one;
}

static bool add_coarse(struct histogram *to, const struct histogram *from)
{
	return histogram_merge_coarse(to, from, HISTOGRAM_SCALE - MINUTES_SCALE);
}

bool minutes_add(struct minutes *m, uint64_t minute, const struct request_stats *stats)
{
	struct minute_stats *one;

	if (stats->total == 0)
		return true;
	one = minutes_at(m, minute);
	if (!one)
		return false;
	one->requests = count_add(one->requests, stats->total);
	one->failed = count_add(one->failed, request_stats_failed(stats));
	one->tokens = count_add(one->tokens, stats->tokens.total);
	one->has_cost |= stats->cost_known > 0;
	exact_add(&one->cost, stats->cost);
	return add_coarse(&one->response_ms, &stats->response_ms) &&
	       add_coarse(&one->ttft_ms, &stats->ttft_ms) && add_coarse(&one->tps, &stats->tps);
}

bool minute_stats_merge(struct minute_stats *to, const struct minute_stats *from)
{
	to->requests = count_add(to->requests, from->requests);
	to->failed = count_add(to->failed, from->failed);
	to->tokens = count_add(to->tokens, from->tokens);
	to->has_cost |= from->has_cost;
	exact_add(&to->cost, from->cost);
	return histogram_merge(&to->response_ms, &from->response_ms) &&
	       histogram_merge(&to->ttft_ms, &from->ttft_ms) &&
	       histogram_merge(&to->tps, &from->tps);
}

bool minutes_merge(struct minutes *to, const struct minutes *from)
{
	for (uint32_t i = 0; i < from->count; i++) {
		struct minute_stats *one = minutes_at(to, from->list[i].minute);

		if (!one || !minute_stats_merge(one, &from->list[i]))
			return false;
	}
	return true;
}

double minute_stats_cost(const struct minute_stats *one)
{
	return one->has_cost ? exact_figure(one->cost) : NAN;
}
