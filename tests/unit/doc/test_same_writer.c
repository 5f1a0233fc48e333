/*
 * test_same_writer.c: the writer by the tables writes what the one before it wrote, to the byte.
 */
#include "old_document.h"
#include "splitmix.h"
#include "testing.h"

#define CASES 1000

static uint64_t seed;

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
	    name, 400, "%s-%llu-%0*d-\u00e9\n", kind, (unsigned long long)choose(300), length, 0);
	return name;
}

static double some_figure(void)
{
	static const double odd[] = {NAN, 0, 1e300, 1e-9, 0.1, 1e21 / 3};

	return choose(8) == 0 ? odd[choose(6)] : (double)choose(1000000) / 7;
}

static uint64_t some_count(void)
{
	return choose(10) == 0 ? ORBUS_NONE : choose(20) == 0 ? COUNT_MAX - 1 : choose(5000);
}

static void add_some(struct aggregate *a)
{
	static const char *const counts[] = {"messages_processed", "commands_executed",
	    "rag_cache_hits", "rag_cache_misses", "own_cache_hits", "own_cache_misses", "other",
	    "history_cache_misses", "_cache_hits", "x"};
	char texts[6][400];
	struct orbus_tag tags[] = {{"user", texts[5]}, {"channel", texts[5]}};
	struct orbus_sample s;

	orbus_sample_init(&s);
	s.ts = UINT64_C(1764000000000000000) + choose(1000) * NS_PER_SECOND + choose(1000);
	s.kind = choose(10) == 0   ? ORBUS_KIND_GAUGE
	         : choose(10) == 0 ? ORBUS_KIND_COUNT
	                           : ORBUS_KIND_REQUEST;
	s.name = s.kind == ORBUS_KIND_COUNT ? counts[choose(10)] : choose(2) ? "gauge" : "other";
	s.value = s.kind == ORBUS_KIND_GAUGE ? (double)choose(100) / 3 - (s.name[0] == 'g' ? 0 : 20)
	          : choose(3)                ? (double)choose(50)
	                                     : (double)choose(50) / 7;
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
	s.cost_usd = choose(4) ? some_figure() : NAN;
	if (some_name("user", texts[5])) {
		s.tags = tags;
		s.tag_count = 2;
	}
	assert_true(aggregate_add(a, &s));
}

static void must_be_same(const struct aggregate *a, const struct document_context *c)
{
	struct msgpack_writer m[2];
	struct text_writer t[2];
	size_t length[2];
	char *bytes[2];

	msgpack_writer_init(&m[0]);
	msgpack_writer_init(&m[1]);
	old_document_write(&m[0].writer, NULL, a, c);
	document_write(&m[1].writer, NULL, a, c);
	bytes[0] = msgpack_writer_take(&m[0], &length[0]);
	bytes[1] = msgpack_writer_take(&m[1], &length[1]);
	assert_int_equal(length[0], length[1]);
	assert_memory_equal(bytes[0], bytes[1], length[0]);
	free(bytes[0]);
	free(bytes[1]);
	text_writer_init(&t[0]);
	text_writer_init(&t[1]);
	writer_object(&t[0].writer, NULL);
	writer_object(&t[1].writer, NULL);
	old_document_write(&t[0].writer, "d", a, c);
	document_write(&t[1].writer, "d", a, c);
	old_document_write_trends(&t[0].writer, "t", c->trends);
	document_write_trends(&t[1].writer, "t", c->trends);
	stats_put_name_table(&t[0].writer, "s", &a->by_model);
	document_write_stats(&t[1].writer, "s", &a->by_model);
	writer_end(&t[0].writer);
	writer_end(&t[1].writer);
	bytes[0] = text_writer_take(&t[0], &length[0]);
	bytes[1] = text_writer_take(&t[1], &length[1]);
	assert_string_equal(bytes[0], bytes[1]);
	free(bytes[0]);
	free(bytes[1]);
}

static void both_write_the_same(void **state)
{
	(void)state;
	for (uint64_t run = 0; run < CASES; run++) {
		struct trends trends = {.hours = (uint32_t)choose(TREND_HOURS + 1),
		    .messages = {3, 4},
		    .errors = {1, COUNT_MAX},
		    .current_errors = choose(9)};
		struct aggregate a, lifetime;
		struct document_context c = {.period_kind = choose(2) ? "hourly" : NULL,
		    .start_ns = choose(UINT64_MAX / 4),
		    .end_ns = choose(UINT64_MAX / 4),
		    .complete = choose(2),
		    .utc = choose(2),
		    .uptime_seconds = choose(1000000),
		    .saved_at_ns = choose(UINT64_MAX / 4),
		    .in_flight = run,
		    .trends = choose(2) ? &trends : NULL,
		    .lifetime_since_ns = choose(UINT64_MAX / 4),
		    .restorable = choose(2)};

		seed = run << 32;
		aggregate_init(&a);
		aggregate_init(&lifetime);
		for (uint64_t n = choose(4) ? choose(600) : choose(3); n > 0; n--)
			add_some(choose(3) ? &a : &lifetime);
		if (choose(2))
			c.lifetime = &lifetime;
		a.lost = some_count() & COUNT_MAX;
		a.rejected = choose(100);
		a.skewed = choose(100);
		a.journal_lost = choose(100);
		must_be_same(&a, &c);
		aggregate_free(&a);
		aggregate_free(&lifetime);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(both_write_the_same)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
