/*
 * test_snapshot.c: a snapshot says what the document says, whichever it is made from, and takes
 * documents of anyone.
 */
#include "doc/document.h"
#include "doc/snapshot_read.h"
#include "settled.h"
#include "splitmix.h"
#include "stats/snapshot.h"
#include "testing.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define NOW_NS UINT64_C(1764000000000000000)

static uint64_t seed;

/* The linker puts these in the place of the library's calls. */
static int allocations_left = INT_MAX;

void *__real_malloc(size_t bytes);
void *__wrap_malloc(size_t bytes);
void *__real_calloc(size_t n, size_t bytes);
void *__wrap_calloc(size_t n, size_t bytes);
void *__real_realloc(void *p, size_t bytes);
void *__wrap_realloc(void *p, size_t bytes);
char *__real_strndup(const char *text, size_t most);
char *__wrap_strndup(const char *text, size_t most);

static bool is_to_fail(void)
{
	return allocations_left != INT_MAX && allocations_left-- <= 0;
}

void *__wrap_malloc(size_t bytes)
{
	return is_to_fail() ? NULL : __real_malloc(bytes);
}

void *__wrap_calloc(size_t n, size_t bytes)
{
	return is_to_fail() ? NULL : __real_calloc(n, bytes);
}

void *__wrap_realloc(void *p, size_t bytes)
{
	return is_to_fail() ? NULL : __real_realloc(p, bytes);
}

char *__wrap_strndup(const char *text, size_t most)
{
	return is_to_fail() ? NULL : __real_strndup(text, most);
}

/* 0..n-1. */
static uint64_t choose(uint64_t n)
{
	return splitmix64(&seed) % n;
}

static const char *some_name(const char *kind, char name[400])
{
	int length = choose(20) == 0 ? 300 : 1; /* beyond ORBUS_TEXT_MAX */

	if (choose(10) == 0)
		return NULL;
	snprintf(
	    name, 400, "%s-%llu-%0*d-\u00e9", kind, (unsigned long long)choose(300), length, 0);
	return name;
}

static double some_figure(void)
{
	static const double odd[] = {NAN, 0, 1e300, 1e-9};

	return choose(8) == 0 ? odd[choose(4)] : (double)choose(1000000) / 7;
}

static uint64_t some_count(void)
{
	return choose(10) == 0 ? ORBUS_NONE : choose(20) == 0 ? COUNT_MAX - 1 : choose(5000);
}

static void add_some(struct aggregate *a)
{
	char texts[5][400];
	struct orbus_sample s;

	orbus_sample_init(&s);
	s.ts = NOW_NS + choose(1000) * NS_PER_SECOND;
	s.kind = choose(10) == 0 ? ORBUS_KIND_GAUGE : ORBUS_KIND_REQUEST;
	s.name = "gauge";
	s.value = s.kind == ORBUS_KIND_GAUGE ? (double)choose(100) - 50 : NAN;
	s.status = (enum orbus_status)choose(5);
	s.model = some_name("model", texts[0]);
	s.bot = some_name("bot", texts[1]);
	s.provider = some_name("provider", texts[2]);
	s.error_type = s.status == ORBUS_STATUS_OK ? NULL : some_name("error", texts[3]);
	s.error_message = choose(2) ? some_name("message", texts[4]) : NULL;
	s.stream = choose(2);
	s.response_ms = some_figure();
	s.ttft_ms = some_figure();
	s.prompt_tokens = some_count();
	s.completion_tokens = some_count();
	s.total_tokens = some_count();
	s.cost_usd = some_figure();
	assert_true(aggregate_add_settled(a, &s));
}

/* --- Equal to the last bit -------------------------------------------------------------------- */

static bool same(double a, double b)
{
	return (isnan(a) && isnan(b)) || a == b;
}

