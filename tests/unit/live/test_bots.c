/*
 * test_bots.c: which bots are connected, on a real ring, and how many are remembered.
 */
#include "live/bots.h"
#include "testing.h"

#include <stdio.h>
#include <string.h>

static uint32_t bots_count(const struct bots *b)
{
	uint32_t count;

	(void)bots_known(b, &count);
	return count;
}

#define T0 UINT64_C(1764000000000000000)

static void make_bus(const char *bus)
{
	struct orbus_create_options options = {.lanes = 16, .slots = 1024};

	assert_int_equal(orbus_create(bus, &options), 0);
}

static struct orbus_producer *producer(const char *bus, const char *bot)
{
	struct orbus_producer *p;

	assert_int_equal(orbus_producer_open(bus, bot, &p), 0);
	return p;
}

static void publish(struct orbus_producer *p, enum orbus_kind kind, uint64_t ts_ns)
{
	struct orbus_sample s;

	orbus_sample_init(&s);
	s.kind = kind;
	s.ts = ts_ns;
	s.name = "g";
	s.value = 1;
	assert_int_equal(orbus_publish(p, &s), 0);
}

static void read_all(struct orbus_reader *r, struct bots *b)
{
	struct orbus_sample s;

	while (orbus_reader_next(r, &s) == 1)
		bots_note(b, reader_origin(r), &s);
}

static void a_bot_is_connected_while_a_producer_of_it_lives(void **state)
{
	const char *bus = *state;
	struct orbus_producer *first, *second;
	struct bots *b = bots_new();
	struct orbus_reader *r;

	make_bus(bus);
	assert_int_equal(orbus_reader_open(bus, &r), 0);
	first = producer(bus, "acore");
	second = producer(bus, "acore");
	publish(first, ORBUS_KIND_REQUEST, T0 + 1);
	publish(second, ORBUS_KIND_GAUGE, T0 + 5);
	publish(first, ORBUS_KIND_REQUEST, T0 + 3);
	read_all(r, b);
	assert_int_equal(bots_count(b), 1);
	assert_false(bots_look(b, r, UINT64_MAX));
	assert_int_equal(bots_find(b, "acore")->producers, 2);
	assert_int_equal(bot_connected_since(bots_find(b, "acore")), T0 + 1);
	assert_int_equal(bots_find(b, "acore")->last_seen_ns, T0 + 5);
	assert_int_equal(bots_find(b, "acore")->last_request_ns, T0 + 3);

	orbus_producer_close(first);
	assert_true(bots_look(b, r, UINT64_MAX));
	assert_int_equal(bot_connected_since(bots_find(b, "acore")), T0 + 5);
	orbus_producer_close(second);
	assert_true(bots_look(b, r, UINT64_MAX));
	assert_int_equal(bot_connected_since(bots_find(b, "acore")), 0);
	assert_int_equal(bots_find(b, "acore")->last_seen_ns, T0 + 5);
	assert_null(bots_find(b, "bcore"));
	orbus_reader_close(r);
	bots_free(b);
}

/* A lane's next owner is another producer, also where the same lane is taken at once. */
static void the_next_owner_of_a_lane_is_another(void **state)
{
	const char *bus = *state;
	struct bots *b = bots_new();
	struct orbus_producer *p;
	struct orbus_reader *r;

	make_bus(bus);
	assert_int_equal(orbus_reader_open(bus, &r), 0);
	for (unsigned i = 0; i < 50; i++) {
		p = producer(bus, i % 2 ? "odd" : "even");
		publish(p, ORBUS_KIND_REQUEST, T0 + i);
		read_all(r, b);
		(void)bots_look(b, r, UINT64_MAX);
		assert_int_equal(bot_connected_since(bots_find(b, i % 2 ? "odd" : "even")), T0 + i);
		if (i > 0)
			assert_int_equal(
			    bot_connected_since(bots_find(b, i % 2 ? "even" : "odd")), 0);
		orbus_producer_close(p);
	}
	orbus_reader_close(r);
	bots_free(b);
}

/* More producers than are known, more bots than are known: what is connected stays. */
static void it_is_bounded(void **state)
{
	struct sample_origin origin = {.lane = 1, .epoch = 1};
	struct bots *b = bots_new();
	struct orbus_sample s;
	char name[ORBUS_TEXT_MAX + 80];

	(void)state;
	orbus_sample_init(&s);
	s.bot = "kept";
	s.ts = T0;
	for (uint32_t i = 0; i < 3 * BOT_PRODUCERS_MAX; i++, origin.epoch++)
		bots_note(b, &origin, &s);
	assert_int_equal(bots_find(b, "kept")->producers, BOT_PRODUCERS_MAX);
	assert_int_equal(bots_find(b, "kept")->producer[0].epoch, origin.epoch - 1);
	origin.is_removed = true; /* they are not connected */
	for (unsigned i = 0; i < 3 * BOTS_MAX; i++) {
		snprintf(name, sizeof(name), "bot%u", i);
		s.bot = name;
		s.ts = T0 + i + 1;
		bots_note(b, &origin, &s);
	}
	assert_int_equal(bots_count(b), BOTS_MAX);
	assert_non_null(bots_find(b, "kept"));
	assert_non_null(bots_find(b, name));
	assert_null(bots_find(b, "bot0"));
	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	bots_note(b, &origin, &s);
	bots_note(b, &origin, &s);
	name[ORBUS_TEXT_MAX] = '\0';
	assert_non_null(bots_find(b, name));
	assert_int_equal(bots_count(b), BOTS_MAX);
	bots_disconnect(b);
	assert_int_equal(bot_connected_since(bots_find(b, "kept")), 0);
	bots_free(b);
}

/* What an earlier process knew: the same producer counts on from its own first sample. */
static void a_connection_outlives_who_watched_it(void **state)
{
	const char *bus = *state;
	struct orbus_producer *p;
	struct bots *before = bots_new(), *after = bots_new();
	struct orbus_reader *r;

	make_bus(bus);
	assert_int_equal(orbus_reader_open(bus, &r), 0);
	p = producer(bus, "acore");
	publish(p, ORBUS_KIND_REQUEST, T0);
	read_all(r, before);
	bots_restore(after, bots_find(before, "acore"));
	publish(p, ORBUS_KIND_REQUEST, T0 + 100);
	read_all(r, after);
	(void)bots_look(after, r, UINT64_MAX);
	assert_int_equal(bot_connected_since(bots_find(after, "acore")), T0);
	orbus_producer_close(p);
	assert_true(bots_look(after, r, UINT64_MAX));
	assert_int_equal(bot_connected_since(bots_find(after, "acore")), 0);
	orbus_reader_close(r);
	bots_free(before);
	bots_free(after);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    bus_test(a_bot_is_connected_while_a_producer_of_it_lives),
	    bus_test(the_next_owner_of_a_lane_is_another),
	    cmocka_unit_test(it_is_bounded),
	    bus_test(a_connection_outlives_who_watched_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
