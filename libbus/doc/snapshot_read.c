/*
 * snapshot_read.c: a document of the board or of a file as a snapshot.
 *
 * It goes through the msgpack once. Tables say which key's value goes where; what they do not name
 * is passed over, and costs a fraction of what a tree of it would.
 */
#include "snapshot_read.h"
#include "base/utf8.h"
#include "snapshot_walk.h"
#include "writer.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* --- Rows ------------------------------------------------------------------------------------- */

#define AT(member) offsetof(struct summary, member)
static const struct field summary_fields[] = {
    {"avg", walk_figure, AT(avg)},
    {"min", walk_figure, AT(min)},
    {"max", walk_figure, AT(max)},
    {"p50", walk_figure, AT(p50)},
    {"p95", walk_figure, AT(p95)},
    {"p99", walk_figure, AT(p99)},
    {"count", walk_count, AT(count)},
};
static const struct object summary_object = OBJECT_OF(summary_fields);
#undef AT

#define AT(member) offsetof(struct token_sums, member)
static const struct field tokens_fields[] = {
    {"total_tokens", walk_count, AT(total)},
    {"prompt_tokens", walk_count, AT(prompt)},
    {"completion_tokens", walk_count, AT(completion)},
    {"cached_tokens", walk_count, AT(cached)},
    {"reasoning_tokens", walk_count, AT(reasoning)},
};
static const struct object tokens_object = OBJECT_OF(tokens_fields);
#undef AT

#define AT(member) offsetof(struct stats_row, member)
static const struct field row_fields[] = {
    {"requests", walk_count, AT(requests)},
    {"response_times", walk_object, AT(of[SUMMARY_RESPONSE]), .of = &summary_object},
    {"ttft", walk_object, AT(of[SUMMARY_TTFT]), .of = &summary_object},
    {"tps", walk_object, AT(of[SUMMARY_TPS]), .of = &summary_object},
    {"decode_tps", walk_object, AT(of[SUMMARY_DECODE_TPS]), .of = &summary_object},
    {"tokens", walk_object, AT(tokens), .of = &tokens_object},
    {"cost", walk_figure, AT(cost_usd)},
    {"errors", walk_count, AT(failed)}, /* all that failed */
    {"ok", walk_count, AT(ok)},
    {"timeouts", walk_count, AT(timeouts)},
    {"cancelled", walk_count, AT(cancelled)},
    {"orphaned", walk_count, AT(orphaned)},
    {"streaming", walk_count, AT(streaming)},
    {"priced", walk_count, AT(priced)},
};
static const struct object row_object = OBJECT_OF(row_fields);
#undef AT

static void read_row(struct reading *r, const struct mp_value *name, struct stats_row *row)
{
	*row = snapshot_empty.all;
	walk_copy(r, name, row->name, sizeof(row->name));
	(void)walk_map(r, &row_object, row);
	row->errors = row->failed;
	row->errors -= row->timeouts < row->errors ? row->timeouts : row->errors;
	row->errors -= row->orphaned < row->errors ? row->orphaned : row->errors;
}

static bool take_rows(struct reading *r, const struct field *f, void *at)
{
	struct stats_rows *rows = at;
	struct stats_row *list;
	struct mp_value map, key;

	(void)f;
	if (!walk_begin(r, MP_MAP, &map))
		return false;
	list = walk_list(r, rows->rows, map.count, NAME_TABLE_NAMES_MAX, sizeof(*list));
	if (!list)
		return false;
	rows->rows = list;
	while (rows->count < map.count && walk_key(r, &key))
		read_row(r, &key, &rows->rows[rows->count++]);
	if (walk_goes_on(r) && !stats_rows_index(rows))
		walk_fail(r, -ENOMEM);
	return true;
}

/* --- Lists ------------------------------------------------------------------------------------ */

