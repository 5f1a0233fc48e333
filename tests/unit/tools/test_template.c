/*
 * test_template.c: templates: every form of a field, what is refused and in which words, and that
 * nothing of a sample reaches a terminal unspelled.
 */
#include "base/clock.h"
#include "common/print.h"
#include "moments.h"
#include "ortail/template.h"
#include "testing.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define TS UINT64_C(1764000000123456789) /* 2025-11-24T16:00:00.123456789Z */

static const struct orbus_tag tags[] = {{"user", "ann"}, {"a b", "x"}};

static struct orbus_sample full(void)
{
	struct orbus_sample s;

	orbus_sample_init(&s);
	s.ts = TS;
	s.bot = "acore";
	s.model = "openai/gpt-4-turbo";
	s.provider = "OpenAI";
	s.request_id = "gen-1";
	s.stream = true;
	s.http_status = 200;
	s.response_ms = 3450.123457;
	s.ttft_ms = 870;
	s.prompt_tokens = 1234567;
	s.completion_tokens = 287;
	s.cost_usd = 0.0123456789;
	s.tags = tags;
	s.tag_count = 2;
	return s;
}

static char *show(const char *text, bool colour, const struct orbus_sample *s)
{
	struct template *t = NULL;
	char error[768] = "", *result = NULL;
	size_t length;
	FILE *out = open_memstream(&result, &length);

	if (template_parse(text, &t, error, sizeof(error)) != 0)
		fail_msg("'%s' is refused: %s", text, error);
	assert_non_null(out);
	template_print(t, out, colour, s);
	fclose(out);
	template_free(t);
	assert_true(length > 0 && result[length - 1] == '\n');
	result[length - 1] = '\0';
	return result;
}

static void shows_of(const struct orbus_sample *s, const char *text, const char *expected)
{
	char *result = show(text, false, s);

	assert_string_equal(result, expected);
	free(result);
}

static void shows(const char *text, const char *expected)
{
	struct orbus_sample s = full();

	shows_of(&s, text, expected);
}

static void refuses(const char *text, const char *words)
{
	struct template *t = NULL;
	char error[768] = "";

	assert_int_equal(template_parse(text, &t, error, sizeof(error)), -EINVAL);
	assert_null(t);
	if (!strstr(error, words))
		fail_msg("'%s' is refused by '%s', which does not say '%s'", text, error, words);
}

static void test_text_around_fields_stays(void **state)
{
	(void)state;
	shows("{model}", "openai/gpt-4-turbo");
	shows("[{bot}] {model}!", "[acore] openai/gpt-4-turbo!");
	shows("{{{bot}}} }}{{", "{acore} }{");
	shows("{bot}\\t{bot}\\n{bot}\\\\n\\x", "acore\tacore\nacore\\n\\x");
	shows("é {bot} 日本", "é acore 日本");
}

static void test_each_key_is_known(void **state)
{
	(void)state;
	shows("{kind} {status} {level} {stream} {tokens_estimated}", "request ok INFO true false");
	shows("{provider} {request_id} {http_status}", "OpenAI gen-1 200");
	shows("{prompt_tokens} {completion_tokens}", "1234567 287");
	shows("{requested_model} {finish_reason} {begin_id} {error_type} {error_message}",
	    "- - - - -");
	shows("{total_tokens} {cached_tokens} {reasoning_tokens} {attempt} {name} {value}",
	    "- - - - - -");
	shows("{any_model} {rating} {tags}", "openai/gpt-4-turbo good user=ann,a b=x");
	shows("{tags.user} {tags.a b} {tags.other}", "ann x -");
}

static void test_figures_are_as_people_read_them(void **state)
{
	(void)state;
	shows("{response_ms} {ttft_ms} {tps} {decode_tps}", "3450.1 870.0 83.2 111.2");
	shows("{response_s} {ttft_s} {cost_usd}", "3.45 0.87 0.012346");
}

static void test_times(void **state)
{
	(void)state;
	shows("{ts}", "2025-11-24T16:00:00.123456789Z");
	shows("{date} {time}", "2025-11-24 17:00:00"); /* local */
	shows("{time:.3} {time:.9} {time:.0}", "17:00:00.123 17:00:00.123456789 17:00:00");
	shows("{start}", "16:59:56");
	shows("{ts:%H:%M} {ts:%d.%m.%Y %%} {time:>10%H:%M}", "17:00 24.11.2025 %      17:00");
}

