/*
 * test_inflight.c: requests in flight, against a model that is too simple to be wrong: for each
 * lane an array, the oldest first. The bounds are met exactly, and crossed.
 */
#include "base/now.h"
#include "doc/msgpack_tree.h"
#include "live/inflight.h"
#include "testing.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LANES  40 /* more than can be full at once */
#define EPOCHS 3
#define IDS    3000
#define NS     UINT64_C(1000000000)

static_assert(LANES * INFLIGHT_LANE_MAX > INFLIGHT_MAX, "the bound of all lanes is never met");

/* --- The model -------------------------------------------------------------------------------- */

struct item {
	uint32_t epoch, id;
	uint64_t number, since_s;
};

static struct model {
	struct item items[LANES][INFLIGHT_LANE_MAX + 1];
	uint32_t counts[LANES];
	uint64_t count, noted, limit, expired, lost, now_s;
} model;

static void remove_item(uint32_t lane, uint32_t at)
{
	memmove(&model.items[lane][at], &model.items[lane][at + 1],
	    (model.counts[lane] - at - 1) * sizeof(struct item));
	model.counts[lane]--;
	model.count--;
}

/* Where a request is, or the lane's count. */
static uint32_t place_of(uint32_t lane, uint32_t epoch, uint32_t id)
{
	uint32_t i = 0;

	while (i < model.counts[lane] &&
	       (model.items[lane][i].epoch != epoch || model.items[lane][i].id != id))
		i++;
	return i;
}

static uint32_t fullest(void)
{
	uint32_t most = 0;

	for (uint32_t i = 0; i < LANES; i++)
		if (model.counts[i] > most)
			most = model.counts[i];
	return most;
}

/* --- Both at once ----------------------------------------------------------------------------- */

static struct inflight *table;
static uint64_t seed;

static uint32_t any(uint32_t below)
{
	seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407;
	return (uint32_t)(seed >> 33) % below;
}

static void name(char out[static 200], uint32_t lane, uint32_t id)
{
	/* Every tenth is too long to be kept, and differs from others at its end only. */
	snprintf(out, 200, "%s-%u-%u",
	    id % 10 ? "gen"
		    : "gen-gen-gen-gen-gen-gen-gen-gen-gen-gen-gen-gen-gen-gen-gen-gen-"
		      "gen-gen-gen-gen-gen-gen-gen-gen-gen-gen-gen-gen-gen-gen-gen-gen",
	    lane, id);
}

static void begin(uint32_t lane, uint32_t epoch, uint32_t id)
{
	struct sample_origin origin = {.lane = lane, .epoch = epoch};
	struct orbus_sample s;
	struct inflight_worst worst;
	char text[200];

	name(text, lane, id);
	orbus_sample_init(&s);
	s.kind = ORBUS_KIND_BEGIN;
	s.request_id = text;
	s.ts = id;
	s.stream = id & 1;
	s.bot = "bot";
	s.requested_model = id % 3 ? "model" : NULL;
	(void)inflight_worst(table, &worst);
	assert_true(inflight_note(table, &origin, &s));
	if (place_of(lane, epoch, id) < model.counts[lane])
		return; /* it was known */
	if (model.counts[lane] == INFLIGHT_LANE_MAX || model.count == INFLIGHT_MAX) {
		assert_true(inflight_worst(table, &worst));
		assert_int_equal(worst.in_all, 1);
		assert_int_equal(worst.in_lane, 1);
		assert_string_equal(worst.bot, "bot");
		if (model.counts[lane] == INFLIGHT_LANE_MAX)
			assert_int_equal(worst.lane, lane);
		else
			assert_int_equal(model.counts[worst.lane], fullest());
		remove_item(worst.lane, 0);
		model.limit++;
	}
	model.items[lane][model.counts[lane]++] =
	    (struct item){epoch, id, model.noted++, model.now_s};
	model.count++;
}