static void assert_same_row(const struct stats_row *a, const struct stats_row *b)
{
	assert_string_equal(a->name, b->name);
	/* Not those of names: what they call errors is told apart by the others. */
	assert_true(a->requests == b->requests && a->ok == b->ok && a->errors == b->errors);
	assert_true(a->timeouts == b->timeouts && a->cancelled == b->cancelled);
	assert_true(a->orphaned == b->orphaned && a->streaming == b->streaming);
	assert_true(a->failed == b->failed && a->priced == b->priced);
	assert_memory_equal(&a->tokens, &b->tokens, sizeof(a->tokens));
	assert_true(same(a->cost_usd, b->cost_usd));
	assert_true(same(stats_row_error_rate(a), stats_row_error_rate(b)));
	for (int i = 0; i < SUMMARY_KINDS; i++) {
		const struct summary *x = &a->of[i], *y = &b->of[i];

		assert_true(same(x->avg, y->avg) && same(x->min, y->min) && same(x->max, y->max));
		assert_true(same(x->p50, y->p50) && same(x->p95, y->p95) && same(x->p99, y->p99));
		assert_true(x->count == y->count);
	}
}

static void assert_same_histogram(const struct histogram *a, const struct histogram *b)
{
	assert_true(a->count == b->count && a->zero_count == b->zero_count);
	assert_int_equal(a->length, b->length);
	for (uint32_t i = 0; i < a->length; i++)
		assert_true(histogram_bucket(a, i) == histogram_bucket(b, i));
	assert_true(a->length == 0 || a->offset == b->offset);
}

static void assert_same_lists(const struct snapshot *a, const struct snapshot *b)
{
	assert_int_equal(a->error_type_count, b->error_type_count);
	for (uint32_t i = 0; i < a->error_type_count; i++) {
		assert_string_equal(a->error_types[i].name, b->error_types[i].name);
		assert_true(a->error_types[i].count == b->error_types[i].count);
	}
	assert_int_equal(a->gauge_count, b->gauge_count);
	for (uint32_t i = 0; i < a->gauge_count; i++) {
		assert_string_equal(a->gauges[i].name, b->gauges[i].name);
		assert_true(same(a->gauges[i].last, b->gauges[i].last));
		assert_true(same(a->gauges[i].min, b->gauges[i].min));
		assert_true(same(a->gauges[i].max, b->gauges[i].max));
	}
	assert_int_equal(a->recent_count, b->recent_count);
	for (uint32_t i = 0; i < a->recent_count; i++) {
		assert_string_equal(a->recent[i].type, b->recent[i].type);
		assert_string_equal(a->recent[i].message, b->recent[i].message);
		assert_true(a->recent[i].ts == b->recent[i].ts);
	}
}

static void assert_same(const struct snapshot *a, const struct snapshot *b)
{
	assert_same_row(&a->all, &b->all);
	assert_true(a->in_flight == b->in_flight && a->lost == b->lost);
	assert_true(a->rejected == b->rejected && a->skewed == b->skewed);
	for (int i = 0; i < DIMENSIONS; i++) {
		assert_int_equal(a->by[i].count, b->by[i].count);
		for (uint32_t k = 0; k < a->by[i].count; k++) {
			const struct stats_row *row = &a->by[i].rows[k];

			assert_same_row(row, &b->by[i].rows[k]);
			assert_ptr_equal(stats_rows_find(&a->by[i], row->name), row);
		}
		assert_null(stats_rows_find(&a->by[i], "nobody"));
	}
	for (int i = 0; i < SUMMARY_KINDS; i++)
		assert_same_histogram(&a->histograms[i], &b->histograms[i]);
	assert_same_lists(a, b);
	assert_true(a->has.requests && a->has.ok && a->has.priced && a->has.tokens);
	assert_true(b->has.requests && b->has.ok && b->has.priced && b->has.tokens);
}

static void assert_summary_is(const struct summary *s, const struct histogram *h)
{
	assert_true(same(s->avg, figure_bound(histogram_mean(h))) && s->count == h->count);
	assert_true(same(s->min, h->min) && same(s->max, h->max));
	assert_true(same(s->p50, histogram_quantile(h, 0.50)));
	assert_true(same(s->p95, histogram_quantile(h, 0.95)));
	assert_true(same(s->p99, histogram_quantile(h, 0.99)));
}

