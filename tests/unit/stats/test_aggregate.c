/*
 * test_aggregate.c: what is counted of samples, and that documents and back lose none of it.
 */
#include "doc/doc_read.h"
#include "doc/document.h"
#include "doc/msgpack_tree.h"
#include "document_text.h"
#include "document_tree.h"
#include "settled.h"
#include "testing.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static void add(struct aggregate *a, const struct orbus_sample *s)
{
	assert_true(aggregate_add_settled(a, s));
}

static struct orbus_sample request(const char *model, double response_ms)
{
	struct orbus_sample s;

	orbus_sample_init(&s);
	s.ts = 1764000000000000000;
	s.bot = "acore";
	s.model = model;
	s.provider = "OpenAI";
	s.response_ms = response_ms;
	s.prompt_tokens = 100;
	s.completion_tokens = 50;
	return s;
}

static void add_count(struct aggregate *a, const char *name, double value)
{
	struct orbus_sample s;

	orbus_sample_init(&s);
	s.kind = ORBUS_KIND_COUNT;
	s.name = name;
	s.value = value;
	add(a, &s);
}

static void add_gauge(struct aggregate *a, const char *name, double value, uint64_t ts)
{
	struct orbus_sample s;

	orbus_sample_init(&s);
	s.kind = ORBUS_KIND_GAUGE;
	s.name = name;
	s.value = value;
	s.ts = ts;
	add(a, &s);
}

/* One of everything. */
static void fill(struct aggregate *a)
{
	const struct orbus_tag tags[] = {{"user", "ann"}, {"channel", "general"}};
	struct orbus_sample s = request("openai/gpt-4", 2000);

	s.stream = true;
	s.ttft_ms = 500;
	s.cost_usd = 0.25;
	s.tags = tags;
	s.tag_count = 2;
	add(a, &s);
	s = request("meta/llama", 180000);
	s.status = ORBUS_STATUS_TIMEOUT;
	s.error_type = "timeout_total";
	add(a, &s);
	s = request(NULL, NAN);
	s.requested_model = "openai/gpt-4";
	s.status = ORBUS_STATUS_ERROR;
	s.error_type = "rate_limited";
	s.error_message = "slow \"down\"\n";
	add(a, &s);
	s = request("openai/gpt-4", NAN);
	s.status = ORBUS_STATUS_ORPHANED;
	add(a, &s);
	s = request("openai/gpt-4", 10);
	s.status = ORBUS_STATUS_CANCELLED;
	add(a, &s);
	add_count(a, "messages_processed", 40);
	add_count(a, "commands_executed", 3);
	add_count(a, "rag_cache_hits", 3);
	add_count(a, "rag_cache_misses", 1);
	add_count(a, "voice_cache_hits", 1);
	add_count(a, "images", 2.5);
	add_gauge(a, "discord_latency_ms", 45.5, 1764000000000000000);
	add_gauge(a, "discord_latency_ms", 40.5, 1764000001000000000);
	a->lost = 5;
	a->rejected = 6;
	a->skewed = 7;
}

static json_t *document_of(const struct aggregate *a)
{
	struct document_context c = {.period_kind = "hourly",
	    .end_ns = UINT64_C(3600000000000),
	    .utc = true,
	    .restorable = true,
	    .uptime_seconds = 93600,
	    .saved_at_ns = UINT64_C(1764291600123456789)};
	json_t *document = document_from_aggregate(a, &c);

	assert_non_null(document);
	return document;
}

/* The value at a path such as "errors.by_type.rate_limited". */
static json_t *at(json_t *o, const char *path)
{
	char copy[128], *key, *rest = copy;

	strcpy(copy, path);
	while (o && (key = strsep(&rest, ".")))
		o = json_object_get(o, key);
	if (!o)
		fail_msg("no %s", path);
	return o;
}

#define is_int(path, n)  assert_int_equal(json_integer_value(at(d, path)), n)
#define is_real(path, n) assert_true(fabs(json_number_value(at(d, path)) - (n)) < 1e-9)
#define is_null(path)    assert_true(json_is_null(at(d, path)))

