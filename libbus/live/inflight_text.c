/*
 * inflight_text.c: as much of a text as is kept of a request in flight.
 */
#include "inflight_text.h"

#include <stdio.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

size_t inflight_kept_bytes(const char *s, size_t room)
{
	size_t n = strnlen(s, room);

	if (n < room)
		return n;
	n = room - 1;
	while (n > 0 && ((unsigned char)s[n] & 0xc0) == 0x80)
		n--;
	return n;
}

#define HASH_DIGITS 32

void inflight_keep_id(char out[static INFLIGHT_TEXT_BYTES], const char *id)
{
	size_t length = strnlen(id, INFLIGHT_TEXT_BYTES);
	XXH128_hash_t hash;

	if (length < INFLIGHT_TEXT_BYTES) {
		memcpy(out, id, length + 1);
		return;
	}
	hash = XXH3_128bits(id, strlen(id));
	length = inflight_kept_bytes(id, INFLIGHT_TEXT_BYTES - HASH_DIGITS);
	memcpy(out, id, length);
	snprintf(out + length, HASH_DIGITS + 1, "%016llx%016llx", (unsigned long long)hash.high64,
	    (unsigned long long)hash.low64);
}