static void end(uint32_t lane, uint32_t epoch, uint32_t id)
{
	struct sample_origin origin = {.lane = lane, .epoch = epoch};
	uint32_t at = place_of(lane, epoch, id);
	struct orbus_sample s, found;
	char text[200];

	name(text, lane, id);
	orbus_sample_init(&s);
	s.request_id = id % 2 ? text : "gen-of-the-api";
	s.begin_id = id % 2 ? NULL : text;
	assert_int_equal(inflight_begin_of(table, &origin, &s, &found), at < model.counts[lane]);
	if (at < model.counts[lane])
		assert_int_equal(found.ts, id);
	assert_true(inflight_note(table, &origin, &s));
	if (at < model.counts[lane])
		remove_item(lane, at);
}

struct comparison {
	uint32_t lane, at;
};

static void compare_one(
    void *context, const struct sample_origin *o, const struct orbus_sample *begun)
{
	struct comparison *c = context;
	const struct item *item;

	while (c->at == model.counts[c->lane]) {
		c->at = 0;
		assert_in_range(++c->lane, 0, LANES - 1);
	}
	item = &model.items[c->lane][c->at++];
	assert_int_equal(o->lane, c->lane);
	assert_int_equal(o->epoch, item->epoch);
	assert_int_equal(begun->ts, item->id);
	assert_int_equal(begun->stream, item->id & 1);
	assert_string_equal(begun->bot, "bot");
	assert_int_equal(begun->requested_model != NULL, item->id % 3 != 0);
}

static void compare(void)
{
	const struct inflight_forgotten *forgotten = inflight_forgotten(table);
	struct comparison c = {0};
	uint64_t seen = 0;

	inflight_each(table, compare_one, &c);
	for (uint32_t i = 0; i < LANES; i++) {
		seen += model.counts[i];
		assert_int_equal(inflight_in_lane(table, i), model.counts[i] > 0);
		if (model.counts[i])
			assert_true(inflight_newest_is_of(
			    table, i, model.items[i][model.counts[i] - 1].epoch));
	}
	assert_int_equal(seen, model.count);
	assert_int_equal(inflight_count(table), model.count);
	assert_int_equal(inflight_noted(table), model.noted);
	assert_int_equal(forgotten->limit, model.limit);
	assert_int_equal(forgotten->expired, model.expired);
	assert_int_equal(forgotten->lost, model.lost);
}

static void count(void *context, const struct orbus_sample *begun)
{
	assert_int_equal(begun->kind, ORBUS_KIND_BEGIN);
	++*(uint32_t *)context;
}

static void reap(uint32_t lane, const struct inflight_outcome *v)
{
	uint32_t reaped = 0, expected = 0;

	for (uint32_t i = 0; i < model.counts[lane];) {
		const struct item *item = &model.items[lane][i];

		if (item->epoch == v->epoch ? v->is_dead : item->number < v->before) {
			remove_item(lane, i);
			expected++;
		} else {
			i++;
		}
	}
	inflight_reap(table, lane, v, count, &reaped);
	assert_int_equal(reaped, expected);
}

static void forget_lane(uint32_t lane)
{
	uint32_t forgotten = 0;

	inflight_forget_lane(table, lane, count, &forgotten);
	assert_int_equal(forgotten, model.counts[lane]);
	model.lost += model.counts[lane];
	model.count -= model.counts[lane];
	model.counts[lane] = 0;
}

static void pass_time(uint32_t lane, uint64_t seconds)
{
	model.now_s += seconds;
	inflight_expire(table, lane, model.now_s * NS);
	while (model.counts[lane] &&
	       model.now_s - model.items[lane][0].since_s >= INFLIGHT_AGE_NS / NS) {
		remove_item(lane, 0);
		model.expired++;
	}
}