static void the_document_says_what_happened(void **state)
{
	struct aggregate a;
	json_t *d;

	(void)state;
	aggregate_init(&a);
	fill(&a);
	d = document_of(&a);
	is_int("requests.total", 5);
	is_int("requests.ok", 1);
	is_int("requests.errors", 1);
	is_int("requests.timeouts", 1);
	is_int("requests.cancelled", 1);
	is_int("requests.orphaned", 1);
	is_int("requests.streaming", 1);
	is_int("requests.failed", 3);
	is_real("requests.error_rate", 60); /* of requests, whatever else is counted */
	/* Only requests that ended well are averaged. */
	is_int("response_times.count", 1);
	is_real("response_times.avg", 2000);
	is_real("ttft.p99", 500);
	is_real("tps.avg", 25);
	is_real("decode_tps.avg", 50 / 1.5);
	is_int("token_usage.total_tokens", 750);
	is_int("token_usage.by_model.openai/gpt-4", 600);
	is_real("cost_usd", 0.25);
	is_int("errors.total_errors", 3);
	is_int("errors.by_type.timeout_total", 1);
	is_int("errors.by_type.orphaned", 1);
	is_real("errors.error_rate", 7.5); /* per message processed */
	assert_int_equal(json_array_size(at(d, "errors.recent_errors")), 3);
	is_int("active_stats.active_users", 1);
	is_int("active_stats.active_channels", 1);
	is_int("active_stats.messages_processed", 40);
	is_int("active_stats.commands_executed", 3);
	is_real("cache_stats.rag_cache.hit_rate", 75);
	is_int("cache_stats.voice_cache.hits", 1);
	is_null("cache_stats.history_cache.hit_rate");
	is_real("service_metrics.images", 2.5);
	assert_int_equal(json_object_size(at(d, "service_metrics")), 1);
	is_int("by_model.openai/gpt-4.requests", 4);
	is_int("by_model.openai/gpt-4.errors", 2);
	is_null("by_model.meta/llama.cost");
	is_int("by_bot.acore.requests", 5);
	is_int("by_provider.OpenAI.requests", 5);
	is_real("gauges.discord_latency_ms.last", 40.5);
	is_real("gauges.discord_latency_ms.avg", 43);
	is_int("lost_samples", 5);
	is_int("rejected_samples", 6);
	is_int("skewed_samples", 7);
	assert_string_equal(json_string_value(at(d, "uptime_formatted")), "1 day, 2:00:00");
	assert_string_equal(json_string_value(at(d, "saved_at")), "2025-11-28T01:00:00.123456");
	assert_string_equal(json_string_value(at(d, "version")), "1.0");
	json_decref(d);
	aggregate_free(&a);
}

static void unknown_is_null_and_never_0(void **state)
{
	struct aggregate a;
	json_t *d;

	(void)state;
	aggregate_init(&a);
	d = document_of(&a);
	is_null("response_times.avg");
	is_null("response_times.p99");
	is_int("response_times.count", 0);
	is_null("cost_usd");
	is_null("errors.error_rate");
	is_int("requests.failed", 0);
	is_null("requests.error_rate");
	is_null("cache_stats.rag_cache.hit_rate");
	json_decref(d);
	aggregate_free(&a);
}

static char *text_of(const struct aggregate *a)
{
	json_t *d = document_of(a);
	size_t length;
	char *text = document_to_text(d, &length);

	assert_non_null(text);
	json_decref(d);
	return text;
}

/* Written here for its speed, it is what jansson writes. */
static void a_text_is_jsons(void **state)
{
	json_t *value = json_pack("{s:[I,I,I,i,f,f], s:{}, s:[], s:[{s:n, s:b}], s:s}", "counts",
	    (json_int_t)INT64_MIN, (json_int_t)INT64_MAX, (json_int_t)-10, 0, 0.1, 3245.8,
	    "a \"b\"\n", "empty", "list", "null", "true", 1, "text", "\xc3\xa9\x01\\");
	json_t *document = json_pack("{s:O, s:i}", "value", value, "second", 7);
	char *expected, *text, *inner = json_dumps(value, JSON_REAL_PRECISION(15));
	size_t length;

	(void)state;
	assert_non_null(inner);
	assert_true(asprintf(&expected, "{\n  \"value\": %s,\n  \"second\": 7\n}\n", inner) > 0);
	text = document_to_text(document, &length);
	assert_string_equal(text, expected);
	assert_int_equal(length, strlen(expected));
	free(text);
	free(expected);
	free(inner);
	json_decref(document);
	json_decref(value);
}

static void a_file_restores_its_aggregate(void **state)
{
	struct aggregate a, b;
	char *first, *second;
	json_t *d;

	(void)state;
	aggregate_init(&a);
	aggregate_init(&b);
	fill(&a);
	first = text_of(&a);
	d = json_loads(first, 0, NULL);
	assert_non_null(d);
	assert_int_equal(document_to_aggregate(d, &b, NULL), 0);
	second = text_of(&b);
	assert_string_equal(first, second);
	free(first);
	free(second);
	json_decref(d);
	aggregate_free(&a);
	aggregate_free(&b);
}

