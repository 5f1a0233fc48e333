/*
 * nearest.h: what a mistyped word was meant to be: of keys, options, their values and names of
 * buses.
 *
 * It only finds a word to name in a message. Nothing is ever done for a word that was guessed.
 */
#ifndef ORBUS_BASE_NEAREST_H
#define ORBUS_BASE_NEAREST_H

#include <stdbool.h>
#include <stddef.h>

/* Longer words are never near: so the work for two words is bounded. */
#define NEAREST_BYTES_MAX 64

#define NEAREST_NOT_NEAR ((size_t)-1)

/*
 * How many letters must be changed, left out, put in or exchanged with the next one to make `b` of
 * `a`; small and capital letters are the same. NEAREST_NOT_NEAR where one of them is longer than
 * NEAREST_BYTES_MAX.
 */
size_t nearest_distance(const char *a, size_t a_bytes, const char *b, size_t b_bytes);

/*
 * How far `word` is from `candidate`, where the one may have been typed for the other: one slip in
 * a word of three or four letters, two in a longer one, or one of them is the beginning of the
 * other. Else NEAREST_NOT_NEAR. Words whose digits differ are not near: host1 is no slip for host2.
 */
size_t nearest_slips(const char *word, size_t bytes, const char *candidate, size_t candidate_bytes);

/*
 * The nearest of `candidate` as they are offered, the first of equals.
 *
 *   struct nearest n = nearest_begin(word, bytes);
 *   for each: nearest_offer(&n, candidate, candidate_bytes);
 *   if (n.found) ... n.found, n.found_bytes
 */
struct nearest {
	const char *word;
	size_t bytes, slips;
	const char *found; /* NULL: none is near */
	size_t found_bytes;
};

struct nearest nearest_begin(const char *word, size_t bytes);
void nearest_offer(struct nearest *n, const char *candidate, size_t bytes);

/* The nearest of "a|b|c", as it stands there; *bytes is its length. NULL: none is near. */
const char *nearest_choice(const char *word, const char *choices, size_t *bytes);

#endif