/* Written and read again, it is the same, but begins to number and to count anew. */
static void restore(void)
{
	struct msgpack_writer m;
	struct doc_source s;
	uint64_t noted = 0;
	size_t length;
	json_t *array;
	char *bytes;

	msgpack_writer_init(&m);
	inflight_write(table, &m, NULL);
	bytes = msgpack_writer_take(&m, &length);
	array = json_from_msgpack(bytes, length, 2);
	assert_int_equal(json_array_size(array), model.count);
	json_decref(array);
	inflight_free(table);
	table = inflight_new();
	assert_non_null(table);
	inflight_expire(table, 0, model.now_s * NS);
	doc_source_msgpack(&s, bytes, length);
	assert_int_equal(inflight_read(table, &s), 0);
	free(bytes);
	for (uint32_t i = 0; i < LANES; i++)
		for (uint32_t j = 0; j < model.counts[i]; j++)
			model.items[i][j].number = noted++;
	model.noted = noted;
	model.limit = model.expired = model.lost = 0;
}

static void start(void)
{
	memset(&model, 0, sizeof(model));
	table = inflight_new();
	assert_non_null(table);
	model.now_s = now_ns_of(CLOCK_BOOTTIME) / NS + 10;
	inflight_expire(table, 0, model.now_s * NS);
}

static void stop(void)
{
	compare();
	inflight_free(table);
	table = NULL;
}

/* --- Tests ------------------------------------------------------------------------------------ */

static void do_one(uint32_t lanes)
{
	uint32_t lane = any(lanes), epoch = any(EPOCHS), id = any(IDS);
	struct inflight_outcome v = {epoch, any(2), any((uint32_t)model.noted + 1)};

	switch (any(64)) {
	case 0:
		if (any(8) == 0)
			forget_lane(lane);
		break;
	case 1: reap(lane, &v); break;
	case 2: pass_time(lane, any(3000)); break;
	case 3:
		if (any(200) == 0)
			restore();
		break;
	case 4: /* as many as fit, one less or one more */
		for (uint32_t n = model.counts[lane] + 1 + any(2); n <= INFLIGHT_LANE_MAX; n++)
			begin(lane, epoch, any(1u << 30));
		break;
	default:
		if (any(3))
			begin(lane, epoch, id);
		else
			end(lane, epoch, id);
	}
}

static void as_the_model(void **state)
{
	(void)state;
	for (uint64_t run = 0; run < 12; run++) {
		seed = run;
		start();
		for (int i = 0; i < 3000; i++) {
			do_one(run % 2 ? LANES : 1 + (uint32_t)run);
			if (i % 500 == 0)
				compare();
		}
		stop();
	}
}

static void a_lane_is_bounded(void **state)
{
	(void)state;
	start();
	for (uint32_t i = 0; i < INFLIGHT_LANE_MAX - 1; i++)
		begin(1, 0, i);
	begin(2, 0, 1);
	compare();
	begin(1, 0, INFLIGHT_LANE_MAX - 1);
	assert_int_equal(inflight_forgotten(table)->limit, 0);
	begin(1, 0, INFLIGHT_LANE_MAX);
	assert_int_equal(inflight_forgotten(table)->limit, 1);
	/* The oldest is the one that went. */
	assert_int_equal(place_of(1, 0, 0), model.counts[1]);
	end(1, 0, 0);
	end(1, 0, 1);
	end(2, 0, 1);
	assert_int_equal(inflight_count(table), INFLIGHT_LANE_MAX - 1);
	stop();
}

static void the_fullest_lane_gives_way(void **state)
{
	(void)state;
	start();
	/* Thirty lanes leak, ten are honest: they have few in flight. */
	for (uint32_t lane = 30; lane < LANES; lane++)
		for (uint32_t i = 0; i < 20; i++)
			begin(lane, 0, i);
	for (uint32_t i = 0; i < INFLIGHT_LANE_MAX; i++)
		for (uint32_t lane = 0; lane < 30; lane++)
			begin(lane, 0, i);
	assert_int_equal(inflight_forgotten(table)->limit, 0);
	for (uint32_t i = 0; model.count < INFLIGHT_MAX; i++)
		begin(30 + i % 2, 1, i);
	assert_int_equal(inflight_forgotten(table)->limit, 0);
	for (uint32_t i = 0; i < 5000; i++)
		begin(32, 1, i);
	assert_int_equal(inflight_count(table), INFLIGHT_MAX);
	for (uint32_t lane = 33; lane < LANES; lane++)
		assert_int_equal(model.counts[lane], 20);
	stop();
}