static void msgpack_restores_it_too(void **state)
{
	struct msgpack_writer m;
	struct aggregate a, b;
	char *bytes, *first, *second;
	size_t length;
	json_t *d, *back;

	(void)state;
	aggregate_init(&a);
	aggregate_init(&b);
	fill(&a);
	d = document_of(&a);
	msgpack_writer_init(&m);
	writer_json(&m.writer, NULL, d);
	bytes = msgpack_writer_take(&m, &length);
	assert_non_null(bytes);
	back = json_from_msgpack(bytes, length, 16);
	assert_non_null(back);
	assert_true(json_equal(d, back));
	assert_int_equal(document_to_aggregate(back, &b, NULL), 0);
	first = text_of(&a);
	second = text_of(&b);
	assert_string_equal(first, second);
	for (size_t i = 0; i < length; i++)
		assert_null(json_from_msgpack(bytes, i, 16));
	assert_null(json_from_msgpack(bytes, length, 2));
	free(first);
	free(second);
	free(bytes);
	json_decref(d);
	json_decref(back);
	aggregate_free(&a);
	aggregate_free(&b);
}

static int scan(const char *text, size_t length, struct aggregate *out)
{
	struct document_period period;
	int err;

	aggregate_init(out);
	err = document_from_text(text, length, DOCUMENT_ALL, &period, NULL, out);
	if (!err)
		assert_string_equal(period.kind, "hourly");
	return err;
}

static void a_file_is_read_without_a_tree(void **state)
{
	struct aggregate a, b;
	char *first, *second;

	(void)state;
	aggregate_init(&a);
	fill(&a);
	first = text_of(&a);
	assert_int_equal(scan(first, strlen(first), &b), 0);
	second = text_of(&b);
	assert_string_equal(first, second);
	aggregate_free(&b);
	/* Half a file is none, wherever it ends. */
	for (size_t i = 0; i + 2 < strlen(first); i++) {
		assert_int_equal(scan(first, i, &b), -EBADMSG);
		aggregate_free(&b);
	}
	free(first);
	free(second);
	aggregate_free(&a);
}

static void only_what_is_wanted_is_read(void **state)
{
	struct document_period period;
	struct aggregate a, b;
	char *text;

	(void)state;
	aggregate_init(&a);
	aggregate_init(&b);
	fill(&a);
	text = text_of(&a);
	assert_int_equal(
	    document_from_text(text, strlen(text), DOCUMENT_BOTS, &period, NULL, &b), 0);
	assert_int_equal(b.requests.total, a.requests.total);
	assert_int_equal(b.requests.response_ms.count, a.requests.response_ms.count);
	assert_int_equal(b.by_bot.count, a.by_bot.count);
	assert_int_equal(b.by_model.count, 0);
	assert_int_equal(b.errors_by_type.count, 0);
	assert_int_equal(b.lost, 0);
	free(text);
	aggregate_free(&a);
	aggregate_free(&b);
}

static void merging_equals_adding_all(void **state)
{
	struct aggregate half, merged, whole;
	char *first, *second;

	(void)state;
	aggregate_init(&half);
	aggregate_init(&merged);
	aggregate_init(&whole);
	fill(&half);
	assert_true(aggregate_merge(&merged, &half));
	assert_true(aggregate_merge(&merged, &half));
	fill(&whole);
	whole.lost = whole.rejected = whole.skewed = 0;
	fill(&whole);
	whole.lost = 10;
	whole.rejected = 12;
	whole.skewed = 14;
	first = text_of(&merged);
	second = text_of(&whole);
	assert_string_equal(first, second);
	free(first);
	free(second);
	aggregate_free(&half);
	aggregate_free(&merged);
	aggregate_free(&whole);
}

static bool is_scanned(const json_t *d)
{
	char *text = json_dumps(d, 0);
	struct aggregate a;
	int err;

	assert_non_null(text);
	err = scan(text, strlen(text), &a);
	aggregate_free(&a);
	free(text);
	return err == 0;
}