/* Place by place: what the tables have put elsewhere would be the same in both snapshots. */
static void assert_row_is(
    const struct stats_row *row, const char *name, const struct request_stats *f)
{
	assert_string_equal(row->name, name);
	assert_true(row->requests == f->total && row->ok == f->ok && row->errors == f->errors);
	assert_true(row->timeouts == f->timeouts && row->cancelled == f->cancelled);
	assert_true(row->orphaned == f->orphaned && row->streaming == f->streaming);
	assert_true(row->failed == request_stats_failed(f) && row->priced == f->cost_known);
	assert_memory_equal(&row->tokens, &f->tokens, sizeof(f->tokens));
	assert_true(same(row->cost_usd, request_stats_cost(f)));
	assert_summary_is(&row->of[SUMMARY_RESPONSE], &f->response_ms);
	assert_summary_is(&row->of[SUMMARY_TTFT], &f->ttft_ms);
	assert_summary_is(&row->of[SUMMARY_TPS], &f->tps);
	assert_summary_is(&row->of[SUMMARY_DECODE_TPS], &f->decode_tps);
}

static void assert_rows_are(const struct stats_rows *rows, const struct name_table *t)
{
	assert_int_equal(rows->count, t->count);
	for (uint32_t i = 0; i < t->count; i++)
		assert_row_is(&rows->rows[i], t->entries[i].name, t->entries[i].value);
}

static void assert_is(const struct snapshot *s, const struct aggregate *a, uint64_t in_flight)
{
	assert_row_is(&s->all, "", &a->requests);
	assert_true(s->in_flight == in_flight && s->lost == a->lost);
	assert_true(s->rejected == a->rejected && s->skewed == a->skewed);
	assert_rows_are(&s->by[DIMENSION_MODEL], &a->by_model);
	assert_rows_are(&s->by[DIMENSION_BOT], &a->by_bot);
	assert_rows_are(&s->by[DIMENSION_PROVIDER], &a->by_provider);
	assert_same_histogram(&s->histograms[SUMMARY_RESPONSE], &a->requests.response_ms);
	assert_same_histogram(&s->histograms[SUMMARY_TTFT], &a->requests.ttft_ms);
	assert_same_histogram(&s->histograms[SUMMARY_TPS], &a->requests.tps);
	assert_same_histogram(&s->histograms[SUMMARY_DECODE_TPS], &a->requests.decode_tps);
	assert_int_equal(s->gauge_count, a->gauges.count);
	for (uint32_t i = 0; i < s->gauge_count; i++) {
		const struct gauge_stats *g = a->gauges.entries[i].value;

		assert_true(s->gauges[i].last == g->last && s->gauges[i].min == g->min);
		assert_true(s->gauges[i].max == g->max);
	}
	assert_int_equal(s->error_type_count, a->errors_by_type.count);
	for (uint32_t i = 0; i < s->error_type_count; i++)
		assert_true(s->error_types[i].count ==
			    *(const uint64_t *)a->errors_by_type.entries[i].value);
	assert_int_equal(s->recent_count, a->recent_error_count);
	for (uint32_t i = 0; i < s->recent_count; i++) {
		assert_string_equal(s->recent[i].type, a->recent_errors[i].type);
		assert_true(s->recent[i].ts == a->recent_errors[i].ts);
	}
	assert_true(isnan(s->uptime_seconds) && !s->saved_at[0] && !s->has.period);
}

static void an_aggregate_and_its_document_give_the_same(void **state)
{
	(void)state;
	for (uint64_t run = 0; run < 40; run++) {
		struct document_context c = {.period_kind = "1h", .in_flight = run};
		struct snapshot *direct, *read;
		struct aggregate a;
		json_t *document;

		seed = run << 32;
		aggregate_init(&a);
		for (uint64_t n = choose(4) ? choose(1500) : choose(3); n > 0; n--)
			add_some(&a);
		a.lost = some_count() & COUNT_MAX;
		a.rejected = choose(100);
		a.skewed = choose(100);
		document = document_from_aggregate(&a, &c);
		assert_non_null(document);
		assert_int_equal(snapshot_from_aggregate(&a, c.in_flight, &direct), 0);
		assert_int_equal(snapshot_from_document(document, &read), 0);
		assert_is(direct, &a, c.in_flight);
		assert_same(direct, read);
		assert_true(read->has.period);
		snapshot_unref(direct);
		snapshot_unref(read);
		json_decref(document);
		aggregate_free(&a);
	}
}

