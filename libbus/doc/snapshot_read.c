/*
 * snapshot_read.c: a document of the board or of a file as a snapshot.
 *
 * Each number is a line of a table: the keys that lead to it, and its place in the snapshot.
 */
#include "snapshot_read.h"
#include "base/utf8.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum form { FORM_COUNT, FORM_FIGURE };

struct field {
	const char *key, *within; /* `within`: a key of the value of `key`; NULL: that itself */
	enum form form;
	uint16_t offset;
};

#define COUNT(type, member, ...)                                \
	{                                                       \
		__VA_ARGS__, FORM_COUNT, offsetof(type, member) \
	}
#define FIGURE(type, member, ...)                                \
	{                                                        \
		__VA_ARGS__, FORM_FIGURE, offsetof(type, member) \
	}
#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

static const struct field summary_fields[] = {
    FIGURE(struct summary, avg, "avg", NULL),
    FIGURE(struct summary, min, "min", NULL),
    FIGURE(struct summary, max, "max", NULL),
    FIGURE(struct summary, p50, "p50", NULL),
    FIGURE(struct summary, p95, "p95", NULL),
    FIGURE(struct summary, p99, "p99", NULL),
    COUNT(struct summary, count, "count", NULL),
};

/* Of a document, and of its histograms. */
static const char *const summary_keys[SUMMARY_KINDS] = {[SUMMARY_RESPONSE] = "response_times",
    [SUMMARY_TTFT] = "ttft",
    [SUMMARY_TPS] = "tps",
    [SUMMARY_DECODE_TPS] = "decode_tps"};

static const char *const dimension_keys[DIMENSIONS] = {[DIMENSION_MODEL] = "by_model",
    [DIMENSION_BOT] = "by_bot",
    [DIMENSION_PROVIDER] = "by_provider"};

static const struct field row_fields[] = {
    COUNT(struct stats_row, requests, "requests", NULL),
    COUNT(struct stats_row, ok, "ok", NULL),
    COUNT(struct stats_row, failed, "errors", NULL),
    COUNT(struct stats_row, timeouts, "timeouts", NULL),
    COUNT(struct stats_row, cancelled, "cancelled", NULL),
    COUNT(struct stats_row, orphaned, "orphaned", NULL),
    COUNT(struct stats_row, streaming, "streaming", NULL),
    COUNT(struct stats_row, priced, "priced", NULL),
    COUNT(struct stats_row, tokens.total, "tokens", "total_tokens"),
    COUNT(struct stats_row, tokens.prompt, "tokens", "prompt_tokens"),
    COUNT(struct stats_row, tokens.completion, "tokens", "completion_tokens"),
    COUNT(struct stats_row, tokens.cached, "tokens", "cached_tokens"),
    COUNT(struct stats_row, tokens.reasoning, "tokens", "reasoning_tokens"),
    FIGURE(struct stats_row, cost_usd, "cost", NULL),
};

static const struct field document_fields[] = {
    COUNT(struct snapshot, all.requests, "requests", "total"),
    COUNT(struct snapshot, all.ok, "requests", "ok"),
    COUNT(struct snapshot, all.errors, "requests", "errors"),
    COUNT(struct snapshot, all.timeouts, "requests", "timeouts"),
    COUNT(struct snapshot, all.cancelled, "requests", "cancelled"),
    COUNT(struct snapshot, all.orphaned, "requests", "orphaned"),
    COUNT(struct snapshot, all.streaming, "requests", "streaming"),
    COUNT(struct snapshot, all.priced, "requests", "priced"),
    COUNT(struct snapshot, all.failed, "requests", "failed"),
    COUNT(struct snapshot, in_flight, "requests", "in_flight"),
    COUNT(struct snapshot, all.tokens.total, "token_usage", "total_tokens"),
    COUNT(struct snapshot, all.tokens.prompt, "token_usage", "prompt_tokens"),
    COUNT(struct snapshot, all.tokens.completion, "token_usage", "completion_tokens"),
    COUNT(struct snapshot, all.tokens.cached, "token_usage", "cached_tokens"),
    COUNT(struct snapshot, all.tokens.reasoning, "token_usage", "reasoning_tokens"),
    FIGURE(struct snapshot, all.cost_usd, "cost_usd", NULL),
    COUNT(struct snapshot, lost, "lost_samples", NULL),
    COUNT(struct snapshot, rejected, "rejected_samples", NULL),
    COUNT(struct snapshot, skewed, "skewed_samples", NULL),
    FIGURE(struct snapshot, uptime_seconds, "uptime_seconds", NULL),
};