static bool take_error_types(struct reading *r, const struct field *f, void *at)
{
	struct snapshot *s = r->s;
	struct named_count *list;
	struct mp_value map, key;

	(void)f;
	(void)at;
	if (!walk_begin(r, MP_MAP, &map))
		return false;
	list = walk_list(r, s->error_types, map.count, NAME_TABLE_NAMES_MAX, sizeof(*list));
	if (!list)
		return false;
	s->error_types = list;
	while (s->error_type_count < map.count && walk_key(r, &key)) {
		struct named_count *n = &s->error_types[s->error_type_count++];

		walk_copy(r, &key, n->name, sizeof(n->name));
		(void)walk_count(r, NULL, &n->count);
	}
	return true;
}

#define AT(member) offsetof(struct gauge_row, member)
static const struct field gauge_fields[] = {
    {"last", walk_figure, AT(last)},
    {"min", walk_figure, AT(min)},
    {"max", walk_figure, AT(max)},
};
static const struct object gauge_object = OBJECT_OF(gauge_fields);
#undef AT

static bool take_gauges(struct reading *r, const struct field *f, void *at)
{
	struct snapshot *s = r->s;
	struct gauge_row *list;
	struct mp_value map, key;

	(void)f;
	(void)at;
	if (!walk_begin(r, MP_MAP, &map))
		return false;
	list = walk_list(r, s->gauges, map.count, NAME_TABLE_NAMES_MAX, sizeof(*list));
	if (!list)
		return false;
	s->gauges = list;
	while (s->gauge_count < map.count && walk_key(r, &key)) {
		struct gauge_row *g = &s->gauges[s->gauge_count++];

		g->last = g->min = g->max = NAN;
		walk_copy(r, &key, g->name, sizeof(g->name));
		(void)walk_map(r, &gauge_object, g);
	}
	return true;
}

struct error_texts {
	bool has_type;
	char timestamp[RFC3339_BYTES];
	struct snapshot_error e;
};

static bool take_type(struct reading *r, const struct field *f, void *at)
{
	struct error_texts *t = at;

	(void)f;
	t->has_type = walk_text(r, &(struct field){.size = sizeof(t->e.type)}, t->e.type);
	return t->has_type;
}

#define AT(member)   offsetof(struct error_texts, member)
#define SIZE(member) sizeof(((struct error_texts *)NULL)->member)
static const struct field error_fields[] = {
    {"type", take_type},
    {"message", walk_text, AT(e.message), SIZE(e.message)},
    {"timestamp", walk_text, AT(timestamp), SIZE(timestamp)},
};
static const struct object error_object = OBJECT_OF(error_fields);
#undef AT
#undef SIZE

/* Those without a type tell nothing. */
static bool take_recent(struct reading *r, const struct field *f, void *at)
{
	struct snapshot *s = r->s;
	struct snapshot_error *list;
	struct mp_value array;

	(void)f;
	(void)at;
	if (!walk_begin(r, MP_ARRAY, &array))
		return false;
	list = walk_list(r, s->recent, array.count, RECENT_ERRORS_MAX, sizeof(*list));
	if (!list)
		return false;
	s->recent = list;
	for (uint32_t i = 0; i < array.count && walk_goes_on(r); i++) {
		struct error_texts t = {0};

		if (!walk_map(r, &error_object, &t) || !t.has_type)
			continue;
		if (!clock_parse_rfc3339(t.timestamp, &t.e.ts))
			t.e.ts = 0;
		s->recent[s->recent_count++] = t.e;
	}
	return true;
}

/* --- Histograms ------------------------------------------------------------------------------- */

struct buckets {
	double offset;
	uint64_t zero_count;
	uint32_t count;
	uint64_t counts[HISTOGRAM_BUCKETS];
};

static bool take_buckets(struct reading *r, const struct field *f, void *at)
{
	struct buckets *b = at;
	struct mp_value list;

	(void)f;
	if (!walk_begin(r, MP_ARRAY, &list))
		return false;
	for (uint32_t i = 0; i < list.count && walk_goes_on(r); i++) {
		uint64_t n = 0;

		(void)walk_count(r, NULL, &n);
		if (i < HISTOGRAM_BUCKETS)
			b->counts[i] = n;
	}
	b->count = walk_goes_on(r) ? list.count : 0;
	return true;
}

