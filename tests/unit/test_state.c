/*
 * test_state.c: the checkpoint holds all of the ledger, and damage to it is noticed.
 */
#include "clock.h"
#include "document_scan.h"
#include "sample.h"
#include "state.h"
#include "testing.h"

#include <errno.h>
#include <float.h>
#include <stdio.h>
#include <string.h>

#define NOW (UINT64_C(1764001800) * NS_PER_SECOND)

static const struct calendar utc = {true, 1};

static void fill(struct ledger *l)
{
	struct sample_origin origin = {.lane = 3, .epoch = 7};
	struct orbus_sample s;

	assert_int_equal(ledger_init(l, &utc, 30, NOW), 0);
	orbus_sample_init(&s);
	s.ts = NOW - NS_PER_SECOND;
	s.bot = "acore";
	s.model = "m";
	s.response_ms = 3450.25;
	s.prompt_tokens = 10;
	ledger_add(l, &s, &origin, NOW);
	s.ts = NOW - 86400 * NS_PER_SECOND; /* yesterday */
	ledger_add(l, &s, &origin, NOW);
	orbus_sample_init(&s);
	s.kind = ORBUS_KIND_BEGIN;
	s.request_id = "r1";
	s.bot = "acore";
	s.requested_model = "m";
	ledger_add(l, &s, &origin, NOW);
	ledger_add_losses(l, 4, 2, NOW);
	ledger_fold(l, NOW);
	for (struct period *p = l->periods.first; p; p = p->next)
		assert_true(period_set_base(p, NULL, NULL));
}

static void encode(const struct ledger *l, char **bytes, size_t *length)
{
	uint64_t positions[] = {5, 0, 77};
	struct state_bus bus = {.lane_count = 3, .positions = positions};

	memset(bus.bus_id, 0xab, sizeof(bus.bus_id));
	state_boot_id(bus.boot_id);
	assert_int_equal(state_encode(l, &bus, NOW, bytes, length), 0);
}

static void count_one(void *context, const struct orbus_sample *orphan)
{
	assert_int_equal(orphan->status, ORBUS_STATUS_ORPHANED);
	assert_string_equal(orphan->request_id, "r1");
	assert_string_equal(orphan->requested_model, "m");
	++*(int *)context;
}

static void everything_is_restored(void **state)
{
	struct ledger l, back;
	struct state_bus bus;
	char *bytes, *again;
	size_t length, length_again;
	int orphans = 0;

	(void)state;
	fill(&l);
	assert_int_equal(l.periods.count, 4);
	encode(&l, &bytes, &length);
	assert_int_equal(ledger_init(&back, &utc, 30, NOW + 5), 0);
	assert_int_equal(state_decode(bytes, length, &back, &bus), 0);
	assert_int_equal(bus.lane_count, 3);
	assert_int_equal(bus.positions[2], 77);
	assert_int_equal(bus.bus_id[0], 0xab);
	assert_int_equal(back.periods.count, 4);
	assert_int_equal(back.lifetime.requests.total, 2);
	assert_int_equal(back.lifetime.lost, 4);
	assert_int_equal(back.lifetime_since_ns, NOW);
	assert_int_equal(periods_at(&back.periods, PERIOD_DAILY, NOW)->sum.requests.total, 1);
	assert_int_equal(periods_at(&back.periods, PERIOD_DAILY, NOW)->sum.rejected, 2);
	/* Saved again, it is the same to the byte. */
	encode(&back, &again, &length_again);
	assert_int_equal(length, length_again);
	inflight_reap(back.inflight, 3, 8, count_one, &orphans);
	assert_int_equal(orphans, 1);
	free(bytes);
	free(again);
	state_bus_free(&bus);
	ledger_free(&l);
	ledger_free(&back);
}

