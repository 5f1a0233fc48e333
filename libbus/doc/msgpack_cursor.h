/*
 * msgpack_cursor.h: walks msgpack from front to back, with the steps that json_in.h has for text.
 *
 * It allocates nothing and never believes a count. What is skipped is checked for its shape alone:
 * its texts may be no UTF-8. Anything unexpected makes the cursor fail for good, as that of
 * json_in.h.
 */
#ifndef ORBUS_DOC_MSGPACK_CURSOR_H
#define ORBUS_DOC_MSGPACK_CURSOR_H

#include "base/data_limits.h"
#include "base/msgpack_in.h"

struct msgpack_cursor {
	struct mp_reader in;
	unsigned depth;                    /* maps and arrays that were entered */
	uint32_t left[DOCUMENT_DEPTH_MAX]; /* pairs or items of each that have not been taken */
};

/* By the first byte; binary and extensions are nothing that a document has. */
extern const char msgpack_kinds[256];

/* A string or key, within the input. */
struct msgpack_text {
	const char *at;
	size_t length;
};

void msgpack_cursor_init(struct msgpack_cursor *c, const void *bytes, size_t length);

/* What comes next, as in doc_source.h. */
static inline char msgpack_cursor_kind(const struct msgpack_cursor *c)
{
	return c->in.failed || c->in.at == c->in.end ? '\0' : msgpack_kinds[*c->in.at];
}

/* Enters a map, or an array. */
void msgpack_cursor_open(struct msgpack_cursor *c, bool is_array);

/* The next key of the map that was entered; its value comes next. False: no more. */
bool msgpack_cursor_member(struct msgpack_cursor *c, struct msgpack_text *key);

/* Whether the array that was entered has one more value, which comes next. */
bool msgpack_cursor_item(struct msgpack_cursor *c);

void msgpack_cursor_skip(struct msgpack_cursor *c);

/* An integer from 0 to INT64_MAX; such of any number; any integer; an array of the first, at most
 * `max`. */
void msgpack_cursor_count(struct msgpack_cursor *c, uint64_t *out);
bool msgpack_cursor_any_count(struct msgpack_cursor *c, uint64_t *out);
void msgpack_cursor_integer(struct msgpack_cursor *c, int64_t *out);
size_t msgpack_cursor_counts(struct msgpack_cursor *c, uint64_t *out, size_t max);

/* An integer or a finite double, or nil, which is NaN. */
void msgpack_cursor_figure(struct msgpack_cursor *c, double *out);

void msgpack_cursor_bool(struct msgpack_cursor *c, bool *out);
void msgpack_cursor_text(struct msgpack_cursor *c, struct msgpack_text *out);

/* Fails unless nothing is left. */
void msgpack_cursor_end(struct msgpack_cursor *c);

#endif
