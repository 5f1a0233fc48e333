/*
 * document_scan_internal.h: what the two files of document_scan share: figures by name are read in
 * document_scan.c, all else in document_scan_rest.c.
 */
#ifndef ORBUS_DOC_DOCUMENT_SCAN_INTERNAL_H
#define ORBUS_DOC_DOCUMENT_SCAN_INTERNAL_H

#include "base/clock.h"
#include "document.h"
#include "document_scan.h"
#include "json_in.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#define NAME_BYTES (ORBUS_TEXT_MAX + 1)

/* A sum as a document has it: a double, and what the exact sum has beyond it. */
struct raw_sum {
	double figure; /* NaN: null, or not there */
	int64_t rest;
};

struct scan {
	struct json_cursor c;
	struct aggregate *out;
	struct document_period *period;
	struct name_table shown; /* counts where they are shown: what a file without `counts` has */
	struct name_table rests; /* of int64_t, by name: what `counts` leaves out of its sums */
	struct raw_sum cost;
	unsigned parts;
	unsigned seen; /* enum seen */
	int error;     /* of what the cursor cannot know */
};

/* What a document must have, once: always; and of the rest, where that is wanted. */
enum seen {
	SEEN_PERIOD = 1 << 0,
	SEEN_REQUESTS = 1 << 1,
	SEEN_TOKENS = 1 << 2,
	SEEN_COST = 1 << 3,
	SEEN_HISTOGRAMS = 1 << 4,
	SEEN_ALWAYS = (1 << 5) - 1,
	SEEN_ERRORS = 1 << 5,
	SEEN_ERROR_TYPES = 1 << 6,
	SEEN_ACTIVE = 1 << 7,
	SEEN_GAUGES = 1 << 8,
	SEEN_USERS = 1 << 9,
	SEEN_CHANNELS = 1 << 10,
	SEEN_LOST = 1 << 11,
	SEEN_REJECTED = 1 << 12,
	SEEN_SKEWED = 1 << 13,
	SEEN_REST = (1 << 14) - 1 - SEEN_ALWAYS,
	SEEN_MODELS = 1 << 14,
	SEEN_BOTS = 1 << 15,
	SEEN_PROVIDERS = 1 << 16,
	SEEN_COUNTS = 1 << 17, /* files of earlier versions have none */
};

static inline bool failed(const struct scan *s)
{
	return s->error || s->c.failed;
}

static inline void refuse(struct scan *s, int error)
{
	if (!s->error)
		s->error = error;
	s->c.failed = true;
}

static inline void see(struct scan *s, enum seen what)
{
	if (s->seen & what)
		refuse(s, -EBADMSG);
	s->seen |= what;
}

/* The key as a name, cut as series cut it; "" where it is none, which is refused. */
static inline void take_name(struct scan *s, const struct json_text *key, char name[NAME_BYTES])
{
	if (!json_text_cut(key, name, NAME_BYTES)) {
		name[0] = '\0';
		refuse(s, -EBADMSG);
	}
}

/* A figure, or null. */
static inline void take_number(struct scan *s, double *out)
{
	json_cursor_figure(&s->c, out);
	*out = figure_bound(*out);
}

/* A figure >= 0, or null. */
static inline void take_figure(struct scan *s, double *out)
{
	take_number(s, out);
	if (*out < 0)
		refuse(s, -EBADMSG);
}

/* Takes the value of `key` if it is that of the sum's double or of its rest. */
static inline bool take_sum(
    struct scan *s, const struct json_text *key, const char *name, struct raw_sum *sum)
{
	size_t length = strlen(name);

	if (json_text_is(key, name)) {
		take_figure(s, &sum->figure);
		return true;
	}
	if (key->length != length + strlen(DOCUMENT_REST_OF) ||
	    memcmp(key->at, name, length) != 0 ||
	    memcmp(key->at + length, DOCUMENT_REST_OF, strlen(DOCUMENT_REST_OF)) != 0)
		return false;
	json_cursor_integer(&s->c, &sum->rest);
	return true;
}

/* False: there is no such sum. That of null is 0. */
static inline bool raw_sum_get(const struct raw_sum *raw, struct exact_sum *out)
{
	*out = exact_of(raw->figure);
	return exact_adjust(out, raw->rest);
}

/* One more name of an object of them: as a series, it has no more than these. */
static inline void count_name(struct scan *s, unsigned *names)
{
	if (++*names > NAME_TABLE_NAMES_MAX)
		refuse(s, -EBADMSG);
}

static inline void take_time(struct scan *s, uint64_t *ns)
{
	struct json_text text;
	char copy[64];

	json_cursor_text(&s->c, &text);
	if (!json_text_copy(&text, copy, sizeof(copy)) || !clock_parse_rfc3339(copy, ns))
		refuse(s, -EBADMSG);
}

/* True if the key is one of the rest, whose value is then taken. */
bool scan_take_rest(struct scan *s, const struct json_text *key);

/* When all is read: the counts of a file that has them only where they are shown. */
void scan_settle_counts(struct scan *s);

#endif
