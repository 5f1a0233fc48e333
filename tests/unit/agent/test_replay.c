/*
 * test_replay.c: what the ring holds is read again at each start, and counts at the time that it
 * was given at first.
 *
 * A ring and a clock as the agent sees them, agents that are killed at any moment, and, beside
 * them, an agent that remembers everything: the windows of both are the same documents.
 */
#include "base/clock.h"
#include "checkpoint_bytes.h"
#include "doc/document.h"
#include "settled.h"
#include "testing.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NOW     (UINT64_C(1764001800) * NS_PER_SECOND)
#define LANES   5
#define SLOTS   512
#define RECORDS 4096
#define MINUTE  (60 * NS_PER_SECOND)
#define HOUR    (60 * MINUTE)

static const struct calendar utc = {true, 1};

struct record {
	uint64_t stamp_ns; /* by its bot */
	uint64_t given_ns; /* the clock when it was counted; 0: it was not */
	bool failed;
	char model[16];
	double response_ms;
};

struct bench {
	unsigned seed, first_seed;
	uint64_t now_ns;
	struct record lanes[LANES][RECORDS];
	uint64_t heads[LANES];
	uint64_t read[LANES]; /* by the agent that runs */
	uint64_t saved[LANES];
	struct aggregator aggregator;
	char *state;
	size_t checkpoint_length;
	bool set_back; /* the clock was */
};

static unsigned below(struct bench *b, unsigned n)
{
	return (unsigned)rand_r(&b->seed) % n;
}

/* Bots whose clocks are right, a little ahead, far ahead, none, behind; and who knows. */
static uint64_t stamp(struct bench *b, unsigned lane)
{
	uint64_t any[] = {0, b->now_ns, b->now_ns + below(b, 120) * NS_PER_SECOND, NOW + 48 * HOUR,
	    b->now_ns - below(b, 7200) * NS_PER_SECOND};

	switch (lane) {
	case 0: return b->now_ns - below(b, 20) * NS_PER_SECOND / 10;
	case 1: return b->now_ns + below(b, 60) * NS_PER_SECOND;
	case 2: return b->now_ns + 10 * MINUTE + below(b, 3600) * NS_PER_SECOND;
	case 3: return 0;
	default: return any[below(b, 5)];
	}
}

static void publish(struct bench *b)
{
	unsigned lane = below(b, LANES);
	struct record *r = &b->lanes[lane][b->heads[lane]];

	if (b->heads[lane] == RECORDS)
		return;
	r->stamp_ns = stamp(b, lane);
	r->failed = below(b, 4) == 0;
	r->response_ms = 1 + below(b, 100000);
	snprintf(r->model, sizeof(r->model), "model-%u", below(b, 3));
	b->heads[lane]++;
}

static void to_sample(const struct record *r, struct orbus_sample *s)
{
	orbus_sample_init(s);
	s->ts = r->stamp_ns;
	s->bot = "bot";
	s->model = r->model;
	s->response_ms = r->response_ms;
	s->status = r->failed ? ORBUS_STATUS_ERROR : ORBUS_STATUS_OK;
	/* All alike: errors of one instant are told in the order in which lanes are read. */
	s->error_type = r->failed ? "timeout_idle" : NULL;
}

static void drain(struct bench *b)
{
	struct orbus_sample s;

	for (uint32_t lane = 0; lane < LANES; lane++)
		for (; b->read[lane] < b->heads[lane]; b->read[lane]++) {
			struct sample_origin o = {.lane = lane, .record = b->read[lane]};

			to_sample(&b->lanes[lane][o.record], &s);
			b->lanes[lane][o.record].given_ns = b->now_ns;
			aggregator_add(&b->aggregator, &s, &o, b->now_ns);
		}
	aggregator_fold(&b->aggregator, b->now_ns);
	while (aggregator_show(&b->aggregator, b->now_ns))
		;
	assert_false(b->aggregator.out_of_memory);
}

static void save(struct bench *b)
{
	uint64_t counts[LANES] = {0};
	struct checkpoint_bus bus = {.lane_count = LANES, .positions = b->read, .counts = counts};

	free(b->state);
	assert_int_equal(
	    checkpoint_bytes(&b->aggregator, &bus, b->now_ns, &b->state, &b->checkpoint_length), 0);
	memcpy(b->saved, b->read, sizeof(b->saved));
}

/* All that a lane holds and an earlier agent has counted. */
static void replay(struct bench *b, uint32_t lane)
{
	uint64_t head = b->heads[lane], from = head > SLOTS ? head - SLOTS : 0;
	struct orbus_sample s;

	for (uint64_t i = from; i < b->saved[lane]; i++) {
		struct sample_origin o = {.lane = lane, .record = i, .replayed = true};

		to_sample(&b->lanes[lane][i], &s);
		aggregator_add(&b->aggregator, &s, &o, b->now_ns);
	}
	b->read[lane] = from > b->saved[lane] ? from : b->saved[lane];
}

