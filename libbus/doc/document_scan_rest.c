/*
 * document_scan_rest.c: of a period's file, all that is not figures of requests: errors, counts,
 * gauges, users and channels, losses.
 */
#include "document_scan_internal.h"

#include <math.h>
#include <stdio.h>

/* Adds to a count where it is shown; there 0 may also mean that no sample named it. */
static void add_shown(struct scan *s, const char *name, double value)
{
	struct exact_sum *n;

	if (isnan(value))
		refuse(s, -EBADMSG);
	if (!(value > 0) || failed(s))
		return;
	n = name_table_at(&s->shown, name);
	if (n)
		exact_add(n, exact_of(value));
	else
		refuse(s, -ENOMEM);
}

static void add_count(struct scan *s, const char *name, double value)
{
	if (isnan(value))
		refuse(s, -EBADMSG);
	else if (!failed(s) && !aggregate_add_count(s->out, name, exact_of(value)))
		refuse(s, -ENOMEM);
}

typedef void add_count_fn(struct scan *s, const char *name, double value);

/* An object of counts by name. */
static void scan_named_counts(struct scan *s, add_count_fn *add)
{
	struct json_text key;
	char name[NAME_BYTES];
	unsigned names = 0;

	json_cursor_open(&s->c, '{');
	while (json_cursor_member(&s->c, &key)) {
		double value;

		take_name(s, &key, name);
		count_name(s, &names);
		take_figure(s, &value);
		add(s, name, value);
	}
}

static void scan_counts_rest(struct scan *s)
{
	struct json_text key;
	char name[NAME_BYTES];
	unsigned names = 0;

	json_cursor_open(&s->c, '{');
	while (json_cursor_member(&s->c, &key)) {
		int64_t rest, *place;

		take_name(s, &key, name);
		count_name(s, &names);
		json_cursor_integer(&s->c, &rest);
		if (failed(s))
			return;
		place = name_table_at(&s->rests, name);
		if (place)
			*place = rest;
		else
			refuse(s, -ENOMEM);
	}
}

/* Of active_stats, only what was counted. */
static void add_active(struct scan *s, const char *name, double value)
{
	if (strcmp(name, "messages_processed") == 0 || strcmp(name, "commands_executed") == 0)
		add_shown(s, name, value);
}

static void scan_caches(struct scan *s)
{
	struct json_text key;
	char cache[NAME_BYTES], name[NAME_BYTES + sizeof("_misses")];

	json_cursor_open(&s->c, '{');
	while (json_cursor_member(&s->c, &key)) {
		take_name(s, &key, cache);
		json_cursor_open(&s->c, '{');
		while (json_cursor_member(&s->c, &key)) {
			double value;

			if (!json_text_is(&key, "hits") && !json_text_is(&key, "misses")) {
				json_cursor_skip(&s->c);
				continue;
			}
			take_figure(s, &value);
			snprintf(name, sizeof(name), "%s_%.*s", cache, (int)key.length, key.at);
			add_shown(s, name, value);
		}
	}
}

void scan_settle_counts(struct scan *s)
{
	for (uint32_t i = 0; !(s->seen & SEEN_COUNTS) && i < s->shown.count; i++)
		if (!failed(s) && !aggregate_add_count(s->out, s->shown.entries[i].name,
				      *(const struct exact_sum *)s->shown.entries[i].value))
			refuse(s, -ENOMEM);
	for (uint32_t i = 0; i < s->rests.count; i++) {
		const struct name_table_entry *e = &s->rests.entries[i];
		struct exact_sum *sum = name_table_find(&s->out->counts, e->name);

		if (!sum || !exact_adjust(sum, *(const int64_t *)e->value))
			refuse(s, -EBADMSG);
	}
}

struct raw_gauge_sums {
	double sum;
	int64_t rest;
	struct raw_sum above, below;
};

/* `sum` where the gauge was never negative; else the sums of both signs are there. */
static void set_gauge_sums(
    struct scan *s, struct gauge_stats *g, const struct raw_gauge_sums *raw, double avg)
{
	double sum = raw->sum;

	if (!isnan(raw->below.figure)) {
		if (isnan(raw->above.figure) || !raw_sum_get(&raw->above, &g->above) ||
		    !raw_sum_get(&raw->below, &g->below))
			refuse(s, -EBADMSG);
		return;
	}
	/* Files of earlier versions have the sum of both, or none. */
	if (isnan(sum))
		sum = avg * (double)g->count;
	g->above = exact_of(sum);
	g->below = exact_of(-sum);
	if (!exact_adjust(&g->above, raw->rest))
		refuse(s, -EBADMSG);
}

static void scan_gauge(struct scan *s, struct gauge_stats *g)
{
	struct json_text key;
	double avg = NAN, *figure;
	struct raw_gauge_sums sums = {NAN, 0, {NAN, 0}, {NAN, 0}};

	*g = (struct gauge_stats){.last = NAN, .min = NAN, .max = NAN};
	json_cursor_open(&s->c, '{');
	while (json_cursor_member(&s->c, &key)) {
		figure = json_text_is(&key, "last")  ? &g->last
		         : json_text_is(&key, "min") ? &g->min
		         : json_text_is(&key, "max") ? &g->max
		         : json_text_is(&key, "avg") ? &avg
		         : json_text_is(&key, "sum") ? &sums.sum
		                                     : NULL;
		if (figure)
			take_number(s, figure);
		else if (json_text_is(&key, "count"))
			json_cursor_count(&s->c, &g->count);
		else if (json_text_is(&key, "last_at"))
			take_time(s, &g->last_ts);
		else if (json_text_is(&key, "sum" DOCUMENT_REST_OF))
			json_cursor_integer(&s->c, &sums.rest);
		else if (!take_sum(s, &key, "positive_sum", &sums.above) &&
			 !take_sum(s, &key, "negative_sum", &sums.below))
			json_cursor_skip(&s->c);
	}
	if (g->count == 0 || isnan(g->last) || isnan(g->min) || isnan(g->max) || isnan(avg))
		refuse(s, -EBADMSG);
	else
		set_gauge_sums(s, g, &sums, avg);
}