static const struct field gauge_fields[] = {
    FIGURE(struct gauge_row, last, "last", NULL),
    FIGURE(struct gauge_row, min, "min", NULL),
    FIGURE(struct gauge_row, max, "max", NULL),
};

static const struct field agent_fields[] = {
    COUNT(struct snapshot_agent, pid, "pid", NULL),
    COUNT(struct snapshot_agent, uptime_seconds, "uptime_seconds", NULL),
    COUNT(struct snapshot_agent, updated_ns, "updated_ns", NULL),
    COUNT(struct snapshot_agent, last_request_ns, "last_request_ns", NULL),
};

static const struct field alerts_fields[] = {
    COUNT(struct snapshot_alerts, firing, "firing", NULL),
    COUNT(struct snapshot_alerts, undelivered, "undelivered", NULL),
};

/* --- One value -------------------------------------------------------------------------------- */

static double figure_of(const json_t *value)
{
	return json_is_number(value) ? json_number_value(value) : NAN;
}

/* 0 where it is no count. */
static uint64_t count_of(const json_t *value)
{
	double n = figure_of(value);

	/* Counts end at the largest integer, which no double is. */
	if (json_is_integer(value))
		return json_integer_value(value) > 0 ? (uint64_t)json_integer_value(value) : 0;
	return n >= 0 && n < 0x1p63 ? (uint64_t)n : 0;
}

static const json_t *value_at(const json_t *object, const char *key, const char *within)
{
	const json_t *value = json_object_get(object, key);

	return within ? json_object_get(value, within) : value;
}

static void read_fields(const json_t *object, const struct field *fields, size_t count, void *base)
{
	for (size_t i = 0; i < count; i++) {
		const json_t *value = value_at(object, fields[i].key, fields[i].within);
		char *at = (char *)base + fields[i].offset;

		if (fields[i].form == FORM_COUNT)
			*(uint64_t *)(void *)at = count_of(value);
		else
			*(double *)(void *)at = figure_of(value);
	}
}

/* Cut on a character. */
static void copy_text(char *out, size_t bytes, const char *text)
{
	size_t length = text ? strlen(text) : 0;

	if (length >= bytes)
		length = utf8_cut(text, length, bytes - 1);
	if (length)
		memcpy(out, text, length);
	out[length] = '\0';
}

static void read_text(const json_t *object, const char *key, char *out, size_t bytes)
{
	copy_text(out, bytes, json_string_value(json_object_get(object, key)));
}

/*
 * `count` zeroed elements for what a document lists. NULL with *err -EBADMSG where that is more
 * than `most`, or -ENOMEM.
 */
static void *make_list(size_t count, size_t most, size_t bytes, int *err)
{
	void *list = count > most ? NULL : calloc(count ? count : 1, bytes);

	*err = list ? 0 : count > most ? -EBADMSG : -ENOMEM;
	return list;
}

/* --- Parts of a document ---------------------------------------------------------------------- */

static void read_summaries(const json_t *object, struct stats_row *row)
{
	for (int i = 0; i < SUMMARY_KINDS; i++)
		read_fields(json_object_get(object, summary_keys[i]), summary_fields,
		    LENGTH(summary_fields), &row->of[i]);
}