#define AT(member) offsetof(struct buckets, member)
static const struct field histogram_fields[] = {
    {"zero_count", walk_count, AT(zero_count)},
    {"offset", walk_figure, AT(offset)},
    {"bucket_counts", take_buckets},
};
static const struct object histogram_object = OBJECT_OF(histogram_fields);
#undef AT

/* A damaged one is empty. Its sum, minimum and maximum are the summary's to tell. */
static bool take_histogram(struct reading *r, const struct field *f, void *at)
{
	struct histogram *h = at;
	struct buckets b;

	(void)f;
	b.count = 0;
	b.zero_count = 0;
	b.offset = NAN;
	if (!walk_map(r, &histogram_object, &b))
		return false;
	if (h->length > 0) {
		walk_fail(r, -EBADMSG);
		return true;
	}
	if (b.count == 0 || b.count > HISTOGRAM_BUCKETS || !(b.offset >= HISTOGRAM_INDEX_MIN) ||
	    b.offset + b.count - 1 > HISTOGRAM_INDEX_MAX)
		return true;
	h->count = h->zero_count = b.zero_count;
	for (uint32_t i = 0; i < b.count; i++)
		h->count = count_add(h->count, b.counts[i]);
	if (!histogram_set_buckets(h, (int32_t)b.offset, b.counts, b.count))
		walk_fail(r, -ENOMEM);
	return true;
}

/* --- The agent and its alerts ----------------------------------------------------------------- */

#define AT(member) offsetof(struct snapshot_agent, member)
static const struct field agent_fields[] = {
    {"pid", walk_count, AT(pid)},
    {"uptime_seconds", walk_count, AT(uptime_seconds)},
    {"updated_ns", walk_count, AT(updated_ns)},
    {"last_request_ns", walk_count, AT(last_request_ns)},
};
static const struct object agent_object = OBJECT_OF(agent_fields);
#undef AT

static bool take_rule_text(struct reading *r, const struct field *f, void *at)
{
	char **rule = at;
	struct mp_value v;

	(void)f;
	if (!walk_begin(r, MP_STRING, &v))
		return false;
	if (*rule || !utf8_is_valid(v.bytes, v.count)) {
		walk_fail(r, -EBADMSG);
		return false;
	}
	*rule = strndup(v.bytes, v.count);
	if (!*rule)
		walk_fail(r, -ENOMEM);
	return *rule;
}

static bool take_state(struct reading *r, const struct field *f, void *at)
{
	static const char firing[] = "firing";
	struct mp_value v;

	(void)f;
	if (!walk_begin(r, MP_STRING, &v))
		return false;
	*(bool *)at = v.count == strlen(firing) && memcmp(v.bytes, firing, v.count) == 0;
	return true;
}

#define AT(member)   offsetof(struct snapshot_alert, member)
#define SIZE(member) sizeof(((struct snapshot_alert *)NULL)->member)
static const struct field rule_fields[] = {
    {"rule", take_rule_text, AT(rule)},
    {"state", take_state, AT(firing)},
    {"since", walk_text, AT(since), SIZE(since)},
    {"value", walk_figure, AT(value)},
    {"unit", walk_text, AT(unit), SIZE(unit)},
};
static const struct object rule_object = OBJECT_OF(rule_fields);
#undef AT
#undef SIZE

static bool take_rules(struct reading *r, const struct field *f, void *at)
{
	struct snapshot_alerts *a = &r->s->alerts;
	struct snapshot_alert *list;
	struct mp_value array;

	(void)f;
	(void)at;
	if (!walk_begin(r, MP_ARRAY, &array))
		return false;
	list = walk_list(r, a->rules, array.count, ALERT_RULES_MAX, sizeof(*list));
	if (!list)
		return false;
	a->rules = list;
	while (a->count < array.count && walk_goes_on(r)) {
		struct snapshot_alert *rule = &a->rules[a->count++];

		rule->value = NAN;
		(void)walk_map(r, &rule_object, rule);
	}
	return true;
}

