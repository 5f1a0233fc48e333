/*
 * test_trusted_clock.c: the time by which files are removed, over thousands of histories of clocks
 * that are set, die, run away and come back, with restarts, suspends and boots in between.
 */
#include "agent/trusted_clock.h"
#include "testing.h"

#include <stdio.h>
#include <string.h>

#define SECOND UINT64_C(1000000000)
#define MINUTE (60 * SECOND)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)
#define YEAR   (365 * DAY)
#define START  (56 * YEAR)
#define SLACK  (TRUSTED_CLOCK_TOLERANCE_NS + SECOND)

/* A machine: the time that it really is, and what its clocks show. */
struct machine {
	uint64_t real_ns, boot_ns;
	int64_t off_ns; /* of the wall clock */
	unsigned boots;
};

static uint64_t random_state;

static uint64_t chance(uint64_t below)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state % below;
}

static enum clock_news look(struct trusted_clock *c, const struct machine *m)
{
	struct clock_look now = {
	    .wall_ns = (uint64_t)((int64_t)m->real_ns + m->off_ns), .boot_ns = m->boot_ns};

	snprintf(now.boot_id, sizeof(now.boot_id), "boot-%u", m->boots);
	return trusted_clock_look(c, &now);
}

static void pass(struct machine *m, uint64_t ns)
{
	m->real_ns += ns;
	m->boot_ns += ns;
}

static void boot(struct machine *m, uint64_t off_for_ns)
{
	m->real_ns += off_for_ns;
	m->boot_ns = 10 * SECOND;
	m->boots++;
}

/* Looks every second or so, while time passes. */
static void run(struct trusted_clock *c, struct machine *m, uint64_t ns, uint64_t every_ns)
{
	for (uint64_t i = 0; i < ns / every_ns; i++) {
		pass(m, every_ns);
		look(c, m);
	}
}

/* What an agent that is started again knows: what it has written. */
static void restart(struct trusted_clock *c)
{
	char text[TRUSTED_CLOCK_BYTES];
	struct trusted_clock again;

	assert_true(trusted_clock_encode(c, text) > 0);
	assert_true(trusted_clock_decode(text, &again));
	assert_memory_equal(&again, c, sizeof(again));
	*c = again;
}

static void begin(struct trusted_clock *c, struct machine *m)
{
	*m = (struct machine){.real_ns = START, .boot_ns = DAY};
	memset(c, 0, sizeof(*c));
	assert_int_equal(look(c, m), CLOCK_BEGUN);
	assert_int_equal(trusted_clock_ns(c), 0);
	run(c, m, DAY + MINUTE, MINUTE);
	assert_int_equal(trusted_clock_ns(c), m->real_ns);
}

static void a_new_folder_is_confirmed_after_a_day(void **state)
{
	struct trusted_clock c;
	struct machine m;

	(void)state;
	begin(&c, &m);
	run(&c, &m, 40 * DAY, HOUR);
	assert_int_equal(trusted_clock_ns(&c), m.real_ns);
}

/* Of +-1 day to +-10 years, for 1 s to 2 h: the confirmed time is never ahead of the real one. */
static void a_step_of_the_clock_moves_nothing(void **state)
{
	static const uint64_t steps[] = {DAY, 7 * DAY, 31 * DAY, YEAR, 10 * YEAR};
	static const uint64_t lasts[] = {SECOND, 3 * SECOND, MINUTE, HOUR, 2 * HOUR};
	struct trusted_clock c;
	struct machine m;

	(void)state;
	for (size_t i = 0; i < 50; i++) {
		int64_t step = (int64_t)steps[i / 2 % 5];

		begin(&c, &m);
		m.off_ns = i % 2 ? -step : step;
		assert_int_equal(look(&c, &m), CLOCK_STEPPED);
		run(&c, &m, lasts[i / 10], SECOND);
		assert_true(trusted_clock_ns(&c) <= m.real_ns);
		assert_true(trusted_clock_reference_ns(&c) <= m.real_ns);
		restart(&c);
		m.off_ns = 0;
		assert_int_equal(look(&c, &m), CLOCK_RETURNED);
		assert_in_range(trusted_clock_ns(&c), m.real_ns - 3 * SECOND, m.real_ns);
	}
}

static void a_dead_clock_at_boot_is_passed_over(void **state)
{
	struct trusted_clock c;
	struct machine m;

	(void)state;
	begin(&c, &m);
	boot(&m, 30 * DAY);
	m.off_ns = -(int64_t)m.real_ns + (int64_t)HOUR; /* 1970 */
	assert_int_equal(look(&c, &m), CLOCK_STEPPED);
	run(&c, &m, MINUTE, SECOND);
	m.off_ns = 0;
	/* By now the network has set it. No clock has measured the 30 days. */
	assert_int_equal(look(&c, &m), CLOCK_STEPPED);
	run(&c, &m, 23 * HOUR, MINUTE);
	assert_true(trusted_clock_ns(&c) < m.real_ns - 29 * DAY);
	run(&c, &m, HOUR + MINUTE, MINUTE);
	assert_int_equal(trusted_clock_ns(&c), m.real_ns);
}

