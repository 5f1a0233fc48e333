/*
 * test_calendar.c: periods across midnight, month ends, leap days and daylight saving.
 */
#include "base/calendar.h"
#include "base/clock.h"
#include "base/file_name.h"
#include "moments.h"
#include "testing.h"

#include <stdlib.h>
#include <time.h>

static const struct calendar local = {false, 1};

static void expect(const struct calendar *c, enum period_kind kind, const char *moment,
    const char *name, const char *start, const char *end)
{
	struct period_span span;

	calendar_span(c, kind, at(moment), &span);
	assert_string_equal(span.name, name);
	assert_int_equal(span.start_ns, at(start));
	assert_int_equal(span.end_ns, at(end));
}

static void hours_and_days_are_of_local_time(void **state)
{
	const struct calendar utc = {true, 1};

	(void)state;
	zone("America/New_York");
	expect(&local, PERIOD_HOURLY, "2026-11-24T03:59:59.999Z", "hourly_20261123_22.json",
	    "2026-11-24T03:00:00Z", "2026-11-24T04:00:00Z");
	expect(&local, PERIOD_DAILY, "2026-11-24T03:59:59Z", "daily_20261123.json",
	    "2026-11-23T05:00:00Z", "2026-11-24T05:00:00Z");
	expect(&utc, PERIOD_DAILY, "2026-11-24T03:59:59Z", "daily_20261124.json",
	    "2026-11-24T00:00:00Z", "2026-11-25T00:00:00Z");
	zone("Asia/Kathmandu"); /* +05:45 */
	expect(&local, PERIOD_HOURLY, "2026-11-24T00:20:00Z", "hourly_20261124_06.json",
	    "2026-11-24T00:15:00Z", "2026-11-24T01:15:00Z");
}

static void months_leap_days_and_years_end(void **state)
{
	(void)state;
	zone("UTC");
	expect(&local, PERIOD_DAILY, "2026-01-31T23:59:59Z", "daily_20260131.json",
	    "2026-01-31T00:00:00Z", "2026-02-01T00:00:00Z");
	expect(&local, PERIOD_HOURLY, "2028-02-29T23:30:00Z", "hourly_20280229_23.json",
	    "2028-02-29T23:00:00Z", "2028-03-01T00:00:00Z");
	expect(&local, PERIOD_DAILY, "2026-12-31T23:59:59Z", "daily_20261231.json",
	    "2026-12-31T00:00:00Z", "2027-01-01T00:00:00Z");
}

static void the_repeated_hour_is_one_period(void **state)
{
	(void)state;
	zone("Europe/Berlin"); /* 2026-10-25 03:00 CEST becomes 02:00 CET */
	for (int pass = 0; pass < 2; pass++)
		expect(&local, PERIOD_HOURLY,
		    pass ? "2026-10-25T02:30:00+01:00" : "2026-10-25T02:30:00+02:00",
		    "hourly_20261025_02.json", "2026-10-25T02:00:00+02:00",
		    "2026-10-25T03:00:00+01:00");
	expect(&local, PERIOD_DAILY, "2026-10-25T12:00:00+01:00", "daily_20261025.json",
	    "2026-10-25T00:00:00+02:00", "2026-10-26T00:00:00+01:00");
	assert_int_equal(calendar_wall_hour(&local, at("2026-10-25T02:30:00+02:00")),
	    calendar_wall_hour(&local, at("2026-10-25T02:30:00+01:00")));
}

static void the_skipped_hour_has_no_period(void **state)
{
	(void)state;
	zone("Europe/Berlin"); /* 2026-03-29 02:00 CET becomes 03:00 CEST */
	expect(&local, PERIOD_HOURLY, "2026-03-29T01:59:59+01:00", "hourly_20260329_01.json",
	    "2026-03-29T01:00:00+01:00", "2026-03-29T03:00:00+02:00");
	expect(&local, PERIOD_HOURLY, "2026-03-29T03:00:00+02:00", "hourly_20260329_03.json",
	    "2026-03-29T03:00:00+02:00", "2026-03-29T04:00:00+02:00");
	expect(&local, PERIOD_DAILY, "2026-03-29T03:00:00+02:00", "daily_20260329.json",
	    "2026-03-29T00:00:00+01:00", "2026-03-30T00:00:00+02:00");
}

static void half_an_hours_change_is_followed(void **state)
{
	(void)state;
	zone("Australia/Lord_Howe"); /* 2026-04-05 02:00 +11 becomes 01:30 +10:30 */
	expect(&local, PERIOD_HOURLY, "2026-04-05T01:45:00+10:30", "hourly_20260405_01.json",
	    "2026-04-05T01:00:00+11:00", "2026-04-05T02:00:00+10:30");
}

