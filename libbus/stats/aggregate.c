/*
 * aggregate.c: everything that is counted about a stretch of samples.
 */
#include "aggregate.h"
#include "base/utf8.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

void aggregate_init(struct aggregate *a)
{
	memset(a, 0, sizeof(*a));
	request_stats_init(&a->requests);
	stats_table_init(&a->by_model);
	stats_table_init(&a->by_bot);
	stats_table_init(&a->by_provider);
	breakdown_init(&a->fresh);
	breakdown_init(&a->breakdown);
	tag_stats_init(&a->by_tag);
	bot_table_init(&a->bots);
	name_table_init(&a->errors_by_type, sizeof(uint64_t), NULL);
	name_table_init(&a->counts, sizeof(struct exact_sum), NULL);
	gauge_table_init(&a->gauges);
}

static void recent_errors_clear(struct aggregate *a)
{
	for (uint32_t i = 0; i < a->recent_error_count; i++) {
		free(a->recent_errors[i].type);
		free(a->recent_errors[i].message);
	}
	a->recent_error_count = 0;
}

void aggregate_free(struct aggregate *a)
{
	request_stats_free(&a->requests);
	name_table_free(&a->by_model);
	name_table_free(&a->by_bot);
	name_table_free(&a->by_provider);
	breakdown_free(&a->fresh);
	breakdown_free(&a->breakdown);
	tag_stats_free(&a->by_tag);
	minutes_free(&a->minutes);
	name_table_free(&a->bots);
	name_table_free(&a->errors_by_type);
	name_table_free(&a->counts);
	name_table_free(&a->gauges);
	kmv_sketch_free(&a->users);
	kmv_sketch_free(&a->channels);
	recent_errors_clear(a);
}

void aggregate_clear(struct aggregate *a)
{
	aggregate_free(a);
	aggregate_init(a);
}

bool aggregate_add_errors(struct aggregate *a, const char *type, uint64_t n)
{
	uint64_t *sum = name_table_at(&a->errors_by_type, type);

	if (!sum)
		return false;
	*sum = count_add(*sum, n);
	return true;
}

static bool add_failure(struct aggregate *a, const struct orbus_sample *s)
{
	const char *type = s->error_type ? s->error_type : orbus_status_name(s->status);

	return aggregate_add_errors(a, type, 1) &&
	       aggregate_add_recent_error(a, s->ts, type, s->error_message);
}

static bool add_tags(struct aggregate *a, const struct orbus_sample *s)
{
	for (size_t i = 0; i < s->tag_count; i++) {
		const struct orbus_tag *tag = &s->tags[i];

		if (strcmp(tag->key, "user") == 0 && !kmv_sketch_add(&a->users, tag->value))
			return false;
		if (strcmp(tag->key, "channel") == 0 && !kmv_sketch_add(&a->channels, tag->value))
			return false;
	}
	return true;
}

static bool add_combination(
    struct aggregate *a, const struct combination *c, const struct request_stats *stats)
{
	struct request_stats *model = stats_table_at(&a->by_model, c->model);
	struct request_stats *bot = stats_table_at(&a->by_bot, c->bot);
	struct request_stats *provider = stats_table_at(&a->by_provider, c->provider);

	return model && bot && provider && request_stats_merge(&a->requests, stats) &&
	       request_stats_merge(model, stats) && request_stats_merge(bot, stats) &&
	       request_stats_merge(provider, stats) && breakdown_add_stats(&a->breakdown, c, stats);
}

static bool add_fresh(struct aggregate *to, const struct breakdown *fresh)
{
	for (uint32_t i = 0; i < fresh->table.count; i++) {
		const struct name_table_entry *e = &fresh->table.entries[i];
		const struct combination c = combination_of(e);

		if (!add_combination(to, &c, e->value))
			return false;
	}
	return true;
}

bool aggregate_settle(struct aggregate *a)
{
	bool ok = add_fresh(a, &a->fresh);

	breakdown_clear(&a->fresh);
	return ok;
}

static bool add_request(struct aggregate *a, const struct orbus_sample *s)
{
	struct measured m;
	int added;

	request_measure(s, &m);
	added = breakdown_try_add(&a->fresh, &m);
	/* Full: every request has its own names in the tables, so these come first. */
	if (added == 0)
		added = aggregate_settle(a) ? breakdown_try_add(&a->fresh, &m) : -ENOMEM;
	return added > 0 && (!request_is_failure(s) || add_failure(a, s));
}

bool aggregate_add_gauge(struct aggregate *a, const char *name, const struct gauge_stats *from)
{
	return gauge_table_add(&a->gauges, name, from);
}

static bool add_gauge(struct aggregate *a, const struct orbus_sample *s)
{
	struct gauge_stats g = gauge_of(s->value, s->ts);

	return aggregate_add_gauge(a, s->name, &g);
}