/* Killed, and started again; what came since the last checkpoint is counted then. */
static void kill_agent(struct bench *b)
{
	struct checkpoint_bus bus;

	aggregator_free(&b->aggregator);
	assert_int_equal(aggregator_init(&b->aggregator, &utc, 0, b->now_ns), 0);
	assert_int_equal(
	    checkpoint_restore(b->state, b->checkpoint_length, b->now_ns, &b->aggregator, &bus), 0);
	checkpoint_bus_free(&bus);
	for (uint32_t lane = 0; lane < LANES; lane++) {
		/* What is overwritten is no longer there to be shown. */
		for (uint64_t i = 0; i + SLOTS < b->heads[lane]; i++)
			b->lanes[lane][i].given_ns = 0;
		replay(b, lane);
	}
	drain(b);
}

/* What the windows show of a record: by the contract, beside the code under test. */
static uint64_t shown_at(const struct record *r, uint64_t *ts_ns, bool *skewed)
{
	*skewed = r->stamp_ns > r->given_ns + MINUTE;
	*ts_ns = *skewed || r->stamp_ns == 0 ? r->given_ns : r->stamp_ns;
	return *ts_ns < r->given_ns ? *ts_ns : r->given_ns;
}

static void expect_window(struct bench *b, enum window window, struct aggregate *out)
{
	static const uint64_t widths[] = {5, 30, 60}, counts[] = {12, 10, 60};
	uint64_t width_ns = widths[window] * NS_PER_SECOND, newest = b->now_ns / width_ns;
	struct orbus_sample s;

	for (uint32_t lane = 0; lane < LANES; lane++)
		for (uint64_t i = 0; i < b->read[lane]; i++) {
			const struct record *r = &b->lanes[lane][i];
			uint64_t ts_ns, number;
			bool skewed;

			if (r->given_ns == 0)
				continue;
			number = shown_at(r, &ts_ns, &skewed) / width_ns;
			if (number + counts[window] < newest || number > newest)
				continue;
			to_sample(r, &s);
			s.ts = ts_ns;
			assert_true(aggregate_add_settled(out, &s));
			out->skewed += skewed;
		}
}

static json_t *document_of(const struct aggregate *a)
{
	const struct document_context c = {.period_kind = "1m", .end_ns = NOW};
	json_t *document = document_from_aggregate(a, &c);

	assert_non_null(document);
	return document;
}

static void assert_window(struct bench *b, enum window window)
{
	struct aggregate wanted, shown;
	json_t *expected, *got;
	uint64_t start_ns;

	aggregate_init(&wanted);
	aggregate_init(&shown);
	expect_window(b, window, &wanted);
	assert_true(windows_copy(b->aggregator.windows, window, b->now_ns, &shown, &start_ns));
	expected = document_of(&wanted);
	got = document_of(&shown);
	/* A clock that is set back may take parts out of the windows, and adds to none. */
	if (b->set_back)
		assert_in_range(shown.requests.total, 0, wanted.requests.total);
	else if (!json_equal(expected, got))
		fail_msg("seed %u, window %d:\n%s\ninstead of\n%s", b->first_seed, (int)window,
		    json_dumps(got, 0), json_dumps(expected, 0));
	json_decref(expected);
	json_decref(got);
	aggregate_free(&wanted);
	aggregate_free(&shown);
}

static void assert_windows(struct bench *b)
{
	for (enum window w = WINDOW_1M; w < WINDOW_ROLLING; w++)
		assert_window(b, w);
}

static void pass_time(struct bench *b, bool may_set_back)
{
	if (may_set_back && below(b, 100) == 0) {
		b->now_ns -= below(b, 1800) * NS_PER_SECOND;
		b->set_back = true;
	} else if (below(b, 60) == 0) {
		b->now_ns += below(b, 400) * NS_PER_SECOND;
	} else {
		b->now_ns += below(b, 3000) * (NS_PER_SECOND / 1000);
	}
}

static void live(unsigned seed, bool may_set_back)
{
	struct bench *b = calloc(1, sizeof(*b));

	b->seed = b->first_seed = seed;
	b->now_ns = NOW;
	assert_int_equal(aggregator_init(&b->aggregator, &utc, 0, NOW), 0);
	save(b);
	for (int step = 0; step < 800; step++) {
		for (unsigned n = below(b, 6); n > 0; n--)
			publish(b);
		drain(b);
		if (below(b, 5) == 0)
			save(b);
		pass_time(b, may_set_back);
		if (below(b, 40) == 0)
			kill_agent(b);
		if (step % 40 == 0)
			assert_windows(b);
	}
	assert_windows(b);
	aggregator_free(&b->aggregator);
	free(b->state);
	free(b);
}

