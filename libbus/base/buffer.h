/*
 * buffer.h: bytes that grow at their end.
 */
#ifndef ORBUS_BASE_BUFFER_H
#define ORBUS_BASE_BUFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define BUFFER_FIRST_CAPACITY 16384

/* All zero is an empty one; `bytes` are malloc'ed. */
struct buffer {
	char *bytes;
	size_t length, capacity;
};

/* False: out of memory, nothing is changed. */
static inline bool buffer_append(struct buffer *b, const void *bytes, size_t length)
{
	if (length > b->capacity - b->length) {
		size_t capacity = 2 * b->capacity + length + BUFFER_FIRST_CAPACITY;
		char *grown = realloc(b->bytes, capacity);

		if (!grown)
			return false;
		b->bytes = grown;
		b->capacity = capacity;
	}
	memcpy(b->bytes + b->length, bytes, length);
	b->length += length;
	return true;
}

#endif