static void the_worst_is_told_by_name(void **state)
{
	struct inflight_worst worst;

	(void)state;
	start();
	assert_false(inflight_worst(table, &worst));
	/* Not by begin(), which asks itself. */
	for (uint32_t lane = 0; lane < 3; lane++) {
		struct sample_origin origin = {.lane = lane, .epoch = 1};
		struct orbus_sample s;
		char text[32], bot[32];

		orbus_sample_init(&s);
		s.kind = ORBUS_KIND_BEGIN;
		s.request_id = text;
		s.bot = bot;
		snprintf(bot, sizeof(bot), "bot%u", lane);
		for (uint32_t i = 0; i < INFLIGHT_LANE_MAX + (lane == 1 ? 9 : 4); i++) {
			snprintf(text, sizeof(text), "r%u", i);
			assert_true(inflight_note(table, &origin, &s));
		}
	}
	assert_true(inflight_worst(table, &worst));
	assert_int_equal(worst.in_all, 4 + 9 + 4);
	assert_int_equal(worst.in_lane, 9);
	assert_int_equal(worst.lane, 1);
	assert_string_equal(worst.bot, "bot1");
	assert_false(inflight_worst(table, &worst));
	inflight_free(table);
	table = NULL;
}

static void age_is_bounded(void **state)
{
	(void)state;
	start();
	begin(0, 0, 1);
	pass_time(0, 1);
	begin(0, 0, 2);
	pass_time(0, INFLIGHT_AGE_NS / NS - 2);
	assert_int_equal(inflight_count(table), 2);
	pass_time(0, 1);
	assert_int_equal(inflight_count(table), 1);
	restore(); /* its age is kept */
	compare();
	pass_time(0, 1);
	assert_int_equal(inflight_count(table), 0);
	assert_int_equal(inflight_forgotten(table)->expired, 1);
	/* Time does not go back. */
	begin(0, 0, 3);
	inflight_expire(table, 0, 0);
	assert_int_equal(inflight_count(table), 1);
	stop();
}

static json_t *begun(uint32_t lane, uint32_t id)
{
	char text[32];

	snprintf(text, sizeof(text), "r%u", id);
	return json_pack("{s:i,s:i,s:i,s:b,s:s}", "lane", (int)lane, "epoch", 1, "ts", 5, "stream",
	    0, "request_id", text);
}

static int read_text(const json_t *array)
{
	char *text = json_dumps(array, 0);
	struct doc_source s;
	int err;

	doc_source_text(&s, text, strlen(text));
	err = inflight_read(table, &s);
	free(text);
	return err;
}

/* A checkpoint of a version that had other bounds, or one that somebody wrote. */
static void more_than_the_bounds_can_be_restored(void **state)
{
	json_t *array = json_array();

	(void)state;
	for (uint32_t i = 0; i < INFLIGHT_LANE_MAX + 7; i++)
		json_array_append_new(array, begun(5, i));
	for (uint32_t i = 0; i < INFLIGHT_MAX; i++)
		json_array_append_new(array, begun(100 + i % 3000, i));
	table = inflight_new();
	assert_int_equal(read_text(array), 0);
	assert_int_equal(inflight_count(table), INFLIGHT_MAX);
	assert_int_equal(inflight_forgotten(table)->limit, 7 + INFLIGHT_LANE_MAX);
	json_decref(array);
	array = json_pack("[{s:i,s:i,s:i,s:b,s:s}]", "lane", ORBUS_LANES_MAX, "epoch", 1, "ts", 5,
	    "stream", 0, "request_id", "r");
	assert_int_equal(read_text(array), -EBADMSG);
	json_decref(array);
	inflight_free(table);
}

/* "x", or a character of three bytes, over and over, `length` bytes in all, and then `last`. */
static void fill(char *out, size_t length, bool wide, char last)
{
	for (size_t i = 0; i < length; i++)
		out[i] = wide ? "\xe2\x82\xac"[i % 3] : 'x';
	out[length - length % (wide ? 3 : 1)] = last;
	out[length - length % (wide ? 3 : 1) + 1] = '\0';
}

