/*
 * echo_index.h: texts, found by each 4 bytes of them.
 *
 * It is not for what is looked for in them: echo.c.
 */
#ifndef ORBUS_LLM_ECHO_INDEX_H
#define ORBUS_LLM_ECHO_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define ECHO_GRAM 4

#define ECHO_INDEX_BYTES 3072
#define ECHO_BUCKETS     512

#define ECHO_VARIANTS_MAX 48

struct echo_index {
	size_t used;
	size_t variants;
	uint16_t ends[ECHO_VARIANTS_MAX]; /* of each variant, and whose it is */
	uint8_t owners[ECHO_VARIANTS_MAX];
	uint16_t heads[ECHO_BUCKETS];    /* of a bucket's chain of places; 0 ends it */
	uint16_t next[ECHO_INDEX_BYTES]; /* of a place */
	char bytes[ECHO_INDEX_BYTES];    /* variants between zero bytes, which no run crosses */
};

static inline uint32_t echo_gram_at(const char *p)
{
	uint32_t gram;

	memcpy(&gram, p, sizeof(gram));
	return gram;
}

static inline size_t echo_bucket_of(uint32_t gram)
{
	return gram * UINT32_C(2654435761) >> 23;
}
_Static_assert(ECHO_BUCKETS == 1 << (32 - 23), "the hash is 9 bits");

void echo_index_init(struct echo_index *x);

/* Adds a form of the owner's text, folded. False: there is no room for it. */
bool echo_index_add(struct echo_index *x, const char *text, size_t length, size_t owner);

/* Whose text is at a place. */
size_t echo_index_owner(const struct echo_index *x, size_t at);

#endif