static void test_alignment(void **state)
{
	(void)state;
	shows("[{bot:8}] [{bot:<8}] [{bot:>8}] [{bot:^8}]",
	    "[acore   ] [acore   ] [   acore] [ acore  ]");
	shows("[{http_status:6}] [{http_status:<6}] [{http_status:^6}]",
	    "[   200] [200   ] [ 200  ]");
	shows("[{bot:*^9}] [{bot:é>7}] [{http_status:_>6}]", "[**acore**] [ééacore] [___200]");
	shows("[{bot:2}]", "[acore]");
	shows("{http_status:06} {response_ms:010.2f}", "000200 0003450.12");
}

static void test_widths_are_columns(void **state)
{
	struct orbus_sample s = full();

	(void)state;
	s.model = "日本語";
	shows_of(&s, "[{model:8}]", "[日本語  ]");
	shows_of(&s, "[{model:>8}]", "[  日本語]");
	shows_of(&s, "[{model:.4}]", "[日… ]");
	s.model = "e\xcc\x81t\xc3\xa9"; /* a combining accent takes none */
	shows_of(&s, "[{model:5}]", "[e\xcc\x81t\xc3\xa9  ]");
}

static void test_a_precision_cuts_texts(void **state)
{
	(void)state;
	shows("{model:.6}", "opena…");
	shows("[{model:>8.6}] [{bot:8.6}]", "[  opena…] [acore   ]");
	shows("[{bot:.5}]", "[acore]");
}

static void test_types(void **state)
{
	(void)state;
	shows("{response_ms:.0f} {response_ms:.3f} {response_ms:.2}", "3450 3450.123 3450.12");
	shows("{response_ms:f} {response_ms:.2e} {response_ms:g} {response_ms:.15g}",
	    "3450.123457 3.45e+03 3450.12 3450.123457");
	shows("{prompt_tokens:d} {prompt_tokens:.1f} {prompt_tokens:.2e}",
	    "1234567 1234567.0 1.23e+06");
	shows("{prompt_tokens:,} {prompt_tokens:_d} {http_status:,}", "1,234,567 1_234_567 200");
	shows("{response_ms:>12,.1f} {prompt_tokens:>12,}", "     3,450.1    1,234,567");
	shows("{bot:s}", "acore");
}

static void test_the_largest_figures(void **state)
{
	struct orbus_sample s = full();
	char *result;

	(void)state;
	s.response_ms = 1.7976931348623157e308;
	s.prompt_tokens = UINT64_MAX - 1;
	result = show("{response_ms:,.200f}", false, &s);
	assert_int_equal(strlen(result), 309 + 102 + 1 + 200);
	free(result);
	shows_of(&s, "{prompt_tokens:,}", "18,446,744,073,709,551,614");
	shows_of(&s, "{start}", "-");
}

static void test_what_is_absent(void **state)
{
	struct orbus_sample s;

	(void)state;
	orbus_sample_init(&s);
	shows_of(&s, "{model} {response_ms} {tps} {cost_usd|n/a} {model|}|", "- - - n/a |");
	shows_of(
	    &s, "[{model:4}] [{cost_usd:8.4f}] [{cost_usd|n/a:>5}]", "[-   ] [       -] [  n/a]");
	shows_of(&s, "[{response_ms:06.1f}]", "[     -]");
	s.kind = ORBUS_KIND_GAUGE;
	s.name = "latency";
	s.value = 45.25;
	shows_of(
	    &s, "{kind} {status} {any_model} {value} {value:.1f}", "gauge - latency 45.25 45.2");
	s.kind = ORBUS_KIND_BEGIN;
	s.ts = TS;
	shows_of(&s, "{start}", "17:00:00");
}

