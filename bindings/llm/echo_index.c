/*
 * echo_index.c: texts, found by each 4 bytes of them.
 */
#include "echo_index.h"
#include "echo_text.h"

void echo_index_init(struct echo_index *x)
{
	x->used = 1;
	x->variants = 0;
	x->bytes[0] = '\0';
	memset(x->heads, 0, sizeof(x->heads));
}

/* Whether these folded bytes are the owner's already: most ways to decode a text come to the same.
 */
static bool index_has(const struct echo_index *x, const char *bytes, size_t length, size_t owner)
{
	size_t start = 1;

	for (size_t i = 0; i < x->variants; start = x->ends[i++])
		if (x->owners[i] == owner && x->ends[i] - start == length + 1 &&
		    memcmp(x->bytes + start, bytes, length) == 0)
			return true;
	return false;
}

static void index_grams(struct echo_index *x, size_t start, size_t end)
{
	for (size_t at = start; at + ECHO_GRAM <= end; at++) {
		size_t bucket = echo_bucket_of(echo_gram_at(x->bytes + at));

		x->next[at] = x->heads[bucket];
		x->heads[bucket] = (uint16_t)at;
	}
}

bool echo_index_add(struct echo_index *x, const char *text, size_t length, size_t owner)
{
	size_t start = x->used;

	if (length < ECHO_CHARACTERS)
		return true;
	if (x->variants == ECHO_VARIANTS_MAX || length >= ECHO_INDEX_BYTES - start)
		return false;
	for (size_t i = 0; i < length; i++)
		x->bytes[start + i] = (char)echo_fold((unsigned char)text[i]);
	if (index_has(x, x->bytes + start, length, owner))
		return true;
	index_grams(x, start, start + length);
	x->used += length;
	x->bytes[x->used++] = '\0';
	x->ends[x->variants] = (uint16_t)x->used;
	x->owners[x->variants++] = (uint8_t)owner;
	return true;
}

size_t echo_index_owner(const struct echo_index *x, size_t at)
{
	size_t i = 0;

	while (x->ends[i] <= at)
		i++;
	return x->owners[i];
}
