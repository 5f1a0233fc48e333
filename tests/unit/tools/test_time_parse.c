/*
 * test_time_parse.c: points in time as people type them.
 */
#include "base/clock.h"
#include "common/time_parse.h"
#include "moments.h"
#include "testing.h"

#include <errno.h>
#include <time.h>

/* 2025-11-24 16:15:00 in UTC, 17:15 in Berlin. */
#define NOW    (UINT64_C(1764000900) * NS_PER_SECOND)
#define MINUTE (60 * NS_PER_SECOND)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)

static void expect(const char *text, uint64_t ns)
{
	uint64_t found;

	if (time_parse(text, NOW, MOMENT_SINCE, &found) != 0)
		fail_msg("'%s' was not understood", text);
	if (found != ns)
		fail_msg("'%s' is %g s off", text, ((double)found - (double)ns) / 1e9);
}

static void how_long_ago(void **state)
{
	(void)state;
	expect("2h", NOW - 2 * HOUR);
	expect("90m", NOW - 90 * MINUTE);
	expect("1.5d", NOW - 36 * HOUR);
	expect("now", NOW);
}

static void days_and_clock_times_are_local(void **state)
{
	(void)state;
	zone("Europe/Berlin");
	expect("14:30", NOW - 2 * HOUR - 45 * MINUTE);
	expect("17:15:01", NOW + NS_PER_SECOND);
	expect("today", NOW - 17 * HOUR - 15 * MINUTE);
	expect("yesterday", NOW - 41 * HOUR - 15 * MINUTE);
	expect("2025-11-24", NOW - 17 * HOUR - 15 * MINUTE);
	expect("2025-11-23 17:15", NOW - DAY);
	expect("2025-11-23T17:15:30", NOW - DAY + 30 * NS_PER_SECOND);
	expect("2025-11-24T16:15:00Z", NOW);
	expect("2025-11-24T16:15:00.5+00:00", NOW + NS_PER_SECOND / 2);
	zone("UTC");
	expect("16:15", NOW);
}

static void days_that_daylight_saving_stretches(void **state)
{
	/* 2025-10-26 13:00 in Berlin: the day has 25 hours, two of them at 2. */
	const uint64_t sunday = UINT64_C(1761480000) * NS_PER_SECOND;
	uint64_t found;

	(void)state;
	zone("Europe/Berlin");
	assert_int_equal(time_parse("today", sunday, MOMENT_SINCE, &found), 0);
	assert_int_equal(found, sunday - 14 * HOUR);
	assert_int_equal(time_parse("yesterday", sunday, MOMENT_SINCE, &found), 0);
	assert_int_equal(found, sunday - 38 * HOUR);
	zone("UTC");
}

static void expect_both(const char *text, uint64_t now_ns, uint64_t since, uint64_t until)
{
	uint64_t found;

	assert_int_equal(time_parse(text, now_ns, MOMENT_SINCE, &found), 0);
	assert_int_equal(found, since);
	assert_int_equal(time_parse(text, now_ns, MOMENT_UNTIL, &found), 0);
	assert_int_equal(found, until);
}

/* Of a repeated hour, the first pass is taken for a start and the last for an end, in any order
 * of asking. */
static void a_time_that_comes_twice(void **state)
{
	const uint64_t sunday = UINT64_C(1761480000) * NS_PER_SECOND; /* 13:00 in Berlin */
	const uint64_t first = sunday - 11 * HOUR - 30 * MINUTE;      /* 02:30 of summer time */

	(void)state;
	zone("Europe/Berlin");
	for (int i = 0; i < 3; i++) {
		expect_both("02:30", sunday, first, first + HOUR);
		expect_both("2025-10-26 02:30:00", sunday, first, first + HOUR);
		expect_both("2025-07-01 12:00", sunday, UINT64_C(1751364000) * NS_PER_SECOND,
		    UINT64_C(1751364000) * NS_PER_SECOND);
	}
	/* Skipped: the moment of the change, either way. */
	expect_both("2025-03-30 02:30", sunday, UINT64_C(1743296400) * NS_PER_SECOND,
	    UINT64_C(1743296400) * NS_PER_SECOND);
	zone("UTC");
}

/* Midnight may repeat (Havana) or be skipped (Cairo), and a day may be left out (Apia). */
static void days_whose_midnight_is_odd(void **state)
{
	uint64_t found;

	(void)state;
	zone("America/Havana");
	/* 2025-11-02: 00:00 comes at 04:00 and at 05:00 UTC. */
	expect_both("today", UINT64_C(1762099200) * NS_PER_SECOND,
	    UINT64_C(1762056000) * NS_PER_SECOND, UINT64_C(1762056000) * NS_PER_SECOND);
	zone("Africa/Cairo");
	/* 2025-04-25 begins at 01:00, which is 22:00 UTC. */
	expect_both("2025-04-25", NOW, UINT64_C(1745532000) * NS_PER_SECOND,
	    UINT64_C(1745532000) * NS_PER_SECOND);
	zone("Pacific/Apia");
	assert_int_equal(time_parse("2011-12-30", NOW, MOMENT_SINCE, &found), -EINVAL);
	/* On the 31st, yesterday was the 29th. */
	expect_both("yesterday", UINT64_C(1325282400) * NS_PER_SECOND,
	    UINT64_C(1325152800) * NS_PER_SECOND, UINT64_C(1325152800) * NS_PER_SECOND);
	zone("UTC");
}

static void what_is_no_time_is_refused(void **state)
{
	static const char *const texts[] = {"", "2", "2 h", "-2h", "2hours", "24:00", "14:60",
	    "14:3", "2025-02-29", "2025-13-01", "2025-11-24 25:00", "2025-11-24T", "tomorrow",
	    "20000000d", "1764000900", "14:30 ", "2025-11-24T16:15:00+99:00"};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		uint64_t found;

		if (time_parse(texts[i], NOW, MOMENT_SINCE, &found) != -EINVAL)
			fail_msg("'%s' was taken for a time", texts[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(how_long_ago),
	    cmocka_unit_test(days_and_clock_times_are_local),
	    cmocka_unit_test(days_that_daylight_saving_stretches),
	    cmocka_unit_test(a_time_that_comes_twice),
	    cmocka_unit_test(days_whose_midnight_is_odd),
	    cmocka_unit_test(what_is_no_time_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