/* --- Documents of others ---------------------------------------------------------------------- */

static struct snapshot *snapshot_of(const char *text)
{
	json_t *document = json_loads(text, 0, NULL);
	struct snapshot *s;

	assert_non_null(document);
	assert_int_equal(snapshot_from_document(document, &s), 0);
	json_decref(document);
	return s;
}

/* Of the system before orbus, and of versions that did not say how many failed. */
static void what_a_document_does_not_count_is_computed(void **state)
{
	struct snapshot *s =
	    snapshot_of("{\"response_times\": {\"count\": 90, \"avg\": 7.5},"
			"\"errors\": {\"total_errors\": 10}, \"uptime_seconds\": 1.5,"
			"\"saved_at\": \"2025-11-24T09:12:03.5\"}");

	(void)state;
	assert_true(!s->has.requests && !s->has.ok && !s->has.priced && !s->has.tokens);
	assert_true(s->has.responses && !s->has.period);
	assert_true(s->all.requests == 100 && s->all.ok == 90 && s->all.failed == 10);
	assert_true(stats_row_error_rate(&s->all) == 10);
	assert_true(s->all.of[SUMMARY_RESPONSE].avg == 7.5 && isnan(s->all.of[SUMMARY_TTFT].avg));
	assert_true(s->uptime_seconds == 1.5);
	assert_string_equal(s->saved_at, "2025-11-24T09:12:03.5");
	snapshot_unref(s);
	s = snapshot_of("{\"requests\": {\"total\": 50, \"ok\": 44, \"errors\": 3, \"timeouts\": 2,"
			"\"orphaned\": 1}, \"errors\": {\"total_errors\": 99},"
			"\"by_model\": {\"m\": {\"requests\": 9, \"errors\": 6, \"timeouts\": 2,"
			"\"orphaned\": 1}}}");
	assert_true(s->all.failed == 6 && s->all.requests == 50);
	assert_true(s->by[DIMENSION_MODEL].rows[0].failed == 6);
	assert_true(s->by[DIMENSION_MODEL].rows[0].errors == 3);
	snapshot_unref(s);
}

static void what_is_of_another_type_is_unknown(void **state)
{
	struct snapshot *s = snapshot_of(
	    "{\"requests\": {\"total\": -5, \"ok\": \"x\", \"timeouts\": 1e300, \"errors\": 3.9},"
	    "\"cost_usd\": \"1\", \"lost_samples\": 9223372036854775807, \"gauges\": {\"g\": 7},"
	    "\"by_model\": [1], \"by_bot\": {\"b\": 3, \"\": {}}, \"errors\": {\"by_type\": 9,"
	    "\"recent_errors\": [7, null, {\"type\": 1}, {\"type\": \"t\", \"timestamp\": \"?\"}]},"
	    "\"histograms\": {\"ttft\": {\"offset\": 99999, \"bucket_counts\": [1]},"
	    "\"tps\": {\"offset\": 1343, \"bucket_counts\": [1, 1]}}}");

	(void)state;
	assert_true(s->all.requests == 0 && s->all.ok == 0 && s->all.timeouts == 0);
	assert_true(s->all.errors == 3 && !s->has.ok && isnan(s->all.cost_usd));
	assert_true(s->lost == COUNT_MAX);
	assert_int_equal(s->by[DIMENSION_MODEL].count, 0);
	assert_int_equal(s->by[DIMENSION_BOT].count, 2);
	assert_true(s->by[DIMENSION_BOT].rows[0].requests == 0);
	assert_true(isnan(s->gauges[0].last));
	assert_int_equal(s->error_type_count, 0);
	assert_int_equal(s->recent_count, 1);
	assert_true(s->recent[0].ts == 0);
	assert_true(s->histograms[SUMMARY_TTFT].length == 0);
	assert_true(s->histograms[SUMMARY_TPS].length == 0);
	snapshot_unref(s);
}