/* Its file is one, by both ways of reading it. */
static void assert_period_is_read(const struct period *p)
{
	const struct document_context c = {
	    .period_kind = "hourly", .end_ns = p->span.end_ns, .restorable = true};
	struct document_period period;
	struct aggregate by_scan, by_tree;
	struct text_writer t;
	size_t length;
	char *text;
	json_t *tree;

	text_writer_init(&t);
	document_write(&t.writer, NULL, &p->sum, &c);
	text = text_writer_take(&t, &length);
	aggregate_init(&by_scan);
	aggregate_init(&by_tree);
	assert_int_equal(document_scan(text, length, DOCUMENT_ALL, &period, &by_scan), 0);
	tree = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	assert_int_equal(document_to_aggregate(tree, &by_tree, NULL), 0);
	assert_int_equal(by_scan.requests.total, p->sum.requests.total);
	assert_int_equal(by_tree.requests.total, p->sum.requests.total);
	aggregate_free(&by_scan);
	aggregate_free(&by_tree);
	json_decref(tree);
	free(text);
}

/* Any sample that is valid, however broken who published it. */
static void add_extreme(struct ledger *l, unsigned *seed)
{
	static const double figures[] = {0, 5e-324, 1e-320, 1, 1e19, 1.5e308, DBL_MAX};
	static const uint64_t counts[] = {0, 1, INT64_MAX, UINT64_C(1) << 63, UINT64_MAX - 1};
	static const char *const names[] = {
	    "messages_processed", "commands_executed", "x_cache_hits", "work"};
	const struct sample_origin origin = {.lane = 3, .epoch = 7};
	struct orbus_sample s;
	char id[16];

#define PICK(list) list[(unsigned)rand_r(seed) % (sizeof(list) / sizeof((list)[0]))]
	orbus_sample_init(&s);
	s.kind = (enum orbus_kind)((unsigned)rand_r(seed) % 4);
	s.ts = PICK(counts);
	s.model = "m";
	s.response_ms = PICK(figures);
	s.ttft_ms = PICK(figures);
	s.cost_usd = PICK(figures);
	s.prompt_tokens = PICK(counts);
	s.completion_tokens = PICK(counts);
	s.name = PICK(names);
	s.value = PICK(figures);
	snprintf(id, sizeof(id), "%d", rand_r(seed) % 1000);
	s.request_id = id;
#undef PICK
	assert_int_equal(sample_validate(&s), 0);
	ledger_add(l, &s, &origin, NOW);
}

static void whatever_was_published_can_be_restored(void **state)
{
	unsigned seed = 1;

	(void)state;
	for (int round = 0; round < 50; round++) {
		struct ledger l, back;
		struct state_bus bus;
		char *bytes;
		size_t length;

		assert_int_equal(ledger_init(&l, &utc, 0, NOW), 0);
		for (int i = 0; i < 1 << round % 8; i++)
			add_extreme(&l, &seed);
		ledger_fold(&l, NOW);
		assert_false(l.out_of_memory);
		encode(&l, &bytes, &length);
		assert_int_equal(ledger_init(&back, &utc, 0, NOW), 0);
		assert_int_equal(state_decode(bytes, length, &back, &bus), 0);
		assert_int_equal(back.lifetime.requests.total, l.lifetime.requests.total);
		for (const struct period *p = l.periods.first; p; p = p->next)
			assert_period_is_read(p);
		free(bytes);
		state_bus_free(&bus);
		ledger_free(&l);
		ledger_free(&back);
	}
}

static void another_calendar_keeps_open_periods_apart(void **state)
{
	static const struct calendar two_hours = {true, 2};
	struct ledger l, back;
	struct state_bus bus;
	char *bytes;
	size_t length;

	(void)state;
	fill(&l); /* at 16:29:59 and a day before; 16 is the start of two hours too */
	ledger_add_losses(&l, 1, 0, NOW + 3600 * NS_PER_SECOND);
	ledger_fold(&l, NOW);
	encode(&l, &bytes, &length);
	assert_int_equal(ledger_init(&back, &two_hours, 30, NOW), 0);
	assert_int_equal(state_decode(bytes, length, &back, &bus), 0);
	assert_int_equal(back.periods.count, 5);
	/* The hour of 16 goes on as the two hours of 16; that of 17 keeps its own file. */
	assert_int_equal(periods_at(&back.periods, PERIOD_HOURLY, NOW)->sum.requests.total, 1);
	assert_int_equal(
	    periods_at(&back.periods, PERIOD_HOURLY, NOW)->span.end_ns, NOW + 5400 * NS_PER_SECOND);
	assert_int_equal(periods_named(&back.periods, "hourly_20251124_17.json")->sum.lost, 1);
	free(bytes);
	state_bus_free(&bus);
	ledger_free(&l);
	ledger_free(&back);
}