static void a_suspend_of_weeks_is_measured(void **state)
{
	struct trusted_clock c;
	struct machine m;

	(void)state;
	begin(&c, &m);
	pass(&m, 21 * DAY);
	assert_int_equal(look(&c, &m), CLOCK_AS_BEFORE);
	assert_int_equal(trusted_clock_ns(&c), m.real_ns);
	/* But one with a wrong clock does not make it right. */
	m.off_ns = 10 * (int64_t)YEAR;
	look(&c, &m);
	pass(&m, 5 * DAY);
	look(&c, &m);
	assert_int_equal(trusted_clock_ns(&c), m.real_ns);
}

/* Two hours a day, and then it is switched off: it settles over the days. */
static void a_machine_that_is_never_on_for_a_day_settles_too(void **state)
{
	struct trusted_clock c;
	struct machine m;

	(void)state;
	begin(&c, &m);
	for (int day = 0; day < 60; day++) {
		run(&c, &m, 2 * HOUR, MINUTE);
		restart(&c);
		boot(&m, 22 * HOUR);
		look(&c, &m);
		assert_true(trusted_clock_ns(&c) <= m.real_ns);
	}
	assert_true(trusted_clock_ns(&c) > m.real_ns - 28 * DAY);
}

/* An agent that cron runs for a moment every hour. */
static void moments_an_hour_apart_count(void **state)
{
	struct trusted_clock c = {0};
	struct machine m = {.real_ns = START, .boot_ns = DAY};

	(void)state;
	for (int hour = 0; hour < 26; hour++) {
		look(&c, &m);
		restart(&c);
		pass(&m, HOUR);
	}
	look(&c, &m);
	assert_int_equal(trusted_clock_ns(&c), m.real_ns);
}

static void a_folder_on_another_machine_waits(void **state)
{
	struct trusted_clock c;
	struct machine m, other = {.real_ns = START + 2 * DAY, .boot_ns = YEAR, .boots = 77};

	(void)state;
	begin(&c, &m);
	other.off_ns = (int64_t)YEAR;
	look(&c, &other);
	run(&c, &other, HOUR, MINUTE);
	assert_true(trusted_clock_ns(&c) <= other.real_ns);
}

/*
 * Any history in which no wrong time lasts for a day: the confirmed time is never ahead. And when
 * all is well at last, it gets there.
 */
static void no_history_of_clocks_makes_it_run_ahead(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 3000; seed++) {
		struct trusted_clock c = {0};
		struct machine m = {.real_ns = START, .boot_ns = HOUR};
		uint64_t wrong_for = 0;

		random_state = seed * 0x9e3779b97f4a7c15u;
		for (int i = 0; i < 300; i++) {
			uint64_t ns = chance(4) ? chance(MINUTE) + 1 : chance(3 * HOUR) + 1;

			switch (chance(12)) {
			case 0: m.off_ns = (int64_t)chance(20 * YEAR) - 10 * (int64_t)YEAR; break;
			case 1:
				m.off_ns = (int64_t)chance(20 * SECOND) - 10 * (int64_t)SECOND;
				break;
			case 2: boot(&m, chance(100 * DAY)); break;
			case 3: restart(&c); break;
			default: break;
			}
			wrong_for = m.off_ns > 0 ? wrong_for + ns : 0;
			if (wrong_for > 22 * HOUR)
				m.off_ns = 0;
			pass(&m, ns);
			look(&c, &m);
			if (trusted_clock_ns(&c) > m.real_ns + SLACK)
				fail_msg("seed %llu, step %d: ahead by %llu s",
				    (unsigned long long)seed, i,
				    (unsigned long long)((trusted_clock_ns(&c) - m.real_ns) /
							 SECOND));
		}
		m.off_ns = 0;
		run(&c, &m, 3 * DAY, 10 * MINUTE);
		assert_in_range(trusted_clock_ns(&c), m.real_ns - SLACK, m.real_ns);
	}
}

static void text_that_is_torn_or_edited_confirms_nothing(void **state)
{
	struct trusted_clock c, out;
	struct machine m;
	char text[TRUSTED_CLOCK_BYTES], torn[TRUSTED_CLOCK_BYTES];
	size_t length;

	(void)state;
	begin(&c, &m);
	length = trusted_clock_encode(&c, text);
	for (size_t i = 0; i < length; i++) {
		memcpy(torn, text, sizeof(torn));
		torn[i] = '\0';
		assert_false(trusted_clock_decode(torn, &out));
		assert_int_equal(trusted_clock_ns(&out), 0);
	}
	assert_false(trusted_clock_decode("orbus clock 1\nwall -1\n", &out));
	/* Without /proc there is no id. */
	memset(c.last.boot_id, 0, sizeof(c.last.boot_id));
	restart(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_new_folder_is_confirmed_after_a_day),
	    cmocka_unit_test(a_step_of_the_clock_moves_nothing),
	    cmocka_unit_test(a_dead_clock_at_boot_is_passed_over),
	    cmocka_unit_test(a_suspend_of_weeks_is_measured),
	    cmocka_unit_test(a_machine_that_is_never_on_for_a_day_settles_too),
	    cmocka_unit_test(moments_an_hour_apart_count),
	    cmocka_unit_test(a_folder_on_another_machine_waits),
	    cmocka_unit_test(no_history_of_clocks_makes_it_run_ahead),
	    cmocka_unit_test(text_that_is_torn_or_edited_confirms_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