/* 0, or the error, of a document with so many names. */
static int error_of_names(const char *key, unsigned names)
{
	json_t *list = json_object(), *document;
	struct snapshot *s;
	char name[16];
	int err;

	for (unsigned i = 0; i < names; i++) {
		snprintf(name, sizeof(name), "n%u", i);
		assert_int_equal(json_object_set_new(list, name, json_object()), 0);
	}
	document = strcmp(key, "by_type") == 0 ? json_pack("{s:{s:o}}", "errors", key, list)
	                                       : json_pack("{s:o}", key, list);
	assert_non_null(document);
	err = snapshot_from_document(document, &s);
	assert_true((err == 0) == (s != NULL));
	snapshot_unref(s);
	json_decref(document);
	return err;
}

static void more_names_than_any_agent_writes_are_refused(void **state)
{
	static const char *const keys[] = {
	    "by_model", "by_bot", "by_provider", "by_type", "gauges"};

	(void)state;
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		assert_int_equal(error_of_names(keys[i], NAME_TABLE_NAMES_MAX), 0);
		assert_int_equal(error_of_names(keys[i], NAME_TABLE_NAMES_MAX + 1), -EBADMSG);
	}
}

/* --- The board's ------------------------------------------------------------------------------ */

/* Takes over the board. */
static int read_board(json_t *board, const char *window, struct snapshot **out)
{
	struct msgpack_writer m;
	size_t length;
	char *bytes;
	int err;

	assert_non_null(board);
	msgpack_writer_init(&m);
	writer_json(&m.writer, NULL, board);
	bytes = msgpack_writer_take(&m, &length);
	assert_non_null(bytes);
	err = snapshot_from_board(bytes, length, window, out);
	/* With its end missing it is no board, and nothing is read beyond that. */
	for (size_t cut = 0; cut < length; cut++) {
		char *part = malloc(cut ? cut : 1);
		struct snapshot *none;

		assert_non_null(part);
		memcpy(part, bytes, cut);
		assert_int_equal(snapshot_from_board(part, cut, window, &none), -EBADMSG);
		assert_null(none);
		free(part);
	}
	free(bytes);
	json_decref(board);
	return err;
}

static void a_window_is_read_with_the_agent_and_its_alerts(void **state)
{
	struct snapshot *s, *other;
	json_t *agent = json_pack("{s:i,s:i,s:i,s:n}", "pid", 7, "uptime_seconds", 60, "updated_ns",
	    9, "last_request_ns");
	json_t *alerts = json_pack("{s:i,s:i,s:[{s:s,s:s,s:s,s:f,s:s},{s:s,s:n}]}", "firing", 1,
	    "undelivered", 2, "rules", "rule", "cost today > 5 USD", "state", "firing", "since",
	    "2026-11-24T09:12:03+00:00", "value", 6.21, "unit", "USD", "state", "ok", "value");
	json_t *board = json_pack("{s:o,s:o,s:{s:{s:{s:i}},s:{s:{s:i}}}}", "agent", agent, "alerts",
	    alerts, "windows", "1m", "requests", "total", 5, "1h", "requests", "total", 9);

	(void)state;
	assert_int_equal(read_board(board, "1h", &s), 0);
	assert_true(s->all.requests == 9);
	assert_true(s->agent.present && s->agent.pid == 7 && s->agent.uptime_seconds == 60);
	assert_true(s->agent.updated_ns == 9 && s->agent.last_request_ns == 0);
	assert_true(s->alerts.present && s->alerts.firing == 1 && s->alerts.undelivered == 2);
	assert_int_equal(s->alerts.count, 2);
	assert_true(s->alerts.rules[0].firing && s->alerts.rules[0].value == 6.21);
	assert_string_equal(s->alerts.rules[0].rule, "cost today > 5 USD");
	assert_string_equal(s->alerts.rules[0].since, "2026-11-24T09:12:03+00:00");
	assert_string_equal(s->alerts.rules[0].unit, "USD");
	assert_true(!s->alerts.rules[1].firing && isnan(s->alerts.rules[1].value));
	assert_null(s->alerts.rules[1].rule);
	other = snapshot_ref(s);
	snapshot_unref(s);
	assert_string_equal(other->alerts.rules[0].unit, "USD");
	snapshot_unref(other);
}