#define AT(member) offsetof(struct snapshot_alerts, member)
static const struct field alerts_fields[] = {
    {"firing", walk_count, AT(firing)},
    {"undelivered", walk_count, AT(undelivered)},
    {"rules", take_rules},
};
static const struct object alerts_object = OBJECT_OF(alerts_fields);
#undef AT

/* --- The document ----------------------------------------------------------------------------- */

#define AT(member) offsetof(struct snapshot, member)
static const struct field requests_fields[] = {
    {"total", walk_count, AT(all.requests)},
    {"ok", walk_count, AT(all.ok), HAS(has.ok)},
    {"errors", walk_count, AT(all.errors)},
    {"timeouts", walk_count, AT(all.timeouts)},
    {"cancelled", walk_count, AT(all.cancelled)},
    {"orphaned", walk_count, AT(all.orphaned)},
    {"in_flight", walk_count, AT(in_flight)},
    {"streaming", walk_count, AT(all.streaming)},
    {"priced", walk_count, AT(all.priced), HAS(has.priced)},
    {"failed", walk_count, AT(all.failed), HAS(has.failed)},
};
static const struct object requests_object = OBJECT_OF(requests_fields);

static const struct field histograms_fields[] = {
    {"response_times", take_histogram, AT(histograms[SUMMARY_RESPONSE])},
    {"ttft", take_histogram, AT(histograms[SUMMARY_TTFT])},
    {"tps", take_histogram, AT(histograms[SUMMARY_TPS])},
    {"decode_tps", take_histogram, AT(histograms[SUMMARY_DECODE_TPS])},
};
static const struct object histograms_object = OBJECT_OF(histograms_fields);

static const struct field errors_fields[] = {
    {"total_errors", walk_count, offsetof(struct reading, total_errors)},
    {"by_type", take_error_types},
    {"recent_errors", take_recent},
};
static const struct object errors_object = OBJECT_OF(errors_fields);

static bool take_errors(struct reading *r, const struct field *f, void *at)
{
	(void)f;
	(void)at;
	return walk_map(r, &errors_object, r);
}

/* Whatever it is: that it is there tells something. */
static bool take_anything(struct reading *r, const struct field *f, void *at)
{
	(void)f;
	(void)at;
	walk_skip(r);
	return true;
}

/* Whether they are counted, too. */
static bool take_responses(struct reading *r, const struct field *f, void *at)
{
	struct summary *s = at;

	(void)f;
	s->count = ORBUS_NONE;
	if (walk_map(r, &summary_object, s) && s->count != ORBUS_NONE)
		return true;
	s->count = 0;
	return false;
}

static const struct field document_fields[] = {
    {"uptime_seconds", walk_figure, AT(uptime_seconds)},
    {"period", take_anything, HAS(has.period)},
    {"requests", walk_object, .of = &requests_object, HAS(has.requests)},
    {"response_times", take_responses, AT(all.of[SUMMARY_RESPONSE]), HAS(has.responses)},
    {"ttft", walk_object, AT(all.of[SUMMARY_TTFT]), .of = &summary_object},
    {"tps", walk_object, AT(all.of[SUMMARY_TPS]), .of = &summary_object},
    {"decode_tps", walk_object, AT(all.of[SUMMARY_DECODE_TPS]), .of = &summary_object},
    {"token_usage", walk_object, AT(all.tokens), .of = &tokens_object, HAS(has.tokens)},
    {"cost_usd", walk_figure, AT(all.cost_usd)},
    {"errors", take_errors},
    {"by_model", take_rows, AT(by[DIMENSION_MODEL])},
    {"by_bot", take_rows, AT(by[DIMENSION_BOT])},
    {"by_provider", take_rows, AT(by[DIMENSION_PROVIDER])},
    {"gauges", take_gauges},
    {"lost_samples", walk_count, AT(lost)},
    {"rejected_samples", walk_count, AT(rejected)},
    {"skewed_samples", walk_count, AT(skewed)},
    {"histograms", walk_object, .of = &histograms_object},
    {"saved_at", walk_text, AT(saved_at), sizeof(((struct snapshot *)NULL)->saved_at)},
    {"agent", walk_object, AT(agent), .of = &agent_object, HAS(agent.present)},
    {"alerts", walk_object, AT(alerts), .of = &alerts_object, HAS(alerts.present)},
};
static const struct object document_object = OBJECT_OF(document_fields);