static int decode(const char *bytes, size_t length)
{
	struct ledger l;
	struct state_bus bus;
	int err;

	assert_int_equal(ledger_init(&l, &utc, 30, NOW), 0);
	err = state_decode(bytes, length, &l, &bus);
	state_bus_free(&bus);
	ledger_free(&l);
	return err;
}

static void damage_is_noticed(void **state)
{
	struct ledger l;
	char *bytes;
	size_t length;

	(void)state;
	fill(&l);
	encode(&l, &bytes, &length);
	assert_int_equal(decode(bytes, 0), -EBADMSG);
	for (size_t i = 0; i < length; i += 61)
		assert_int_equal(decode(bytes, i), -EBADMSG);
	for (size_t i = 16; i < length; i += 37) {
		bytes[i] ^= 0x10;
		assert_int_equal(decode(bytes, length), -EBADMSG);
		bytes[i] ^= 0x10;
	}
	bytes[8] = 3;
	assert_int_equal(decode(bytes, length), -EPROTONOSUPPORT);
	free(bytes);
	ledger_free(&l);
}

static void time_is_judged_by_the_rules(void **state)
{
	struct sample_origin origin = {0};
	struct orbus_sample s;
	struct ledger l;
	struct period *hour;

	(void)state;
	assert_int_equal(ledger_init(&l, &utc, 30, NOW), 0);
	orbus_sample_init(&s);
	s.ts = NOW + 59 * NS_PER_SECOND;
	ledger_add(&l, &s, &origin, NOW);
	s.ts = NOW + 3600 * NS_PER_SECOND; /* in the future: counts as now */
	ledger_add(&l, &s, &origin, NOW);
	s.ts = NOW - 40 * 86400 * NS_PER_SECOND; /* older than the retention */
	ledger_add(&l, &s, &origin, NOW);
	ledger_fold(&l, NOW);
	hour = periods_at(&l.periods, PERIOD_HOURLY, NOW);
	assert_int_equal(hour->sum.requests.total, 2);
	assert_int_equal(hour->sum.skewed, 1);
	assert_int_equal(hour->sum.rejected, 1);
	assert_int_equal(l.periods.count, 2);
	ledger_free(&l);
}

static void ends_are_paired_with_begins(void **state)
{
	struct sample_origin origin = {.lane = 1, .epoch = 2};
	struct orbus_sample s;
	struct ledger l;

	(void)state;
	assert_int_equal(ledger_init(&l, &utc, 30, NOW), 0);
	orbus_sample_init(&s);
	s.kind = ORBUS_KIND_BEGIN;
	s.request_id = "a";
	ledger_add(&l, &s, &origin, NOW);
	s.request_id = "b";
	ledger_add(&l, &s, &origin, NOW);
	assert_int_equal(inflight_count(l.inflight), 2);
	s.kind = ORBUS_KIND_REQUEST;
	s.request_id = "gen-1";
	s.begin_id = "a";
	ledger_add(&l, &s, &origin, NOW);
	assert_int_equal(inflight_count(l.inflight), 1);
	s.request_id = "b";
	s.begin_id = NULL;
	ledger_add(&l, &s, &origin, NOW);
	assert_int_equal(inflight_count(l.inflight), 0);
	ledger_free(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(everything_is_restored),
	    cmocka_unit_test(whatever_was_published_can_be_restored),
	    cmocka_unit_test(another_calendar_keeps_open_periods_apart),
	    cmocka_unit_test(damage_is_noticed),
	    cmocka_unit_test(time_is_judged_by_the_rules),
	    cmocka_unit_test(ends_are_paired_with_begins),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