static void read_row(const char *name, const json_t *object, struct stats_row *row)
{
	copy_text(row->name, sizeof(row->name), name);
	read_fields(object, row_fields, LENGTH(row_fields), row);
	read_summaries(object, row);
	/* What its key calls errors are all that failed. */
	row->errors = row->failed;
	row->errors -= row->timeouts < row->errors ? row->timeouts : row->errors;
	row->errors -= row->orphaned < row->errors ? row->orphaned : row->errors;
}

static int read_rows(json_t *object, struct stats_rows *out)
{
	const char *name;
	json_t *value;
	int err;

	out->rows =
	    make_list(json_object_size(object), NAME_TABLE_NAMES_MAX, sizeof(*out->rows), &err);
	if (err)
		return err;
	json_object_foreach(object, name, value) read_row(name, value, &out->rows[out->count++]);
	return stats_rows_index(out) ? 0 : -ENOMEM;
}

static int read_error_types(json_t *object, struct snapshot *s)
{
	const char *name;
	json_t *value;
	int err;

	s->error_types = make_list(
	    json_object_size(object), NAME_TABLE_NAMES_MAX, sizeof(*s->error_types), &err);
	if (err)
		return err;
	json_object_foreach(object, name, value)
	{
		struct named_count *n = &s->error_types[s->error_type_count++];

		copy_text(n->name, sizeof(n->name), name);
		n->count = count_of(value);
	}
	return 0;
}

static int read_gauges(json_t *object, struct snapshot *s)
{
	const char *name;
	json_t *value;
	int err;

	s->gauges =
	    make_list(json_object_size(object), NAME_TABLE_NAMES_MAX, sizeof(*s->gauges), &err);
	if (err)
		return err;
	json_object_foreach(object, name, value)
	{
		struct gauge_row *g = &s->gauges[s->gauge_count++];

		copy_text(g->name, sizeof(g->name), name);
		read_fields(value, gauge_fields, LENGTH(gauge_fields), g);
	}
	return 0;
}

/* Those without a type tell nothing. */
static int read_recent(const json_t *list, struct snapshot *s)
{
	int err;

	s->recent = make_list(json_array_size(list), RECENT_ERRORS_MAX, sizeof(*s->recent), &err);
	for (size_t i = 0; !err && i < json_array_size(list); i++) {
		const json_t *o = json_array_get(list, i);
		const char *at = json_string_value(json_object_get(o, "timestamp"));
		struct snapshot_error *e = &s->recent[s->recent_count];

		if (!json_is_string(json_object_get(o, "type")))
			continue;
		read_text(o, "type", e->type, sizeof(e->type));
		read_text(o, "message", e->message, sizeof(e->message));
		if (!at || !clock_parse_rfc3339(at, &e->ts))
			e->ts = 0;
		s->recent_count++;
	}
	return err;
}

/* A damaged one is empty. Sum, minimum and maximum are the summary's to tell. 0 or -ENOMEM. */
static int read_histogram(const json_t *object, struct histogram *h)
{
	const json_t *buckets = json_object_get(object, "bucket_counts");
	json_int_t offset = json_integer_value(json_object_get(object, "offset"));
	size_t count = json_array_size(buckets);
	uint64_t *counts;
	bool ok;

	if (count == 0 || count > HISTOGRAM_BUCKETS || offset < HISTOGRAM_INDEX_MIN ||
	    offset + (json_int_t)count - 1 > HISTOGRAM_INDEX_MAX)
		return 0;
	counts = calloc(count, sizeof(*counts));
	if (!counts)
		return -ENOMEM;
	h->count = h->zero_count = count_of(json_object_get(object, "zero_count"));
	for (size_t i = 0; i < count; i++) {
		counts[i] = count_of(json_array_get(buckets, i));
		h->count = count_add(h->count, counts[i]);
	}
	ok = histogram_set_buckets(h, (int32_t)offset, counts, (uint32_t)count);
	free(counts);
	return ok ? 0 : -ENOMEM;
}