static void what_is_no_board_is_refused(void **state)
{
	static const char *const texts[] = {"[]", "7", "{}", "{\"agent\": {}}",
	    "{\"agent\": {}, \"windows\": {\"1m\": {}}}",
	    "{\"agent\": null, \"windows\": {\"1h\": {}}}",
	    "{\"agent\": {}, \"windows\": {\"1h\": []}}"};
	static const char board[] = "{\"agent\": {}, \"alerts\": null, \"windows\": {\"1h\": {}}}";
	struct snapshot *s;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_int_equal(
		    read_board(json_loads(texts[i], JSON_DECODE_ANY, NULL), "1h", &s), -EBADMSG);
	assert_int_equal(read_board(json_loads(board, 0, NULL), "1h", &s), 0);
	assert_true(s->agent.present && !s->alerts.present);
	snapshot_unref(s);
}

/* A list twice, a name that is not UTF-8, a key that is no text. */
static void what_no_agent_writes_is_refused(void **state)
{
	static const char *const cases[] = {"\x82\xa8"
					    "by_model\x80\xa8"
					    "by_model\x80",
	    "\x82\xa6"
	    "gauges\x80\xa6"
	    "gauges\x80",
	    "\x81\xa8"
	    "by_model\x81\xa1\xff\x80",
	    "\x81\x01\x02"};
	struct snapshot *s;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(snapshot_from_msgpack(cases[i], strlen(cases[i]), &s), -EBADMSG);
		assert_null(s);
	}
}

static void levels_without_end_are_refused(void **state)
{
	json_t *deep = json_integer(1);
	struct snapshot *s;
	char arrays[1000];

	(void)state;
	for (int i = 0; i < 1000; i++)
		deep = json_pack("{s:o}", "x", deep);
	assert_int_equal(snapshot_from_document(deep, &s), -EBADMSG);
	json_decref(deep);
	memset(arrays, 0x91, sizeof(arrays));
	memcpy(arrays, "\x81\xa1x", 3);
	assert_int_equal(snapshot_from_msgpack(arrays, sizeof(arrays), &s), -EBADMSG);
}

/* --- Out of memory ---------------------------------------------------------------------------- */

static void every_allocation_may_fail(void **state)
{
	struct document_context c = {.period_kind = "1h"};
	json_t *document, *alerts = json_pack("{s:[{s:s}]}", "rules", "rule", "cost today > 5 USD");
	struct snapshot *s;
	struct aggregate a;
	int err;

	(void)state;
	seed = 7;
	aggregate_init(&a);
	for (int i = 0; i < 100; i++)
		add_some(&a);
	document = document_from_aggregate(&a, &c);
	assert_non_null(document);
	assert_int_equal(json_object_set_new(document, "alerts", alerts), 0);
	for (int n = 0; n >= 0; n = err ? n + 1 : -1) {
		allocations_left = n;
		err = snapshot_from_aggregate(&a, 0, &s);
		allocations_left = INT_MAX;
		assert_int_equal(err, n < 10 || !s ? -ENOMEM : 0);
		snapshot_unref(s);
	}
	for (int n = 0; n >= 0; n = err ? n + 1 : -1) {
		allocations_left = n;
		err = snapshot_from_document(document, &s);
		allocations_left = INT_MAX;
		assert_int_equal(err, n < 10 || !s ? -ENOMEM : 0);
		snapshot_unref(s);
	}
	json_decref(document);
	aggregate_free(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(an_aggregate_and_its_document_give_the_same),
	    cmocka_unit_test(what_a_document_does_not_count_is_computed),
	    cmocka_unit_test(what_is_of_another_type_is_unknown),
	    cmocka_unit_test(more_names_than_any_agent_writes_are_refused),
	    cmocka_unit_test(a_window_is_read_with_the_agent_and_its_alerts),
	    cmocka_unit_test(what_is_no_board_is_refused),
	    cmocka_unit_test(what_no_agent_writes_is_refused),
	    cmocka_unit_test(levels_without_end_are_refused),
	    cmocka_unit_test(every_allocation_may_fail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
