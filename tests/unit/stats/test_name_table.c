/*
 * test_name_table.c: a table of names against a list of them, over random names and keys.
 */
#include "stats/name_table.h"
#include "testing.h"

#include <stdio.h>
#include <string.h>

#define STEPS 20000

/* A number from 0 to n - 1: xorshift64. */
static uint64_t draw(uint64_t *state, uint64_t n)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state % n;
}

static void every_name_counts_for_itself_or_for_other(void **state)
{
	static uint64_t expected[1000];
	uint64_t seed = 88172645463325252, other = 0;
	struct name_table t;
	char name[16];
	unsigned first = 0;

	(void)state;
	name_table_init(&t, sizeof(uint64_t), NULL);
	assert_null(name_table_find(&t, "n1"));
	for (int i = 0; i < STEPS; i++) {
		/* The range grows, so that the table is met at each of its sizes. */
		uint64_t n = draw(&seed, 1 + (uint64_t)i / 20);
		uint64_t *value;

		snprintf(name, sizeof(name), "n%u", (unsigned)n);
		if (!name_table_find(&t, name) && t.count >= NAME_TABLE_MAX)
			other++;
		else
			expected[n]++;
		value = name_table_at(&t, name);
		assert_non_null(value);
		++*value;
		if (i == STEPS / 2)
			first = t.count;
	}
	assert_int_equal(first, NAME_TABLE_NAMES_MAX);
	assert_int_equal(t.count, NAME_TABLE_NAMES_MAX);
	for (unsigned n = 0; n < 1000; n++) {
		const uint64_t *value;

		snprintf(name, sizeof(name), "n%u", n);
		value = name_table_find(&t, name);
		assert_int_equal(value ? *value : 0, expected[n]);
	}
	assert_int_equal(*(const uint64_t *)name_table_find(&t, NAME_TABLE_OTHER), other);
	name_table_clear(&t);
	assert_int_equal(t.count, 0);
	assert_null(name_table_find(&t, "n1"));
	assert_non_null(name_table_at(&t, "n1"));
	assert_int_equal(t.count, 1);
	name_table_free(&t);
}

/* Keys hold NULs, one is the beginning of another, and there may be as many as the index bears. */
static void a_key_is_all_its_bytes(void **state)
{
	static const char bytes[] = "a\0b\0\0a\0b\0c";
	struct name_table t;

	(void)state;
	name_table_init(&t, sizeof(uint64_t), NULL);
	for (size_t length = 0; length < sizeof(bytes); length++)
		*(uint64_t *)name_table_at_key(&t, bytes, length) = length + 1;
	assert_int_equal(t.count, sizeof(bytes));
	for (size_t length = 0; length < sizeof(bytes); length++) {
		const struct name_table_entry *e = name_table_entry(&t, bytes, length);

		assert_int_equal(*(const uint64_t *)e->value, length + 1);
		assert_int_equal(e->length, length);
		assert_memory_equal(e->name, bytes, length);
		assert_int_equal(e->name[length], '\0');
	}
	for (uint32_t i = t.count; i < NAME_TABLE_ENTRIES_MAX; i++)
		*(uint64_t *)name_table_at_key(&t, (const char *)&i, sizeof(i)) = i;
	assert_int_equal(t.count, NAME_TABLE_ENTRIES_MAX);
	for (uint32_t i = sizeof(bytes); i < NAME_TABLE_ENTRIES_MAX; i++)
		assert_int_equal(
		    *(const uint64_t *)name_table_find_key(&t, (const char *)&i, sizeof(i)), i);
	name_table_free(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_name_counts_for_itself_or_for_other),
	    cmocka_unit_test(a_key_is_all_its_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
