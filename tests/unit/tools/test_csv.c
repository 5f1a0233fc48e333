/*
 * test_csv.c: fields of CSV: quoted where they must be, never a formula, numbers as they are.
 */
#include "common/csv.h"
#include "common/print.h"
#include "testing.h"

#include <stdlib.h>
#include <string.h>

static void no_text_is_a_formula(void **state)
{
	static const struct {
		const char *text, *field;
	} cases[] = {{"=1+1", "'=1+1"}, {"=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0"},
	    {"=HYPERLINK(\"http://x\",\"y\")", "\"'=HYPERLINK(\"\"http://x\"\",\"\"y\"\")\""},
	    {"+1-800", "'+1-800"}, {"-2+3", "'-2+3"}, {"@SUM(A1)", "'@SUM(A1)"}, {"-", "'-"},
	    {"\t=1", "'\\t=1"}, {"\r=1", "'\\r=1"}, {"-273.15", "-273.15"}, {"+1e5", "+1e5"},
	    {"openai/gpt-4o", "openai/gpt-4o"}, {"a=b", "a=b"}, {"a,b", "\"a,b\""}, {"", ""},
	    {"'=1", "'=1"}, {"1=2", "1=2"}};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *text = NULL;
		size_t length;
		FILE *out = open_memstream(&text, &length);

		csv_text(out, cases[i].text);
		fclose(out);
		assert_string_equal(text, cases[i].field);
		free(text);
	}
}

static void numbers_stay_numbers(void **state)
{
	char *text = NULL;
	size_t length;
	FILE *out = open_memstream(&text, &length);

	(void)state;
	csv_figure(out, -273.15);
	csv_figure(out, 1e300);
	csv_figure(out, -0.5);
	fclose(out);
	assert_string_equal(text, ",-273.15,1e+300,-0.5");
	free(text);
}

static void no_figure_fills_a_table(void **state)
{
	(void)state;
	assert_string_equal(format_fixed(3.14159, 2).text, "3.14");
	assert_string_equal(format_fixed(999999999999999, 2).text, "999999999999999.00");
	assert_string_equal(format_fixed(1e15, 2).text, "1e+15");
	assert_string_equal(format_fixed(-1.7e308, 4).text, "-1.7e+308");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(no_text_is_a_formula),
	    cmocka_unit_test(numbers_stay_numbers),
	    cmocka_unit_test(no_figure_fills_a_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
