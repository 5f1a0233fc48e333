/*
 * test_journal_line.c: a sample's line is what print_json() makes of it, to the byte.
 */
#include "common/print.h"
#include "doc/sample_json.h"
#include "journal/line.h"
#include "testing.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static unsigned seed = 20261125;

static unsigned draw(unsigned n)
{
	return (unsigned)rand_r(&seed) % n;
}

/* Every figure is read back to the last bit. */
static void expect_read_back(const struct orbus_sample *s, const char *line, size_t length)
{
	json_t *o = json_loadb(line, length, 0, NULL);
	const char *const keys[] = {"response_ms", "ttft_ms", "cost_usd", "value"};
	const double figures[] = {s->response_ms, s->ttft_ms, s->cost_usd, s->value};

	assert_non_null(o);
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		double read = json_number_value(json_object_get(o, keys[i]));

		if (!isnan(figures[i]))
			assert_memory_equal(&read, &figures[i], sizeof(read));
	}
	json_decref(o);
}

static void expect_same(const struct orbus_sample *s)
{
	char *tree = NULL, *line = malloc(json_line_room(s));
	size_t tree_length, length = json_line(s, line);
	FILE *out = open_memstream(&tree, &tree_length);
	json_t *o = sample_to_json(s);

	assert_int_equal(print_json(out, o, JSON_COMPACT), 0);
	putc('\n', out);
	fclose(out);
	json_decref(o);
	assert_in_range(length, 1, json_line_room(s));
	expect_read_back(s, line, length);
	if (length != tree_length || memcmp(line, tree, length) != 0)
		fail_msg("%.*s is not\n%s", (int)length, line, tree);
	free(line);
	free(tree);
}

static void everything_that_a_sample_may_hold(void **state)
{
	struct orbus_tag tags[] = {{"user", "ann"}, {"", ""}, {"user", "bob \"b\""}, {"x", "y"}};
	struct orbus_sample s;

	(void)state;
	orbus_sample_init(&s);
	expect_same(&s);
	s.ts = UINT64_C(1764001800123456789);
	s.status = ORBUS_STATUS_ORPHANED;
	s.bot = s.model = s.requested_model = s.provider = s.finish_reason = "a\\b";
	s.request_id = s.begin_id = s.error_type = s.error_message = "\x1b[31m\x7f\n\t\b\f\r\x01";
	s.stream = s.tokens_estimated = true;
	s.http_status = s.attempt = 0;
	s.prompt_tokens = s.completion_tokens = INT64_MAX;
	s.total_tokens = s.cached_tokens = (uint64_t)INT64_MAX + 5;
	s.reasoning_tokens = 10;
	s.response_ms = 3450.25;
	s.ttft_ms = 0;
	s.cost_usd = 1e-9;
	s.tags = tags;
	s.tag_count = 4;
	expect_same(&s);
	for (int kind = 0; kind < 4; kind++) {
		s.kind = (enum orbus_kind)kind;
		s.name = "n";
		s.value = -1.5;
		expect_same(&s);
	}
}

static void every_character(void **state)
{
	struct orbus_sample s;
	char text[64];

	(void)state;
	orbus_sample_init(&s);
	for (uint32_t c = 1; c < 0x110000; c += c < 0x3000 || (c & 0xff) == 0xff ? 1 : 0x55) {
		char *to = text;

		if (c >= 0xd800 && c < 0xe000)
			continue;
		*to++ = 'x';
		if (c < 0x80) {
			*to++ = (char)c;
		} else if (c < 0x800) {
			*to++ = (char)(0xc0 | c >> 6);
			*to++ = (char)(0x80 | (c & 0x3f));
		} else if (c < 0x10000) {
			*to++ = (char)(0xe0 | c >> 12);
			*to++ = (char)(0x80 | (c >> 6 & 0x3f));
			*to++ = (char)(0x80 | (c & 0x3f));
		} else {
			*to++ = (char)(0xf0 | c >> 18);
			*to++ = (char)(0x80 | (c >> 12 & 0x3f));
			*to++ = (char)(0x80 | (c >> 6 & 0x3f));
			*to++ = (char)(0x80 | (c & 0x3f));
		}
		*to++ = 'y';
		*to = '\0';
		s.error_message = text;
		expect_same(&s);
	}
}

static void every_kind_of_figure(void **state)
{
	static const double some[] = {0, -0.0, 1, 10, 100, 0.1, 0.001, 0.0001, 0.00001, 1e-300,
	    5e-324, 1e9, 999999999.999999, 1e15, 1e16, 123456789012345678.0, 1e22, 1e300, DBL_MAX,
	    0.3, 2.0 / 3, 3450.25, 83.1884057971014, 0.0123, 1e-4, 9.9999999999999995e-4,
	    4503599.5};
	struct orbus_sample s;

	(void)state;
	orbus_sample_init(&s);
	for (size_t i = 0; i < sizeof(some) / sizeof(some[0]); i++) {
		s.response_ms = some[i];
		expect_same(&s);
	}
	for (int i = 0; i < 100000; i++) {
		double digits = (double)draw(1000000000) + draw(1000) / 1e3;

		/* Few decimals, many, and some that lie beside those. */
		s.response_ms = floor(digits) / pow(10, draw(12));
		s.ttft_ms = digits / pow(10, draw(20));
		s.cost_usd = nextafter(s.response_ms, draw(2) ? 0 : INFINITY);
		s.completion_tokens = draw(100000);
		expect_same(&s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(everything_that_a_sample_may_hold),
	    cmocka_unit_test(every_character),
	    cmocka_unit_test(every_kind_of_figure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
