/*
 * test_json_push.c: the incremental JSON reader agrees with jansson on what JSON is, reports the
 * wanted values alike for all cuts of the bytes, and allocates no memory.
 */
#include "llm/json_push.h"
#include "testing.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum place { ROOT = JSON_ROOT, NAMES, NUMBERS, NAME, NUMBER, FLAG };

static const struct json_rule rules[] = {
    JSON_MEMBER(ROOT, NAMES, "names"),
    JSON_MEMBER(ROOT, NUMBERS, "numbers"),
    JSON_MEMBER(ROOT, NAME, "name"),
    JSON_MEMBER(ROOT, FLAG, "flag"),
    JSON_ELEMENT(NAMES, NAME),
    JSON_ELEMENT(NUMBERS, NUMBER),
};

/* What was reported, as text: "4=one 4. 5#12 6=true". Pieces of a string are joined. */
struct story {
	char text[1024];
	size_t used;
	bool in_string;
};

static void add(struct story *s, const char *bytes, size_t length)
{
	assert_true(s->used + length < sizeof(s->text));
	memcpy(s->text + s->used, bytes, length);
	s->used += length;
}

static void add_place(struct story *s, uint8_t place, char mark)
{
	char text[2] = {(char)('0' + place), mark};

	add(s, text, sizeof(text));
}

static void tell(void *data, uint8_t place, enum json_event event, const char *bytes, size_t length)
{
	static const char marks[] = {[JSON_SAW_OBJECT] = '{',
	    [JSON_SAW_ARRAY] = '[',
	    [JSON_SAW_TEXT] = '=',
	    [JSON_SAW_STRING] = '.',
	    [JSON_SAW_NUMBER] = '#',
	    [JSON_SAW_LITERAL] = ':'};
	struct story *s = data;

	if (!s->in_string)
		add_place(s, place, marks[event]);
	else if (event == JSON_SAW_STRING)
		add(s, ".", 1);
	add(s, bytes, length);
	s->in_string = event == JSON_SAW_TEXT;
	if (!s->in_string)
		add(s, " ", 1);
}

static const struct json_plan plan = {
    .rules = rules, .count = sizeof(rules) / sizeof(rules[0]), .sink = tell};

/* Scans `text` in two pieces, cut at `cut`. */
static int scan(const char *text, size_t length, size_t cut, struct story *story)
{
	struct json_scan s;

	memset(story, 0, sizeof(*story));
	json_scan_init(&s, &plan, story);
	json_scan_feed(&s, text, cut);
	json_scan_feed(&s, text + cut, length - cut);
	return json_scan_end(&s);
}

static void assert_story(const char *text, int wanted, const char *story)
{
	struct story s;

	for (size_t cut = 0; cut <= strlen(text); cut++) {
		assert_int_equal(scan(text, strlen(text), cut, &s), wanted);
		if (story)
			assert_string_equal(s.text, story);
	}
}

static void wanted_values_are_reported_wherever_the_bytes_are_cut(void **state)
{
	(void)state;
	assert_story("{\"name\":\"one\"}", 0, "1{ 4=one. ");
	assert_story(" { \"names\" : [ \"a\" , \"\" ,\"\\u00e9\\n\" ] } ", 0,
	    "1{ 2[ 4=a. 4. 4=\xc3\xa9\n. ");
	assert_story("{\"numbers\":[1,-2.5e+3,0]}", 0, "1{ 3[ 5#1 5#-2.5e+3 5#0 ");
	assert_story("{\"flag\":true,\"name\":null}", 0, "1{ 6:true 4:null ");
	assert_story("{\"n\\u0061me\":\"by an escaped key\"}", 0, "1{ 4=by an escaped key. ");
	assert_story("7", 0, "1#7 ");
}

static void what_is_elsewhere_is_passed_over(void **state)
{
	(void)state;
	assert_story(
	    "{\"other\":{\"name\":\"no\",\"names\":[1]},\"name\":\"yes\"}", 0, "1{ 4=yes. ");
	assert_story("{\"names\":[[\"no\"],{\"name\":\"no\"},\"yes\"]}", 0, "1{ 2[ 4[ 4{ 4=yes. ");
	assert_story("{\"namesx\":1,\"nam\":2,\"\":3}", 0, "1{ ");
}

static void characters_come_whole(void **state)
{
	static const char text[] = "{\"name\":\"\xe2\x82\xac\xf0\x9f\x98\x80\\ud83d\\ude00\"}";

	(void)state;
	assert_story(text, 0, "1{ 4=\xe2\x82\xac\xf0\x9f\x98\x80\xf0\x9f\x98\x80. ");
}

