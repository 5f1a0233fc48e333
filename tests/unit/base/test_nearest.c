/*
 * test_nearest.c: what a mistyped word was meant to be: the distance by its properties over words
 * by chance, and the choice among candidates by examples.
 */
#include "base/nearest.h"
#include "splitmix.h"
#include "testing.h"

#include <string.h>

#define ROUNDS 20000

static size_t distance(const char *a, const char *b)
{
	return nearest_distance(a, strlen(a), b, strlen(b));
}

static void examples(void **state)
{
	(void)state;
	assert_int_equal(distance("", ""), 0);
	assert_int_equal(distance("", "abc"), 3);
	assert_int_equal(distance("modle", "model"), 1);
	assert_int_equal(distance("modl", "model"), 1);
	assert_int_equal(distance("mmodel", "model"), 1);
	assert_int_equal(distance("nodel", "model"), 1);
	assert_int_equal(distance("ca", "abc"), 3);
	assert_int_equal(distance("kitten", "sitting"), 3);
}

static size_t random_word(uint64_t *seed, char *out, size_t most)
{
	size_t bytes = splitmix64(seed) % (most + 1);

	for (size_t i = 0; i < bytes; i++)
		out[i] = (char)('a' + splitmix64(seed) % 4);
	return bytes;
}

/* One letter changed, left out, put in, or exchanged with its neighbour. Returns the length. */
static size_t slip(uint64_t *seed, char *word, size_t bytes)
{
	size_t at = splitmix64(seed) % (bytes + 1);
	char letter = (char)('a' + splitmix64(seed) % 4);

	switch (splitmix64(seed) % 4) {
	case 0:
		memmove(word + at + 1, word + at, bytes - at);
		word[at] = letter;
		return bytes + 1;
	case 1:
		if (at == bytes)
			return bytes;
		memmove(word + at, word + at + 1, bytes - at - 1);
		return bytes - 1;
	case 2:
		if (at < bytes)
			word[at] = letter;
		return bytes;
	default:
		if (at + 1 < bytes) {
			letter = word[at];
			word[at] = word[at + 1];
			word[at + 1] = letter;
		}
		return bytes;
	}
}

/* The bounds of any such distance, and that slips are what it counts. */
static void its_properties(void **state)
{
	uint64_t seed = 1;

	(void)state;
	for (int round = 0; round < ROUNDS; round++) {
		char a[NEAREST_BYTES_MAX], b[NEAREST_BYTES_MAX];
		size_t n = random_word(&seed, a, NEAREST_BYTES_MAX),
		       m = random_word(&seed, b, NEAREST_BYTES_MAX);
		size_t longer = n > m ? n : m, d = nearest_distance(a, n, b, m);

		assert_int_equal(d, nearest_distance(b, m, a, n));
		assert_in_range(d, longer - (n < m ? n : m), longer);
		assert_int_equal(d == 0, n == m && memcmp(a, b, n) == 0);
		n = random_word(&seed, a, NEAREST_BYTES_MAX - 1);
		memcpy(b, a, n);
		assert_in_range(nearest_distance(a, n, b, slip(&seed, b, n)), 0, 1);
	}
}

static void longer_words_are_not_near(void **state)
{
	char word[NEAREST_BYTES_MAX + 1];

	(void)state;
	memset(word, 'a', sizeof(word));
	assert_int_equal(nearest_distance(word, NEAREST_BYTES_MAX, word, NEAREST_BYTES_MAX), 0);
	assert_true(nearest_distance(word, sizeof(word), "a", 1) == NEAREST_NOT_NEAR);
	assert_true(nearest_distance("a", 1, word, sizeof(word)) == NEAREST_NOT_NEAR);
	assert_true(nearest_slips(word, sizeof(word), word, sizeof(word)) == NEAREST_NOT_NEAR);
}

static void the_nearest_is_chosen(void **state)
{
	static const struct {
		const char *word, *choices, *found;
	} cases[] = {
	    {"modle", "ttft_ms|model|mode", "model"},
	    {"5min", "1m|5m|1h|day|start", "5m"},
	    {"1hour", "1m|5m|1h|day|start", "1h"},
	    {"today", "1m|5m|1h|day|start", "day"},
	    {"days", "1m|5m|1h|day|start", "day"},
	    {"JSON", "table|csv|json", "json"},
	    {"prov", "model|bot|provider", "provider"},
	    {"tbale", "table|csv|json", "table"},
	    {"10m", "1m|5m|1h|day|start", NULL},
	    {"2m", "1m|5m|1h|day|start", NULL},
	    {"x", "a|b", NULL},
	    {"", "a|b", NULL},
	    {"bot", "", NULL},
	    {"colour", "model|bot|provider", NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t bytes;
		const char *found = nearest_choice(cases[i].word, cases[i].choices, &bytes);

		if (!found || !cases[i].found) {
			assert_true(!found && !cases[i].found);
			continue;
		}
		assert_int_equal(bytes, strlen(cases[i].found));
		assert_memory_equal(found, cases[i].found, bytes);
	}
}

static void hosts_with_numbers_are_no_slips(void **state)
{
	(void)state;
	assert_true(nearest_slips("host1", 5, "host2", 5) == NEAREST_NOT_NEAR);
	assert_true(nearest_slips("orbus", 5, "orbus2", 6) == NEAREST_NOT_NEAR);
	assert_int_equal(nearest_slips("hsot2", 5, "host2", 5), 1);
	assert_int_equal(nearest_slips("obrus", 5, "orbus", 5), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(examples),
	    cmocka_unit_test(its_properties),
	    cmocka_unit_test(longer_words_are_not_near),
	    cmocka_unit_test(the_nearest_is_chosen),
	    cmocka_unit_test(hosts_with_numbers_are_no_slips),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
