/*
 * gauge_stats.c: the values of a gauge, and gauges by name.
 */
#include "gauge_stats.h"

#include <math.h>

struct gauge_stats gauge_of(double value, uint64_t ts)
{
	value = figure_bound(value);
	return (struct gauge_stats){.last = value,
	    .min = value,
	    .max = value,
	    .above = exact_of(value),
	    .below = exact_of(-value),
	    .last_ts = ts,
	    .count = 1};
}

void gauge_stats_merge(struct gauge_stats *to, const struct gauge_stats *from)
{
	if (to->count == 0) {
		*to = *from;
		return;
	}
	if (from->last_ts >= to->last_ts) {
		to->last = from->last;
		to->last_ts = from->last_ts;
	}
	to->min = fmin(to->min, from->min);
	to->max = fmax(to->max, from->max);
	exact_add(&to->above, from->above);
	exact_add(&to->below, from->below);
	to->count = count_add(to->count, from->count);
}

void gauge_table_init(struct name_table *t)
{
	name_table_init(t, sizeof(struct gauge_stats), NULL);
}

bool gauge_table_add(struct name_table *t, const char *name, const struct gauge_stats *g)
{
	struct gauge_stats *to = name_table_at(t, name);

	if (to)
		gauge_stats_merge(to, g);
	return to != NULL;
}

bool gauge_table_merge(struct name_table *to, const struct name_table *from)
{
	for (uint32_t i = 0; i < from->count; i++)
		if (!gauge_table_add(to, from->entries[i].name, from->entries[i].value))
			return false;
	return true;
}