static void scan_gauges(struct scan *s)
{
	struct json_text key;
	char name[NAME_BYTES];
	unsigned names = 0;

	json_cursor_open(&s->c, '{');
	while (json_cursor_member(&s->c, &key)) {
		struct gauge_stats g;

		take_name(s, &key, name);
		count_name(s, &names);
		scan_gauge(s, &g);
		if (!failed(s) && !aggregate_add_gauge(s->out, name, &g))
			refuse(s, -ENOMEM);
	}
}

static void scan_error_types(struct scan *s)
{
	struct json_text key;
	char name[NAME_BYTES];
	unsigned names = 0;

	json_cursor_open(&s->c, '{');
	while (json_cursor_member(&s->c, &key)) {
		uint64_t n;

		take_name(s, &key, name);
		count_name(s, &names);
		json_cursor_count(&s->c, &n);
		if (!failed(s) && !aggregate_add_errors(s->out, name, n))
			refuse(s, -ENOMEM);
	}
}

static void scan_recent_error(struct scan *s)
{
	struct json_text key, type = {"", 0}, message = {"", 0};
	char type_text[NAME_BYTES], message_text[NAME_BYTES];
	bool has_message = false;
	uint64_t ts = 0;

	json_cursor_open(&s->c, '{');
	while (json_cursor_member(&s->c, &key)) {
		if (json_text_is(&key, "type")) {
			json_cursor_text(&s->c, &type);
		} else if (json_text_is(&key, "message") && json_cursor_is_at(&s->c, '"')) {
			json_cursor_text(&s->c, &message);
			has_message = true;
		} else if (json_text_is(&key, "timestamp")) {
			take_time(s, &ts);
		} else {
			json_cursor_skip(&s->c);
		}
	}
	take_name(s, &type, type_text);
	take_name(s, &message, message_text);
	if (!failed(s) &&
	    !aggregate_add_recent_error(s->out, ts, type_text, has_message ? message_text : NULL))
		refuse(s, -ENOMEM);
}

static void scan_errors(struct scan *s)
{
	struct json_text key;

	json_cursor_open(&s->c, '{');
	while (json_cursor_member(&s->c, &key)) {
		if (json_text_is(&key, "by_type")) {
			see(s, SEEN_ERROR_TYPES);
			scan_error_types(s);
		} else if (json_text_is(&key, "recent_errors")) {
			json_cursor_open(&s->c, '[');
			while (json_cursor_item(&s->c))
				scan_recent_error(s);
		} else {
			json_cursor_skip(&s->c);
		}
	}
}

static void scan_sketch(struct scan *s, struct kmv_sketch *d)
{
	uint64_t hash, n = 0;

	json_cursor_open(&s->c, '[');
	while (json_cursor_item(&s->c)) {
		json_cursor_count(&s->c, &hash);
		if (n++ == KMV_SKETCH_MAX)
			refuse(s, -EBADMSG);
		if (!failed(s) && !kmv_sketch_add_hash(d, hash))
			refuse(s, -ENOMEM);
	}
}

static void scan_distinct(struct scan *s)
{
	struct json_text key;

	json_cursor_open(&s->c, '{');
	while (json_cursor_member(&s->c, &key)) {
		if (json_text_is(&key, "users")) {
			see(s, SEEN_USERS);
			scan_sketch(s, &s->out->users);
		} else if (json_text_is(&key, "channels")) {
			see(s, SEEN_CHANNELS);
			scan_sketch(s, &s->out->channels);
		} else {
			json_cursor_skip(&s->c);
		}
	}
}

static void scan_loss(struct scan *s, enum seen what, uint64_t *out)
{
	see(s, what);
	json_cursor_count(&s->c, out);
}

bool scan_take_rest(struct scan *s, const struct json_text *key)
{
	if (json_text_is(key, "errors")) {
		see(s, SEEN_ERRORS);
		scan_errors(s);
	} else if (json_text_is(key, "active_stats")) {
		see(s, SEEN_ACTIVE);
		scan_named_counts(s, add_active);
	} else if (json_text_is(key, "gauges")) {
		see(s, SEEN_GAUGES);
		scan_gauges(s);
	} else if (json_text_is(key, "service_metrics")) {
		scan_named_counts(s, add_shown);
	} else if (json_text_is(key, "counts")) {
		see(s, SEEN_COUNTS);
		scan_named_counts(s, add_count);
	} else if (json_text_is(key, DOCUMENT_COUNTS_REST)) {
		scan_counts_rest(s);
	} else if (json_text_is(key, "cache_stats")) {
		scan_caches(s);
	} else if (json_text_is(key, "distinct")) {
		scan_distinct(s);
	} else if (json_text_is(key, "lost_samples")) {
		scan_loss(s, SEEN_LOST, &s->out->lost);
	} else if (json_text_is(key, "rejected_samples")) {
		scan_loss(s, SEEN_REJECTED, &s->out->rejected);
	} else if (json_text_is(key, "skewed_samples")) {
		scan_loss(s, SEEN_SKEWED, &s->out->skewed);
	} else if (json_text_is(key, "journal_lost")) {
		json_cursor_count(&s->c, &s->out->journal_lost);
	} else {
		return false;
	}
	return true;
}
