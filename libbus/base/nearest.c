/*
 * nearest.c: what a mistyped word was meant to be.
 */
#include "nearest.h"

#include <string.h>

/* Of A to Z alone: keys, options and buses are named in ASCII. */
static char fold(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool is_same(char a, char b)
{
	return fold(a) == fold(b);
}

size_t nearest_distance(const char *a, size_t a_bytes, const char *b, size_t b_bytes)
{
	size_t d[NEAREST_BYTES_MAX + 1][NEAREST_BYTES_MAX + 1];

	if (a_bytes > NEAREST_BYTES_MAX || b_bytes > NEAREST_BYTES_MAX)
		return NEAREST_NOT_NEAR;
	for (size_t i = 0; i <= a_bytes; i++)
		d[i][0] = i;
	for (size_t j = 0; j <= b_bytes; j++)
		d[0][j] = j;
	for (size_t i = 1; i <= a_bytes; i++) {
		for (size_t j = 1; j <= b_bytes; j++) {
			size_t least = d[i - 1][j - 1] + !is_same(a[i - 1], b[j - 1]);

			least = d[i - 1][j] + 1 < least ? d[i - 1][j] + 1 : least;
			least = d[i][j - 1] + 1 < least ? d[i][j - 1] + 1 : least;
			if (i > 1 && j > 1 && is_same(a[i - 1], b[j - 2]) &&
			    is_same(a[i - 2], b[j - 1]) && d[i - 2][j - 2] + 1 < least)
				least = d[i - 2][j - 2] + 1;
			d[i][j] = least;
		}
	}
	return d[a_bytes][b_bytes];
}

/* The next digit, or '\0' after the last. */
static char next_digit(const char **s, const char *end)
{
	while (*s < end && (**s < '0' || **s > '9'))
		++*s;
	return *s < end ? *(*s)++ : '\0';
}

static bool has_same_digits(const char *a, size_t a_bytes, const char *b, size_t b_bytes)
{
	const char *a_end = a + a_bytes, *b_end = b + b_bytes;

	for (;;) {
		char x = next_digit(&a, a_end), y = next_digit(&b, b_end);

		if (x != y)
			return false;
		if (!x)
			return true;
	}
}

/* "5min" for "5m", "prov" for "provider". One letter alone begins too much. */
static bool begins(const char *a, size_t a_bytes, const char *b, size_t b_bytes)
{
	size_t common = a_bytes < b_bytes ? a_bytes : b_bytes;

	return common >= 2 && memcmp(a, b, common) == 0;
}

size_t nearest_slips(const char *word, size_t bytes, const char *candidate, size_t candidate_bytes)
{
	size_t slips = nearest_distance(word, bytes, candidate, candidate_bytes);
	size_t allowed = bytes < 3 ? 0 : bytes < 5 ? 1 : 2;

	if (slips == NEAREST_NOT_NEAR || bytes == 0 ||
	    !has_same_digits(word, bytes, candidate, candidate_bytes))
		return NEAREST_NOT_NEAR;
	if (slips <= allowed || begins(word, bytes, candidate, candidate_bytes))
		return slips;
	return NEAREST_NOT_NEAR;
}

struct nearest nearest_begin(const char *word, size_t bytes)
{
	return (struct nearest){.word = word, .bytes = bytes, .slips = NEAREST_NOT_NEAR};
}

void nearest_offer(struct nearest *n, const char *candidate, size_t bytes)
{
	size_t slips = nearest_slips(n->word, n->bytes, candidate, bytes);

	if (slips >= n->slips)
		return;
	n->slips = slips;
	n->found = candidate;
	n->found_bytes = bytes;
}

const char *nearest_choice(const char *word, const char *choices, size_t *bytes)
{
	struct nearest n = nearest_begin(word, strlen(word));

	for (const char *s = choices; *s;) {
		size_t length = strcspn(s, "|");

		nearest_offer(&n, s, length);
		s += length + (s[length] == '|');
	}
	*bytes = n.found_bytes;
	return n.found;
}
