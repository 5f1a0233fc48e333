/*
 * document_scan_rest.c: of a period's file, all that is not figures of requests: errors, counts,
 * gauges, users and channels, losses.
 */
#include "document_scan_internal.h"

#include <math.h>
#include <stdio.h>

static void add_count(struct scan *s, const char *name, double value)
{
	double *n;

	if (!(value > 0) || failed(s)) {
		if (isnan(value))
			refuse(s, -EBADMSG);
		return;
	}
	n = series_at(&s->out->counts, name);
	if (n)
		*n = value;
	else
		refuse(s, -ENOMEM);
}

/* An object of counts by name; of active_stats only those that were counted. */
static void scan_named_counts(struct scan *s, bool all)
{
	struct json_text key;
	char name[NAME_BYTES];

	json_cursor_open(&s->c, '{');
	while (json_cursor_member(&s->c, &key)) {
		double value;

		take_name(s, &key, name);
		take_figure(s, &value);
		if (all || strcmp(name, "messages_processed") == 0 ||
		    strcmp(name, "commands_executed") == 0)
			add_count(s, name, value);
	}
}

static void scan_caches(struct scan *s)
{
	struct json_text key;
	char cache[NAME_BYTES], name[NAME_BYTES + 8];

	json_cursor_open(&s->c, '{');
	while (json_cursor_member(&s->c, &key)) {
		take_name(s, &key, cache);
		json_cursor_open(&s->c, '{');
		while (json_cursor_member(&s->c, &key)) {
			double value;

			take_figure(s, &value);
			if (!json_text_is(&key, "hits") && !json_text_is(&key, "misses"))
				continue;
			snprintf(name, sizeof(name), "%s_%.*s", cache, (int)key.length, key.at);
			add_count(s, name, value);
		}
	}
}

static void scan_gauge(struct scan *s, struct gauge_figures *g)
{
	struct json_text key;
	double avg = NAN, *figure;

	g->last = g->min = g->max = NAN;
	json_cursor_open(&s->c, '{');
	while (json_cursor_member(&s->c, &key)) {
		figure = json_text_is(&key, "last")  ? &g->last
		         : json_text_is(&key, "min") ? &g->min
		         : json_text_is(&key, "max") ? &g->max
		         : json_text_is(&key, "avg") ? &avg
		                                     : NULL;
		if (figure)
			take_figure(s, figure);
		else if (json_text_is(&key, "count"))
			json_cursor_count(&s->c, &g->count);
		else if (json_text_is(&key, "last_at"))
			take_time(s, &g->last_ts);
		else
			json_cursor_skip(&s->c);
	}
	if (g->count == 0 || isnan(g->last) || isnan(g->min) || isnan(g->max) || isnan(avg))
		refuse(s, -EBADMSG);
	g->sum = avg * (double)g->count;
	if (!isfinite(g->sum))
		refuse(s, -EBADMSG);
}

static void scan_gauges(struct scan *s)
{
	struct json_text key;
	char name[NAME_BYTES];

	json_cursor_open(&s->c, '{');
	while (json_cursor_member(&s->c, &key)) {
		struct gauge_figures *g;

		take_name(s, &key, name);
		g = failed(s) ? NULL : series_at(&s->out->gauges, name);
		if (!g || g->count)
			refuse(s, g ? -EBADMSG : -ENOMEM);
		else
			scan_gauge(s, g);
	}
}

static void scan_error_types(struct scan *s)
{
	struct json_text key;
	char name[NAME_BYTES];

	json_cursor_open(&s->c, '{');
	while (json_cursor_member(&s->c, &key)) {
		uint64_t *n;

		take_name(s, &key, name);
		n = failed(s) ? NULL : series_at(&s->out->errors_by_type, name);
		if (n)
			json_cursor_count(&s->c, n);
		else
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

static void scan_sketch(struct scan *s, struct distinct *d)
{
	uint64_t hash, n = 0;

	json_cursor_open(&s->c, '[');
	while (json_cursor_item(&s->c)) {
		json_cursor_count(&s->c, &hash);
		if (n++ == DISTINCT_MAX)
			refuse(s, -EBADMSG);
		if (!failed(s) && !distinct_add_hash(d, hash))
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
		scan_named_counts(s, false);
	} else if (json_text_is(key, "gauges")) {
		see(s, SEEN_GAUGES);
		scan_gauges(s);
	} else if (json_text_is(key, "service_metrics")) {
		scan_named_counts(s, true);
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
