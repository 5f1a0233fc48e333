/*
 * test_state.c: the checkpoint holds all of the ledger, and damage to it is noticed.
 */
#include "clock.h"
#include "state.h"
#include "testing.h"

#include <errno.h>
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
	bytes[8] = 2;
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
	    cmocka_unit_test(another_calendar_keeps_open_periods_apart),
	    cmocka_unit_test(damage_is_noticed),
	    cmocka_unit_test(time_is_judged_by_the_rules),
	    cmocka_unit_test(ends_are_paired_with_begins),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