static void windows_are_those_of_an_agent_that_was_never_killed(void **state)
{
	(void)state;
	for (unsigned seed = 1; seed <= 16; seed++)
		live(seed, false);
}

/* What the clock has left behind it is not known to a window; it is not shown as new. */
static void a_clock_that_is_set_back_makes_nothing_new(void **state)
{
	(void)state;
	for (unsigned seed = 1; seed <= 12; seed++)
		live(seed, true);
}

/* --- One sample from the future ----------------------------------------------------------------
 */

static uint64_t requests_in(struct aggregator *l, enum window window, uint64_t now_ns)
{
	uint64_t start_ns;

	return windows_get(l->windows, window, now_ns, &start_ns)->requests.total;
}

static void add_future(
    struct aggregator *l, uint64_t record, uint64_t now_ns, uint64_t stamp_ns, bool replayed)
{
	const struct sample_origin o = {.lane = 7, .record = record, .replayed = replayed};
	struct orbus_sample s;

	orbus_sample_init(&s);
	s.ts = stamp_ns;
	s.bot = "bot";
	aggregator_add(l, &s, &o, now_ns);
}

static void restart(struct aggregator *l, uint64_t now_ns)
{
	uint64_t positions[8] = {0};
	struct checkpoint_bus bus = {.lane_count = 8, .positions = positions}, back;
	size_t length;
	char *bytes;

	aggregator_fold(l, now_ns);
	assert_int_equal(checkpoint_bytes(l, &bus, now_ns, &bytes, &length), 0);
	aggregator_free(l);
	assert_int_equal(aggregator_init(l, &utc, 30, now_ns), 0);
	assert_int_equal(checkpoint_restore(bytes, length, now_ns, l, &back), 0);
	checkpoint_bus_free(&back);
	free(bytes);
}

static void the_future_is_not_now_at_each_start(void **state)
{
	uint64_t last_ns;
	struct aggregator l;

	(void)state;
	assert_int_equal(aggregator_init(&l, &utc, 30, NOW), 0);
	add_future(&l, 0, NOW, NOW + 24 * HOUR, false);
	aggregator_fold(&l, NOW);
	assert_int_equal(requests_in(&l, WINDOW_1M, NOW), 1);
	last_ns = l.last_request_ns;
	assert_int_equal(last_ns, NOW);
	for (uint64_t minutes = 2; minutes < 70; minutes += 4) {
		uint64_t now_ns = NOW + minutes * MINUTE;

		restart(&l, now_ns);
		add_future(&l, 0, now_ns, NOW + 24 * HOUR, true);
		aggregator_fold(&l, now_ns);
		assert_int_equal(requests_in(&l, WINDOW_1M, now_ns), 0);
		assert_int_equal(requests_in(&l, WINDOW_5M, now_ns), minutes <= 5);
		assert_int_equal(requests_in(&l, WINDOW_1H, now_ns), minutes <= 60);
		assert_int_equal(l.last_request_ns, last_ns);
		assert_int_equal(l.lifetime.requests.total, 1);
	}
	aggregator_free(&l);
}

/* A checkpoint of an earlier version does not have the times. */
static void a_time_that_is_not_known_is_not_now(void **state)
{
	struct aggregator l;

	(void)state;
	assert_int_equal(aggregator_init(&l, &utc, 30, NOW), 0);
	add_future(&l, 0, NOW, NOW + 24 * HOUR, true);
	add_future(&l, 1, NOW, 0, true);
	add_future(&l, 2, NOW, NOW - MINUTE / 2, true);
	aggregator_fold(&l, NOW);
	assert_int_equal(requests_in(&l, WINDOW_1H, NOW), 1);
	aggregator_free(&l);
}

/* --- The table ---------------------------------------------------------------------------------
 */

static void note(struct given_times *g, uint32_t lane, uint64_t record, uint64_t time_ns)
{
	const struct sample_origin o = {.lane = lane, .record = record};

	assert_true(given_times_note(g, &o, time_ns));
}

static enum given look(
    const struct given_times *g, uint32_t lane, uint64_t record, uint64_t *time_ns)
{
	const struct sample_origin o = {.lane = lane, .record = record};

	return given_times_of(g, &o, time_ns);
}

static struct given_times *reload(struct given_times *g)
{
	struct given_times *back = given_times_new();
	struct msgpack_writer m;
	struct doc_source s;
	size_t length;
	char *bytes;