static void test_nothing_steers_the_terminal(void **state)
{
	struct orbus_sample s = full();

	(void)state;
	s.model = "a\x1b[31m\xc2\x9b\xff\n\xe2\x80\xae";
	shows_of(&s, "{model}", "a\\x1b[31m\\u009b\\xff\\n\\u202e");
	shows_of(&s, "{model:.4}|", "a\\x…|");
	s.tags = &(struct orbus_tag){"user", "\x1b]0;x\x07"};
	s.tag_count = 1;
	shows_of(&s, "{tags} {tags.user}", "user=\\x1b]0;x\\x07 \\x1b]0;x\\x07");
}

static void test_ratings_are_coloured(void **state)
{
	struct orbus_sample s = full();
	char *result = show("{status} {bot} {response_ms:>8} {ttft_s} {tps:.0f}", true, &s);

	(void)state;
	assert_string_equal(result, "\033[32mok\033[0m acore \033[36m  3450.1\033[0m "
				    "\033[32m0.87\033[0m \033[32m83\033[0m");
	free(result);
	s.status = ORBUS_STATUS_TIMEOUT;
	result = show("{status:8}|{level}", true, &s);
	assert_string_equal(result, "\033[31mtimeout \033[0m|\033[31mERROR\033[0m");
	free(result);
}

static void test_what_is_refused_says_why(void **state)
{
	(void)state;
	refuses("a {model", "character 3 is not closed");
	refuses("{model {bot}", "character 1 is not closed");
	refuses("é}", "character 2 closes nothing");
	refuses("x {}", "character 3 hold no key");
	refuses("{:>3}", "hold no key");
	refuses("no key {{model}}", "names no key");
	refuses("{modle}", "did you mean model?");
	refuses("{respons_ms}", "response_ms");
	refuses("{response}", "response_ms, response_s");
	refuses("{tag.user}", "tags.NAME");
	refuses("{tags.}", "there is no key 'tags.'");
	refuses("{quux}", "give one of ts, kind, status");
	refuses("{model:8f}", "model is a text, which has no type 'f'");
	refuses("{response_ms:d}", "write .0f");
	refuses("{response_ms:s}", "has no type 's'");
	refuses("{http_status:.2}", "write .2f");
	refuses("{model:08}", "fill with zeros");
	refuses("{model:=8}", "fill with zeros");
	refuses("{model:,}", "no thousands");
	refuses("{http_status:08,}", "zeros and thousands");
	refuses("{model:201}", "a width beyond 200");
	refuses("{response_ms:.201f}", "a precision beyond 200");
	refuses("{response_ms:99999999999999999999}", "a width beyond 200");
	refuses("{response_ms:.f}", "a precision is missing");
	refuses("{response_ms:+.1f}", "'+' is not understood");
	refuses("{response_ms:.1fx}", "'x' is not understood");
	refuses("{model:日<4}", "does not take one column");
	refuses("{model:\t<4}", "does not take one column");
	refuses("{model:%H}", "has no '%'");
	refuses("{ts:%Q}", "'%Q' is no conversion");
	refuses("{ts:%H%}", "is no conversion");
	refuses("{ts:.3}", "{time:.3} has");
	refuses("{time:.10}", "up to .9");
	refuses("{model}\x1b[1m", "character 8 is a control character");
	refuses("{model|\xe2\x80\xae}", "control character");
	refuses("{model}\xff", "not valid UTF-8");
}

static void test_what_is_meant_as_one(void **state)
{
	(void)state;
	assert_true(template_is_meant("{"));
	assert_false(template_is_meant("json"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_text_around_fields_stays),
	    cmocka_unit_test(test_each_key_is_known),
	    cmocka_unit_test(test_figures_are_as_people_read_them),
	    cmocka_unit_test(test_times),
	    cmocka_unit_test(test_alignment),
	    cmocka_unit_test(test_widths_are_columns),
	    cmocka_unit_test(test_a_precision_cuts_texts),
	    cmocka_unit_test(test_types),
	    cmocka_unit_test(test_the_largest_figures),
	    cmocka_unit_test(test_what_is_absent),
	    cmocka_unit_test(test_nothing_steers_the_terminal),
	    cmocka_unit_test(test_ratings_are_coloured),
	    cmocka_unit_test(test_what_is_refused_says_why),
	    cmocka_unit_test(test_what_is_meant_as_one),
	};

	/* Not UTC, so that local times are seen to be local. */
	zone("XST-1");
	output_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