static void half_a_surrogate_pair_is_replaced(void **state)
{
	(void)state;
	assert_story("{\"name\":\"\\ud83d\"}", 0, "1{ 4=\xef\xbf\xbd. ");
	assert_story("{\"name\":\"\\ud83dx\\ude00\"}", 0, "1{ 4=\xef\xbf\xbdx\xef\xbf\xbd. ");
	assert_story("{\"name\":\"\\ud83d\\n\\u0000\"}", 0, "1{ 4=\xef\xbf\xbd\n\xef\xbf\xbd. ");
}

static void malformed_text_is_refused(void **state)
{
	static const char *const texts[] = {"", " ", "{", "}", "[1,]", "{\"a\":1,}", "{\"a\"}",
	    "{a:1}", "[1 2]", "{} {}", "01", "1.", "-", "1e", "tru", "nul", "\"", "\"\n\"",
	    "\"\\x\"", "\"\\u12g4\"", "\"\xff\"", "\"\xc3\"", "\"\xed\xa0\x80\"", "[}", "{]",
	    "{\"a\":1]", "[1}", "{1:2}"};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_story(texts[i], -EBADMSG, NULL);
}

static void nesting_is_bounded(void **state)
{
	char deep[2 * JSON_DEPTH_MAX + 3];
	struct story s;

	(void)state;
	memset(deep, '[', JSON_DEPTH_MAX);
	memset(deep + JSON_DEPTH_MAX, ']', JSON_DEPTH_MAX);
	assert_int_equal(scan(deep, 2 * JSON_DEPTH_MAX, 10, &s), 0);
	memset(deep, '[', JSON_DEPTH_MAX + 1);
	memset(deep + JSON_DEPTH_MAX + 1, ']', JSON_DEPTH_MAX + 1);
	assert_int_equal(scan(deep, 2 * JSON_DEPTH_MAX + 2, 10, &s), -E2BIG);
}

static void a_key_or_number_of_any_length_is_read(void **state)
{
	char text[512], key[200], digits[200];

	(void)state;
	memset(key, 'k', sizeof(key) - 1);
	memset(digits, '7', sizeof(digits) - 1);
	key[sizeof(key) - 1] = digits[sizeof(digits) - 1] = '\0';
	snprintf(text, sizeof(text), "{\"%s\":1,\"name\":%s,\"flag\":1}", key, digits);
	assert_story(text, 0, "1{ 6#1 ");
}

/* A small grammar of JSON, sometimes broken: both parsers must take the same texts. */
static size_t random_json(unsigned *seed, char *out, size_t room, int depth)
{
	static const char *const words[] = {"true", "false", "null", "0", "-1.5", "12e3", "\"\"",
	    "\"name\"", "\"\\u00e9\"", "\"a\\\"b\"", "nul", "01", "\"\xe9\"", "1.e", "\xc3\xa9"};
	size_t n = 0, members = (size_t)rand_r(seed) % 4;
	bool object = rand_r(seed) % 2;

	if (depth == 0 || room < 200 || rand_r(seed) % 3 == 0)
		return (size_t)snprintf(
		    out, room, "%s", words[(size_t)rand_r(seed) % (rand_r(seed) % 4 ? 10 : 15)]);
	out[n++] = object ? '{' : '[';
	for (size_t i = 0; i < members && room - n > 100; i++) {
		if (i > 0)
			out[n++] = ',';
		if (object)
			n += (size_t)snprintf(out + n, room - n, "\"k%zu\" :", i);
		n += random_json(seed, out + n, room - n - 50, depth - 1);
	}
	out[n++] = (rand_r(seed) % 50 ? object : !object) ? '}' : ']';
	return n;
}

static void it_agrees_with_jansson(void **state)
{
	char text[2048];
	unsigned seed = 20261124, accepted = 0;
	struct story s;

	(void)state;
	for (int i = 0; i < 20000; i++) {
		size_t length = random_json(&seed, text, sizeof(text), 5);
		json_t *value =
		    json_loadb(text, length, JSON_DECODE_ANY | JSON_DECODE_INT_AS_REAL, NULL);
		int err = scan(text, length, (size_t)rand_r(&seed) % (length + 1), &s);

		if ((err == 0) != (value != NULL))
			fail_msg("%.*s: scan says %d, jansson %s", (int)length, text, err,
			    value ? "accepts" : "refuses");
		accepted += value != NULL;
		json_decref(value);
	}
	assert_in_range(accepted, 5000, 19000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(wanted_values_are_reported_wherever_the_bytes_are_cut),
	    cmocka_unit_test(what_is_elsewhere_is_passed_over),
	    cmocka_unit_test(characters_come_whole),
	    cmocka_unit_test(half_a_surrogate_pair_is_replaced),
	    cmocka_unit_test(malformed_text_is_refused),
	    cmocka_unit_test(nesting_is_bounded),
	    cmocka_unit_test(a_key_or_number_of_any_length_is_read),
	    cmocka_unit_test(it_agrees_with_jansson),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