bool aggregate_add_count(struct aggregate *a, const char *name, struct exact_sum value)
{
	struct exact_sum *n = name_table_at(&a->counts, name);

	if (!n)
		return false;
	exact_add(n, value);
	return true;
}

bool aggregate_add(struct aggregate *a, const struct orbus_sample *s)
{
	a->samples = count_add(a->samples, 1);
	if (!add_tags(a, s) || !bot_table_add(&a->bots, s))
		return false;
	switch (s->kind) {
	case ORBUS_KIND_REQUEST: return add_request(a, s);
	case ORBUS_KIND_GAUGE: return add_gauge(a, s);
	case ORBUS_KIND_COUNT: return aggregate_add_count(a, s->name, exact_of(s->value));
	case ORBUS_KIND_BEGIN: break;
	}
	return true;
}

static char *copy_within(const char *text, size_t limit)
{
	return strndup(text, utf8_cut(text, strlen(text), limit));
}

bool aggregate_add_recent_error(
    struct aggregate *a, uint64_t ts, const char *type, const char *message)
{
	struct recent_error *list = a->recent_errors, e = {.ts = ts};
	uint32_t place = a->recent_error_count;

	while (place > 0 && list[place - 1].ts > ts)
		place--;
	if (place == 0 && a->recent_error_count == RECENT_ERRORS_MAX)
		return true; /* older than all that are kept */
	e.type = copy_within(type, ORBUS_TEXT_MAX);
	e.message = message ? copy_within(message, ORBUS_ERROR_MESSAGE_MAX) : NULL;
	if (!e.type || (message && !e.message)) {
		free(e.type);
		free(e.message);
		return false;
	}
	if (a->recent_error_count == RECENT_ERRORS_MAX) {
		free(list[0].type);
		free(list[0].message);
		memmove(list, list + 1, (place - 1) * sizeof(*list));
		place--;
	} else {
		memmove(list + place + 1, list + place,
		    (a->recent_error_count - place) * sizeof(*list));
		a->recent_error_count++;
	}
	list[place] = e;
	return true;
}

static bool merge_named(struct aggregate *to, const struct aggregate *from)
{
	for (uint32_t i = 0; i < from->errors_by_type.count; i++) {
		const struct name_table_entry *e = &from->errors_by_type.entries[i];

		if (!aggregate_add_errors(to, e->name, *(const uint64_t *)e->value))
			return false;
	}
	for (uint32_t i = 0; i < from->counts.count; i++) {
		const struct name_table_entry *e = &from->counts.entries[i];

		if (!aggregate_add_count(to, e->name, *(const struct exact_sum *)e->value))
			return false;
	}
	return gauge_table_merge(&to->gauges, &from->gauges);
}

bool aggregate_merge_totals(struct aggregate *to, const struct aggregate *from)
{
	to->samples = count_add(to->samples, from->samples);
	to->lost = count_add(to->lost, from->lost);
	to->rejected = count_add(to->rejected, from->rejected);
	to->skewed = count_add(to->skewed, from->skewed);
	to->journal_lost = count_add(to->journal_lost, from->journal_lost);
	return request_stats_merge(&to->requests, &from->requests) && merge_named(to, from) &&
	       breakdown_merge(&to->breakdown, &from->breakdown);
}

bool aggregate_merge(struct aggregate *to, const struct aggregate *from)
{
	for (uint32_t i = 0; i < from->recent_error_count; i++) {
		const struct recent_error *e = &from->recent_errors[i];

		if (!aggregate_add_recent_error(to, e->ts, e->type, e->message))
			return false;
	}
	return aggregate_merge_totals(to, from) &&
	       stats_table_merge(&to->by_model, &from->by_model) &&
	       stats_table_merge(&to->by_bot, &from->by_bot) &&
	       stats_table_merge(&to->by_provider, &from->by_provider) &&
	       add_fresh(to, &from->fresh) && tag_stats_merge(&to->by_tag, &from->by_tag) &&
	       minutes_merge(&to->minutes, &from->minutes) &&
	       bot_table_merge(&to->bots, &from->bots) &&
	       kmv_sketch_merge(&to->users, &from->users) &&
	       kmv_sketch_merge(&to->channels, &from->channels);
}

size_t aggregate_names(const struct aggregate *a)
{
	size_t names = (size_t)a->by_model.count + a->by_bot.count + a->by_provider.count +
	               a->breakdown.table.count;

	for (uint32_t i = 0; i < a->by_tag.tags.count; i++)
		names += ((const struct name_table *)a->by_tag.tags.entries[i].value)->count;
	return names;
}

double aggregate_count(const struct aggregate *a, const char *name)
{
	const struct exact_sum *n = name_table_find(&a->counts, name);

	return n ? exact_figure(*n) : NAN;
}
