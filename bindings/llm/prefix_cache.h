/*
 * prefix_cache.h: skips the part that each event of a stream begins with, up to its text, once it
 * was read.
 *
 * A chunk of 300 bytes brings a word or two; id, model and so on are the same as in the one before.
 * When an event begins with the very bytes after which the last one's text began, the scan goes on
 * from the state that it had there. It is for speed alone: the facts are the same without it.
 */
#ifndef ORBUS_LLM_PREFIX_CACHE_H
#define ORBUS_LLM_PREFIX_CACHE_H

#include "json_push.h"

#include <string.h>

#define PREFIX_CACHE_BYTES 512

struct prefix_cache {
	size_t length;         /* of what is known, 0: nothing */
	const char *now, *end; /* the piece that an event begins with, until its text begins */
	struct json_scan scan; /* after what is known */
	char known[PREFIX_CACHE_BYTES];
};

/* An event begins with these bytes. Returns how many of them need not be read; the scan is set. */
static inline size_t prefix_cache_begin(
    struct prefix_cache *r, struct json_scan *scan, const char *bytes, size_t length)
{
	if (r->length > 0 && length >= r->length && memcmp(bytes, r->known, r->length) == 0) {
		*scan = r->scan;
		return r->length;
	}
	r->length = 0;
	r->now = bytes;
	r->end = bytes + length;
	return 0;
}

/* The piece that the event begins with has been read. */
static inline void prefix_cache_end(struct prefix_cache *r)
{
	r->now = NULL;
}

/* Text begins at `text`: the event's first, if this is the first call since prefix_cache_begin().
 */
static inline void prefix_cache_learn(
    struct prefix_cache *r, const struct json_scan *scan, const char *text)
{
	const char *now = r->now;

	r->now = NULL;
	/* An escape's character lies elsewhere. */
	if (!now || text < now || text >= r->end || (size_t)(text - now) > sizeof(r->known))
		return;
	r->length = (size_t)(text - now);
	memcpy(r->known, now, r->length);
	r->scan = *scan;
}

/* What this event begins with must be read each time. */
static inline void prefix_cache_forget(struct prefix_cache *r)
{
	r->now = NULL;
	r->length = 0;
}

/* Something other than text was learnt. After the text it is not in what is known: forget that. */
static inline void prefix_cache_doubt(struct prefix_cache *r)
{
	if (!r->now)
		r->length = 0;
}

#endif