/* Where two hours come twice, or hours are cut by the change: they still follow one another. */
static void periods_never_overlap(void **state)
{
	(void)state;
	zone("Antarctica/Troll"); /* 2026-10-25 03:00 +02 becomes 01:00 +00 */
	expect(&local, PERIOD_HOURLY, "2026-10-25T01:59:59+02:00", "hourly_20261025_01.json",
	    "2026-10-25T01:00:00+02:00", "2026-10-25T02:00:00+02:00");
	for (int minutes = 0; minutes < 180; minutes += 15) {
		struct period_span span;

		calendar_span(&local, PERIOD_HOURLY,
		    at("2026-10-25T02:00:00+02:00") + (uint64_t)minutes * 60 * NS_PER_SECOND,
		    &span);
		assert_string_equal(span.name, "hourly_20261025_02.json");
		assert_int_equal(span.start_ns, at("2026-10-25T02:00:00+02:00"));
		assert_int_equal(span.end_ns, at("2026-10-25T03:00:00+00:00"));
	}
	zone("Pacific/Chatham"); /* 2026-04-05 03:45 +13:45 becomes 02:45 +12:45 */
	expect(&local, PERIOD_HOURLY, "2026-04-05T02:50:00+12:45", "hourly_20260405_03.json",
	    "2026-04-05T03:00:00+13:45", "2026-04-05T04:00:00+12:45");
	zone("Pacific/Apia"); /* There was no 30th. */
	expect(&local, PERIOD_DAILY, "2011-12-30T09:59:59Z", "daily_20111229.json",
	    "2011-12-29T10:00:00Z", "2011-12-30T10:00:00Z");
	expect(&local, PERIOD_DAILY, "2011-12-30T10:00:00Z", "daily_20111231.json",
	    "2011-12-30T10:00:00Z", "2011-12-31T10:00:00Z");
}

static void longer_periods_are_named_by_their_start(void **state)
{
	const struct calendar two = {true, 2}, day = {true, 24};

	(void)state;
	expect(&two, PERIOD_HOURLY, "2026-11-24T09:15:00Z", "hourly_20261124_08.json",
	    "2026-11-24T08:00:00Z", "2026-11-24T10:00:00Z");
	expect(&day, PERIOD_HOURLY, "2026-11-24T09:15:00Z", "hourly_20261124_00.json",
	    "2026-11-24T00:00:00Z", "2026-11-25T00:00:00Z");
}

static void only_our_own_names_are_known(void **state)
{
	static const char *const foreign[] = {"hourly_20261124_08.json.bak", "hourly_20261124.json",
	    "daily_2026112.json", "daily_20261301.json", "daily_20260230.json",
	    "Daily_20261124.json", "daily_2026112x.json", "metrics_20261124_08.json", "state",
	    "report.json", "", "hourly_20261124_08.JSON", "xdaily_20261124.json",
	    "hourly_20261124_24.json", "hourly_20261124_08-500.json",
	    "hourly_20261124_08-0500_1.json", "hourly_20261124_08-0500_02.json",
	    "hourly_20261124_08-0500_1000.json", "hourly_20261124_08-0000.json",
	    "hourly_20261124_08-2400.json", "hourly_20261124_08+0060.json", "daily_20261124_2.json",
	    "metrics_20261124_081530-0500.json", "requests_20261124_08+01.ndjson"};
	static const char *const ours[] = {"daily_20261124.json", "hourly_20261124_08.json",
	    "metrics_20261124_081530.json", "requests_20261124_08.ndjson",
	    "hourly_20261124_23-0500.json", "hourly_20261124_23+0530_2.json",
	    "daily_20261124+0000.json", "daily_20261124+1245_999.json",
	    "requests_20261124_08-0500.ndjson", "requests_20261124_08+0000_12.3.ndjson.zst"};
	struct file_name name;
	int64_t day;

	(void)state;
	for (size_t i = 0; i < sizeof(foreign) / sizeof(foreign[0]); i++)
		assert_false(file_name_parse(foreign[i], &name));
	zone("UTC");
	day = calendar_wall_day(&local, at("2026-11-24T23:00:00Z"));
	for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++) {
		assert_true(file_name_parse(ours[i], &name));
		assert_int_equal(name.day, day);
	}
}

static void times_are_read_and_written(void **state)
{
	char text[64];
	uint64_t ns;

	(void)state;
	clock_format_rfc3339(1764000000123456789, text);
	assert_string_equal(text, "2025-11-24T16:00:00.123456789Z");
	assert_int_equal(at(text), 1764000000123456789);
	assert_int_equal(at("2025-11-24T17:00:00.123456789+01:00"), 1764000000123456789);
	assert_false(clock_parse_rfc3339("2025-02-30T00:00:00Z", &ns));
	assert_false(clock_parse_rfc3339("2025-13-01T00:00:00Z", &ns));
	assert_false(clock_parse_rfc3339("2025-11-24", &ns));
	assert_false(clock_parse_rfc3339("2025-11-24T16:00:00", &ns));
	assert_false(clock_parse_rfc3339("2025-11-24T16:00:00Z ", &ns));
	assert_false(clock_parse_rfc3339("9999-12-31T00:00:00Z", &ns));
	clock_format_timedelta(7200, text, sizeof(text));
	assert_string_equal(text, "2:00:00");
	clock_format_timedelta(93600, text, sizeof(text));
	assert_string_equal(text, "1 day, 2:00:00");
	clock_format_timedelta(3 * 86400 + 1, text, sizeof(text));
	assert_string_equal(text, "3 days, 0:00:01");
	clock_format_uptime(2 * 86400 + 5 * 3600 + 32 * 60 + 45, text, sizeof(text));
	assert_string_equal(text, "2d 5h 32m 45s");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(hours_and_days_are_of_local_time),
	    cmocka_unit_test(months_leap_days_and_years_end),
	    cmocka_unit_test(the_repeated_hour_is_one_period),
	    cmocka_unit_test(the_skipped_hour_has_no_period),
	    cmocka_unit_test(half_an_hours_change_is_followed),
	    cmocka_unit_test(periods_never_overlap),
	    cmocka_unit_test(longer_periods_are_named_by_their_start),
	    cmocka_unit_test(only_our_own_names_are_known),
	    cmocka_unit_test(times_are_read_and_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
