/*
 * test_moment.c: points in time as people type them.
 */
#include "clock.h"
#include "moment.h"
#include "testing.h"

#include <errno.h>
#include <time.h>

/* 2025-11-24 16:15:00 in UTC, 17:15 in Berlin. */
#define NOW    (UINT64_C(1764000900) * NS_PER_SECOND)
#define MINUTE (60 * NS_PER_SECOND)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)

static void in_zone(const char *zone)
{
	setenv("TZ", zone, 1);
	tzset();
}

static void expect(const char *text, uint64_t ns)
{
	uint64_t found;

	if (parse_moment(text, NOW, &found) != 0)
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
	in_zone("Europe/Berlin");
	expect("14:30", NOW - 2 * HOUR - 45 * MINUTE);
	expect("17:15:01", NOW + NS_PER_SECOND);
	expect("today", NOW - 17 * HOUR - 15 * MINUTE);
	expect("yesterday", NOW - 41 * HOUR - 15 * MINUTE);
	expect("2025-11-24", NOW - 17 * HOUR - 15 * MINUTE);
	expect("2025-11-23 17:15", NOW - DAY);
	expect("2025-11-23T17:15:30", NOW - DAY + 30 * NS_PER_SECOND);
	expect("2025-11-24T16:15:00Z", NOW);
	expect("2025-11-24T16:15:00.5+00:00", NOW + NS_PER_SECOND / 2);
	in_zone("UTC");
	expect("16:15", NOW);
}

static void days_that_daylight_saving_stretches(void **state)
{
	/* 2025-10-26 13:00 in Berlin: the day has 25 hours, two of them at 2. */
	const uint64_t sunday = UINT64_C(1761480000) * NS_PER_SECOND;
	uint64_t found;

	(void)state;
	in_zone("Europe/Berlin");
	assert_int_equal(parse_moment("today", sunday, &found), 0);
	assert_int_equal(found, sunday - 14 * HOUR);
	assert_int_equal(parse_moment("yesterday", sunday, &found), 0);
	assert_int_equal(found, sunday - 38 * HOUR);
	in_zone("UTC");
}

static void what_is_no_time_is_refused(void **state)
{
	static const char *const texts[] = {"", "2", "2 h", "-2h", "2hours", "24:00", "14:60",
	    "14:3", "2025-02-29", "2025-13-01", "2025-11-24 25:00", "2025-11-24T", "tomorrow",
	    "20000000d", "1764000900", "14:30 ", "2025-11-24T16:15:00+99:00"};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		uint64_t found;

		if (parse_moment(texts[i], NOW, &found) != -EINVAL)
			fail_msg("'%s' was taken for a time", texts[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(how_long_ago),
	    cmocka_unit_test(days_and_clock_times_are_local),
	    cmocka_unit_test(days_that_daylight_saving_stretches),
	    cmocka_unit_test(what_is_no_time_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