static void texts_are_bounded(void **state)
{
	static const size_t lengths[] = {1, INFLIGHT_TEXT_BYTES - 3, INFLIGHT_TEXT_BYTES - 2,
	    INFLIGHT_TEXT_BYTES - 1, INFLIGHT_TEXT_BYTES, INFLIGHT_TEXT_BYTES + 1, 60000};
	struct sample_origin origin = {.lane = 3, .epoch = 1};
	struct orbus_sample s, found;
	char a[60016], b[60016];

	(void)state;
	for (size_t i = 0; i < 2 * sizeof(lengths) / sizeof(lengths[0]); i++) {
		start();
		fill(a, lengths[i / 2], i % 2, 'a');
		fill(b, lengths[i / 2], i % 2, 'b');
		orbus_sample_init(&s);
		s.kind = ORBUS_KIND_BEGIN;
		s.bot = s.requested_model = s.provider = s.request_id = a;
		assert_true(inflight_note(table, &origin, &s));
		s.request_id = b;
		assert_true(inflight_note(table, &origin, &s));
		assert_int_equal(inflight_count(table), 2);
		model.counts[3] = 0;
		model.count = 2;
		/* Also after a restart, which knows the cut ids only; a cut text is text still. */
		restore();
		orbus_sample_init(&s);
		s.request_id = a;
		assert_true(inflight_begin_of(table, &origin, &s, &found));
		assert_in_range(strlen(found.request_id), 1, INFLIGHT_TEXT_BYTES - 1);
		assert_memory_equal(found.bot, a, strlen(found.bot));
		assert_in_range(strlen(a) - strlen(found.bot), 0,
		    strlen(a) < INFLIGHT_TEXT_BYTES ? 0 : strlen(a));
		assert_true(inflight_note(table, &origin, &s));
		assert_int_equal(inflight_count(table), 1);
		assert_false(inflight_begin_of(table, &origin, &s, &found));
		s.request_id = b;
		assert_true(inflight_note(table, &origin, &s));
		assert_int_equal(inflight_count(table), 0);
		inflight_free(table);
	}
	table = NULL;
}

/* Its lanes are others than those of the bus that is there now. */
static void a_removed_bus_is_not_followed(void **state)
{
	struct sample_origin removed = {.lane = 1, .epoch = 1, .is_removed = true};
	struct orbus_sample s, found;

	(void)state;
	start();
	orbus_sample_init(&s);
	s.kind = ORBUS_KIND_BEGIN;
	s.request_id = "gen-1-1";
	assert_true(inflight_note(table, &removed, &s));
	assert_int_equal(inflight_count(table), 0);
	begin(1, 1, 1);
	s.kind = ORBUS_KIND_REQUEST;
	assert_false(inflight_begin_of(table, &removed, &s, &found));
	assert_true(inflight_note(table, &removed, &s));
	assert_int_equal(inflight_count(table), 1);
	stop();
}

static void clearing_makes_a_new_incarnation(void **state)
{
	uint64_t before;

	(void)state;
	start();
	begin(1, 1, 1);
	before = inflight_incarnation(table);
	inflight_clear(table);
	assert_int_not_equal(inflight_incarnation(table), before);
	model.counts[1] = 0;
	model.count = 0;
	model.lost = 1;
	stop();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(as_the_model),
	    cmocka_unit_test(a_lane_is_bounded),
	    cmocka_unit_test(the_fullest_lane_gives_way),
	    cmocka_unit_test(the_worst_is_told_by_name),
	    cmocka_unit_test(age_is_bounded),
	    cmocka_unit_test(more_than_the_bounds_can_be_restored),
	    cmocka_unit_test(texts_are_bounded),
	    cmocka_unit_test(a_removed_bus_is_not_followed),
	    cmocka_unit_test(clearing_makes_a_new_incarnation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