/* A document with one value changed to each of several wrong ones. */
static void refuses_with(json_t *d, const char *parent, const char *key)
{
	json_t *wrong[] = {json_null(), json_string("x"), json_integer(-1), json_real(0.5), NULL};
	json_t *o = *parent ? at(d, parent) : d, *right = json_incref(at(o, key));
	struct aggregate a;

	for (size_t i = 0; i < 5; i++) {
		if (wrong[i])
			json_object_set_new(o, key, wrong[i]);
		else
			json_object_del(o, key);
		aggregate_init(&a);
		if (document_to_aggregate(d, &a, NULL) != -EBADMSG)
			fail_msg("%s.%s was accepted with wrong value %zu", parent, key, i);
		aggregate_free(&a);
		if (is_scanned(d))
			fail_msg("%s.%s was read with wrong value %zu", parent, key, i);
	}
	json_object_set_new(o, key, right);
}

static void damaged_documents_are_refused(void **state)
{
	struct aggregate a;
	json_t *d;

	(void)state;
	aggregate_init(&a);
	fill(&a);
	d = document_of(&a);
	refuses_with(d, "", "requests");
	refuses_with(d, "requests", "total");
	refuses_with(d, "token_usage", "prompt_tokens");
	refuses_with(d, "", "histograms");
	refuses_with(d, "histograms.response_times", "count");
	refuses_with(d, "histograms.response_times", "bucket_counts");
	refuses_with(d, "by_model.openai/gpt-4", "requests");
	refuses_with(d, "gauges.discord_latency_ms", "count");
	refuses_with(d, "distinct", "users");
	refuses_with(d, "", "lost_samples");
	json_object_set_new(at(d, "histograms.response_times"), "offset", json_integer(1 << 30));
	aggregate_free(&a);
	aggregate_init(&a);
	assert_int_equal(document_to_aggregate(d, &a, NULL), -EBADMSG);
	json_decref(d);
	aggregate_free(&a);
}

static void names_beyond_256_are_summed_as_other(void **state)
{
	struct aggregate a;
	const struct request_stats *other;

	(void)state;
	aggregate_init(&a);
	for (int i = 0; i < 300; i++) {
		struct orbus_sample s;
		char name[32];

		snprintf(name, sizeof(name), "model-%d", i);
		s = request(name, 1000);
		add(&a, &s);
		add(&a, &s);
	}
	assert_int_equal(a.by_model.count, NAME_TABLE_MAX + 1);
	other = name_table_find(&a.by_model, NAME_TABLE_OTHER);
	assert_non_null(other);
	assert_int_equal(other->total, 2 * 44);
	assert_int_equal(a.requests.total, 600);
	aggregate_free(&a);
}

static void distinct_texts_are_counted(void **state)
{
	struct kmv_sketch half, both;
	char name[32];

	(void)state;
	memset(&half, 0, sizeof(half));
	memset(&both, 0, sizeof(both));
	for (int i = 0; i < 1000; i++) {
		snprintf(name, sizeof(name), "user-%d", i % 500);
		assert_true(kmv_sketch_add(&half, name));
	}
	assert_int_equal(kmv_sketch_estimate(&half), 500);
	for (int i = 0; i < 20000; i++) {
		snprintf(name, sizeof(name), "user-%d", i);
		assert_true(kmv_sketch_add(&both, name));
	}
	assert_true(kmv_sketch_merge(&both, &half));
	assert_in_range(kmv_sketch_estimate(&both), 18000, 22000);
	kmv_sketch_free(&half);
	kmv_sketch_free(&both);
}

static void recent_errors_are_the_last_20(void **state)
{
	struct aggregate a;

	(void)state;
	aggregate_init(&a);
	for (uint64_t i = 0; i < 50; i++)
		assert_true(aggregate_add_recent_error(&a, (i * 7) % 50, "t", NULL));
	assert_int_equal(a.recent_error_count, 20);
	for (uint64_t i = 0; i < 20; i++)
		assert_int_equal(a.recent_errors[i].ts, 30 + i);
	aggregate_free(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_document_says_what_happened),
	    cmocka_unit_test(unknown_is_null_and_never_0),
	    cmocka_unit_test(a_text_is_jsons),
	    cmocka_unit_test(a_file_restores_its_aggregate),
	    cmocka_unit_test(msgpack_restores_it_too),
	    cmocka_unit_test(a_file_is_read_without_a_tree),
	    cmocka_unit_test(only_what_is_wanted_is_read),
	    cmocka_unit_test(merging_equals_adding_all),
	    cmocka_unit_test(damaged_documents_are_refused),
	    cmocka_unit_test(names_beyond_256_are_summed_as_other),
	    cmocka_unit_test(distinct_texts_are_counted),
	    cmocka_unit_test(recent_errors_are_the_last_20),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