static bool take_windows(struct reading *r, const struct field *f, void *at)
{
	struct mp_value map, key;

	(void)f;
	if (!walk_begin(r, MP_MAP, &map))
		return false;
	for (uint32_t i = 0; i < map.count && walk_key(r, &key); i++) {
		if (strlen(r->window) == key.count && memcmp(r->window, key.bytes, key.count) == 0)
			r->found |= walk_map(r, &document_object, at);
		else
			walk_skip(r);
	}
	return true;
}

static const struct field board_fields[] = {
    {"agent", walk_object, AT(agent), .of = &agent_object, HAS(agent.present)},
    {"alerts", walk_object, AT(alerts), .of = &alerts_object, HAS(alerts.present)},
    {"windows", take_windows},
};
static const struct object board_object = OBJECT_OF(board_fields);
#undef AT

/*
 * Documents of the system before orbus count only responses and errors, and those of earlier
 * versions do not say how many failed: that is computed.
 */
static void fill_in(struct reading *r)
{
	struct stats_row *all = &r->s->all;

	if (!r->s->has.requests) {
		all->failed = r->total_errors;
		all->ok = all->of[SUMMARY_RESPONSE].count;
		all->requests = count_add(all->ok, all->failed);
	} else if (!r->s->has.failed) {
		all->failed = count_add(all->errors, count_add(all->timeouts, all->orphaned));
	}
}

static int read_whole(struct reading *r, const struct object *o, const void *bytes, size_t length)
{
	mp_reader_init(&r->in, bytes, length);
	r->s = snapshot_new();
	if (!r->s)
		return -ENOMEM;
	(void)walk_map(r, o, r->s);
	fill_in(r);
	if (r->in.failed)
		walk_fail(r, -EBADMSG);
	return r->error;
}

/* Gives the snapshot away, or frees it. */
static int finish(struct reading *r, int err, struct snapshot **out)
{
	*out = err ? NULL : r->s;
	if (err)
		snapshot_unref(r->s);
	return err;
}

int snapshot_from_board(const void *bytes, size_t length, const char *window, struct snapshot **out)
{
	struct reading r = {.window = window};
	int err = read_whole(&r, &board_object, bytes, length);

	if (!err && (!r.found || !r.s->agent.present))
		err = -EBADMSG;
	return finish(&r, err, out);
}

int snapshot_from_msgpack(const void *bytes, size_t length, struct snapshot **out)
{
	struct reading r = {0};

	return finish(&r, read_whole(&r, &document_object, bytes, length), out);
}

static bool is_deeper(const json_t *value, unsigned most)
{
	const char *key;
	json_t *item;
	size_t i;

	if (!json_is_object(value) && !json_is_array(value))
		return false;
	if (most == 0)
		return true;
	json_array_foreach(value, i, item)
	{
		if (is_deeper(item, most - 1))
			return true;
	}
	json_object_foreach((json_t *)(uintptr_t)value, key, item)
	{
		if (is_deeper(item, most - 1))
			return true;
	}
	return false;
}

int snapshot_from_document(const json_t *document, struct snapshot **out)
{
	struct msgpack_writer m;
	size_t length;
	char *bytes;
	int err;

	*out = NULL;
	if (is_deeper(document, DOCUMENT_DEPTH_MAX))
		return -EBADMSG;
	msgpack_writer_init(&m);
	writer_json(&m.writer, NULL, document);
	bytes = msgpack_writer_take(&m, &length);
	if (!bytes)
		return -ENOMEM;
	err = snapshot_from_msgpack(bytes, length, out);
	free(bytes);
	return err;
}