	msgpack_writer_init(&m);
	given_times_write(g, &m.writer, NULL);
	bytes = msgpack_writer_take(&m, &length);
	doc_source_msgpack(&s, bytes, length);
	assert_int_equal(given_times_read(back, &s), 0);
	free(bytes);
	given_times_free(g);
	return back;
}

/* Many bots with wrong clocks, drained ten times a second: times get coarse, then old ones go. */
static void the_table_is_bounded_and_never_says_later(void **state)
{
	struct given_times *g = given_times_new();
	uint64_t told = 0, time_ns;
	const uint64_t step_ns = NS_PER_SECOND / 10;

	(void)state;
	for (uint64_t i = 0; i < 5000; i++)
		for (uint32_t lane = 0; lane < 40; lane++)
			note(g, lane, i, NOW + i * step_ns);
	assert_in_range(given_times_count(g), 1, GIVEN_RUNS_MAX);
	g = reload(g);
	for (uint64_t i = 0; i < 5000; i++)
		for (uint32_t lane = 0; lane < 40; lane++) {
			enum given given = look(g, lane, i, &time_ns);

			assert_int_not_equal(given, GIVEN_NONE);
			if (given == GIVEN_FORGOTTEN)
				continue;
			told++;
			assert_int_equal(
			    time_ns / WINDOWS_STRETCH_NS, (NOW + i * step_ns) / WINDOWS_STRETCH_NS);
			assert_true(time_ns <= NOW + i * step_ns);
		}
	/* In stretches of 5 s, 40 lanes of 500 s are 4,000 runs: none had to go. */
	assert_int_equal(told, 5000 * 40);
	given_times_free(g);
}

/* As above where nothing can be made coarser. */
static void what_does_not_fit_is_forgotten_from_the_oldest_on(void **state)
{
	struct given_times *g = given_times_new();
	uint64_t time_ns;

	(void)state;
	for (uint64_t i = 0; i < 10; i++)
		for (uint32_t lane = 0; lane < ORBUS_LANES_MAX; lane++)
			note(g, lane, i, NOW + i * MINUTE);
	assert_in_range(given_times_count(g), GIVEN_RUNS_MAX / 2, GIVEN_RUNS_MAX);
	g = reload(g);
	assert_int_equal(look(g, 9, 0, &time_ns), GIVEN_FORGOTTEN);
	assert_int_equal(look(g, 9, 9, &time_ns), GIVEN_TIME);
	assert_int_equal(time_ns, NOW + 9 * MINUTE);
	assert_int_equal(look(g, 9, 10, &time_ns), GIVEN_NONE);
	given_times_prune(g, NOW + 11 * MINUTE + HOUR);
	given_times_forget_lane(g, 9);
	g = reload(g);
	assert_int_equal(look(g, 9, 0, &time_ns), GIVEN_NONE);
	assert_int_equal(look(g, 10, 8, &time_ns), GIVEN_FORGOTTEN);
	assert_int_equal(look(g, 10, 9, &time_ns), GIVEN_TIME);
	given_times_free(g);
}

static void damage_is_noticed(void **state)
{
	static const char *const bad[] = {"{}", "{\"runs\":[],\"forgotten\":0}",
	    "{\"runs\":[[4096,0,0,1]],\"forgotten\":[]}",
	    "{\"runs\":[[-1,0,0,1]],\"forgotten\":[]}", "{\"runs\":[[1,-1,0,1]],\"forgotten\":[]}",
	    "{\"runs\":[[1,5,9223372036854775807,1]],\"forgotten\":[]}",
	    "{\"runs\":[[1,5,0,1],[1,5,0,2]],\"forgotten\":[]}",
	    "{\"runs\":[[1,5,0]],\"forgotten\":[]}", "{\"runs\":[],\"forgotten\":[[4096,1]]}",
	    "{\"runs\":[],\"forgotten\":[[1,-1]]}", "{\"runs\":[7],\"forgotten\":[]}"};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct given_times *g = given_times_new();
		struct doc_source s;

		doc_source_text(&s, bad[i], strlen(bad[i]));
		assert_int_equal(given_times_read(g, &s), -EBADMSG);
		given_times_free(g);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_future_is_not_now_at_each_start),
	    cmocka_unit_test(a_time_that_is_not_known_is_not_now),
	    cmocka_unit_test(windows_are_those_of_an_agent_that_was_never_killed),
	    cmocka_unit_test(a_clock_that_is_set_back_makes_nothing_new),
	    cmocka_unit_test(the_table_is_bounded_and_never_says_later),
	    cmocka_unit_test(what_does_not_fit_is_forgotten_from_the_oldest_on),
	    cmocka_unit_test(damage_is_noticed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