static int read_histograms(const json_t *object, struct snapshot *s)
{
	int err = 0;

	for (int i = 0; !err && i < SUMMARY_KINDS; i++)
		err = read_histogram(json_object_get(object, summary_keys[i]), &s->histograms[i]);
	return err;
}

/*
 * Documents of the system before orbus count only responses and errors, and those of earlier
 * versions do not say how many failed: that is computed.
 */
static void fill_in(const json_t *document, struct snapshot *s)
{
	const json_t *r = json_object_get(document, "requests");
	struct stats_row *all = &s->all;

	s->has.period = json_object_get(document, "period");
	s->has.requests = json_is_object(r);
	s->has.ok = json_object_get(r, "ok");
	s->has.priced = json_object_get(r, "priced");
	s->has.tokens = json_object_get(document, "token_usage");
	s->has.response_count = json_is_integer(value_at(document, "response_times", "count"));
	if (!s->has.requests) {
		all->failed = count_of(value_at(document, "errors", "total_errors"));
		all->ok = all->of[SUMMARY_RESPONSE].count;
		all->requests = count_add(all->ok, all->failed);
	} else if (!json_is_number(json_object_get(r, "failed"))) {
		all->failed = count_add(all->errors, count_add(all->timeouts, all->orphaned));
	}
}

static int read_document(const json_t *document, struct snapshot *s)
{
	const json_t *errors = json_object_get(document, "errors");
	int err = 0;

	read_fields(document, document_fields, LENGTH(document_fields), s);
	read_summaries(document, &s->all);
	read_text(document, "saved_at", s->saved_at, sizeof(s->saved_at));
	fill_in(document, s);
	for (int i = 0; !err && i < DIMENSIONS; i++)
		err = read_rows(json_object_get(document, dimension_keys[i]), &s->by[i]);
	if (!err)
		err = read_error_types(json_object_get(errors, "by_type"), s);
	if (!err)
		err = read_recent(json_object_get(errors, "recent_errors"), s);
	if (!err)
		err = read_gauges(json_object_get(document, "gauges"), s);
	return err ? err : read_histograms(json_object_get(document, "histograms"), s);
}

int snapshot_from_document(const json_t *document, struct snapshot **out)
{
	struct snapshot *s = snapshot_new();
	int err = s ? read_document(document, s) : -ENOMEM;

	*out = err ? NULL : s;
	if (err)
		snapshot_unref(s);
	return err;
}

/* --- The rest of the board -------------------------------------------------------------------- */

void snapshot_add_agent(struct snapshot *s, const json_t *agent)
{
	s->agent.present = json_is_object(agent);
	read_fields(agent, agent_fields, LENGTH(agent_fields), &s->agent);
}

/* False: out of memory. */
static bool read_alert(const json_t *o, struct snapshot_alert *a)
{
	const char *rule = json_string_value(json_object_get(o, "rule"));
	const char *state = json_string_value(json_object_get(o, "state"));

	a->firing = state && strcmp(state, "firing") == 0;
	a->value = figure_of(json_object_get(o, "value"));
	read_text(o, "unit", a->unit, sizeof(a->unit));
	read_text(o, "since", a->since, sizeof(a->since));
	a->rule = rule ? strdup(rule) : NULL;
	return a->rule || !rule;
}

int snapshot_add_alerts(struct snapshot *s, const json_t *alerts)
{
	const json_t *rules = json_object_get(alerts, "rules");
	struct snapshot_alerts *to = &s->alerts;
	int err;

	to->rules = make_list(json_array_size(rules), ALERT_RULES_MAX, sizeof(*to->rules), &err);
	to->present = json_is_object(alerts);
	read_fields(alerts, alerts_fields, LENGTH(alerts_fields), to);
	for (size_t i = 0; !err && i < json_array_size(rules); i++) {
		if (read_alert(json_array_get(rules, i), &to->rules[i]))
			to->count++;
		else
			err = -ENOMEM;
	}
	return err;
}
