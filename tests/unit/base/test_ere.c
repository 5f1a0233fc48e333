/*
 * test_ere.c: regular expressions within bounds: what is refused, and that what is taken is
 * compiled and matched in bounded memory.
 */
#include "base/ere.h"
#include "splitmix.h"
#include "testing.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

/* In KiB. AddressSanitizer keeps what was freed for a while. */
#ifdef __SANITIZE_ADDRESS__
#define GROWTH_MAX (1L << 20)
#else
#define GROWTH_MAX (64L << 10)
#endif

static int try_one(const char *pattern, char *why, size_t bytes)
{
	struct ere *e = NULL;
	int err = ere_new(pattern, &e, why, bytes);

	assert_int_equal(err == 0, e != NULL);
	ere_free(e);
	return err;
}

static bool matches(const char *pattern, const char *text)
{
	struct ere *e = NULL;
	char why[256];
	bool found;

	assert_int_equal(ere_new(pattern, &e, why, sizeof(why)), 0);
	found = ere_matches(e, text);
	ere_free(e);
	return found;
}

static void it_matches_anywhere(void **state)
{
	(void)state;
	assert_true(matches("gpt", "openai/gpt-4"));
	assert_true(matches("^openai/(gpt|o)-?[0-9]", "openai/gpt-4"));
	assert_false(matches("^gpt", "openai/gpt-4"));
	assert_false(matches("GPT", "openai/gpt-4"));
	assert_true(matches("a{2,3}", "xaay"));
	assert_true(matches("[]{9999}]", "}"));
	assert_true(matches("[[:digit:]]+", "a1"));
	assert_true(matches("\\{9999\\}", "{9999}"));
}

static void the_first_512_bytes_are_looked_at(void **state)
{
	char text[ERE_TEXT_MAX + 2];

	(void)state;
	memset(text, 'a', sizeof(text));
	text[ERE_TEXT_MAX - 1] = 'b';
	text[ERE_TEXT_MAX] = 'c';
	text[ERE_TEXT_MAX + 1] = '\0';
	assert_true(matches("b$", text));
	assert_false(matches("c", text));
}

static void what_has_no_bound_is_refused(void **state)
{
	static const char *const wrong[] = {"(a)\\1", "a{257}", "(a{16}){17}", "a{16}b{17}",
	    "((a{255}){255}){255}", "(", "[", "a{1,", "*a{2}{2}{2}{2}{2}{2}{2}{2}{2}",
	    "a{99999999999999999999999}", "[a", "[[:digit:", "\\"};
	char why[256];

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		*why = '\0';
		assert_int_equal(try_one(wrong[i], why, sizeof(why)), -EINVAL);
		assert_true(*why);
	}
}

static void the_longest_is_512_bytes(void **state)
{
	char pattern[ERE_BYTES_MAX + 2], why[256];

	(void)state;
	memset(pattern, 'a', sizeof(pattern));
	pattern[ERE_BYTES_MAX] = '\0';
	assert_int_equal(try_one(pattern, why, sizeof(why)), 0);
	pattern[ERE_BYTES_MAX] = 'a';
	pattern[ERE_BYTES_MAX + 1] = '\0';
	assert_int_equal(try_one(pattern, why, sizeof(why)), -EINVAL);
}

static long peak_kib(void)
{
	struct rusage usage;

	assert_int_equal(getrusage(RUSAGE_SELF, &usage), 0);
	return usage.ru_maxrss;
}

/* Of the alphabet of patterns, by chance: whatever is taken must not crash, nor grow. */
static void patterns_by_chance(void **state)
{
	static const char alphabet[] = "ab()[]{}|*+?.,129^$\\:-";
	uint64_t seed = 1;
	long before = peak_kib();

	(void)state;
	for (int round = 0; round < 20000; round++) {
		char pattern[64], why[256];
		size_t length = splitmix64(&seed) % sizeof(pattern);
		struct ere *e = NULL;

		for (size_t i = 0; i < length; i++)
			pattern[i] = alphabet[splitmix64(&seed) % (sizeof(alphabet) - 1)];
		pattern[length] = '\0';
		if (ere_new(pattern, &e, why, sizeof(why)) == 0)
			(void)ere_matches(e, "aababbab{1,2}");
		ere_free(e);
	}
	assert_in_range(peak_kib() - before, 0, GROWTH_MAX);
}

/* An automaton of 2^24 states: texts by chance lead to a new one with nearly each letter. */
static void many_texts_take_no_more_memory(void **state)
{
	long before = peak_kib();
	struct ere *e = NULL;
	uint64_t seed = 1;
	char why[256], text[ERE_TEXT_MAX + 1];

	(void)state;
#ifdef __SANITIZE_THREAD__
	skip(); /* its shadow memory grows with what is touched */
#endif
	assert_int_equal(ere_new("(a|b)*a[ab]{24}c", &e, why, sizeof(why)), 0);
	for (int round = 0; round < 20; round++) {
		for (size_t i = 0; i < sizeof(text) - 1; i++)
			text[i] = splitmix64(&seed) & 1 ? 'a' : 'b';
		text[sizeof(text) - 1] = '\0';
		assert_false(ere_matches(e, text));
	}
	ere_free(e);
	assert_in_range(peak_kib() - before, 0, GROWTH_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(it_matches_anywhere),
	    cmocka_unit_test(the_first_512_bytes_are_looked_at),
	    cmocka_unit_test(what_has_no_bound_is_refused),
	    cmocka_unit_test(the_longest_is_512_bytes),
	    cmocka_unit_test(patterns_by_chance),
	    cmocka_unit_test(many_texts_take_no_more_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
