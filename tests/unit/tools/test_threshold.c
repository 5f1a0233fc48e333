/*
 * test_threshold.c: ranges of monitoring plugins, read, judged and written.
 */
#include "common/threshold.h"
#include "testing.h"

#include <errno.h>
#include <math.h>

static void ranges_alert_as_the_guidelines_say(void **state)
{
	static const struct {
		const char *text;
		bool is_time;
		double alerts[3], silent[3];
		const char *written;
	} cases[] = {
	    {"10", false, {-0.1, 10.1, INFINITY}, {0, 5, 10}, "10"},
	    {"10:", false, {9.9, -1, 0}, {10, 11, INFINITY}, "10:"},
	    {"~:10", false, {10.1, 11, INFINITY}, {10, -5, -INFINITY}, "~:10"},
	    {"10:20", false, {9, 21, -10}, {10, 15, 20}, "10:20"},
	    {"@10:20", false, {10, 15, 20}, {9, 21, -10}, "@10:20"},
	    {"@5:", false, {5, 6, INFINITY}, {4.9, 0, -5}, "@5:"},
	    {"-5:5", false, {-6, 6, 7}, {-5, 0, 5}, "-5:5"},
	    {"~:", false, {NAN, NAN, NAN}, {0, -INFINITY, INFINITY}, ""},
	    {"2.5", false, {2.6, 3, -1}, {2.5, 0, 1}, "2.5"},
	    {"30m", true, {1801, 3600, -1}, {0, 1800, 5}, "1800"},
	    {"500ms:1h", true, {0.4, 3601, 0}, {0.5, 3600, 10}, "0.5:3600"},
	    {"10", true, {10.1, 11, 12}, {0, 5, 10}, "10"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct threshold t;
		char text[64];

		assert_int_equal(threshold_parse(cases[i].text, cases[i].is_time, &t), 0);
		for (int j = 0; j < 3; j++) {
			assert_true(
			    threshold_alerts(&t, cases[i].alerts[j]) || isnan(cases[i].alerts[j]));
			assert_false(threshold_alerts(&t, cases[i].silent[j]));
		}
		assert_false(threshold_alerts(&t, NAN));
		threshold_format(&t, text, sizeof(text));
		assert_string_equal(text, cases[i].written);
	}
}

static void what_is_no_range_is_refused(void **state)
{
	static const char *const texts[] = {"", "@", "x", "10x", "~", "1:2:3", "~~:5", "--1:", ":-",
	    "1e999", "nan", "inf", "10:~", "10m", " 10", "0x10",
	    "1000000000000000000000000000000000000000000000000000000000000000000000"};
	struct threshold t;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (threshold_parse(texts[i], false, &t) != -EINVAL)
			fail_msg("'%s' was taken", texts[i]);
	assert_int_equal(threshold_parse("20:10", false, &t), -ERANGE);
	assert_int_equal(threshold_parse("1y", true, &t), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(ranges_alert_as_the_guidelines_say),
	    cmocka_unit_test(what_is_no_range_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
