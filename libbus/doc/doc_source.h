/*
 * doc_source.h: a document as it is read, value by value, whatever it is written in: JSON text or
 * msgpack. The mirror of writer.h.
 *
 *   doc_open(s);
 *   while (doc_member(s, &key)) {
 *           if (doc_text_is(&key, "total"))
 *                   doc_count(s, &total);
 *           else
 *                   doc_skip(s);
 *   }
 *
 * Both cursors have the same steps and fail alike: for good, and every further step gives nothing.
 * The steps are inline and branch to the cursor that is meant: an array of a histogram's buckets is
 * one step, so nothing that is done for each byte comes through here.
 */
#ifndef ORBUS_DOC_DOC_SOURCE_H
#define ORBUS_DOC_DOC_SOURCE_H

#include "base/utf8.h"
#include "json_in.h"
#include "msgpack_cursor.h"

struct doc_source {
	bool is_msgpack;
	union {
		struct json_cursor text;
		struct msgpack_cursor msgpack;
	};
};

/* A key or a text as the source has it: of JSON, escapes and all. */
struct doc_text {
	const char *at;
	size_t length;
	bool is_escaped;
};

static inline void doc_source_text(struct doc_source *s, const char *text, size_t length)
{
	s->is_msgpack = false;
	json_cursor_init(&s->text, text, length);
}

static inline void doc_source_msgpack(struct doc_source *s, const void *bytes, size_t length)
{
	s->is_msgpack = true;
	msgpack_cursor_init(&s->msgpack, bytes, length);
}

static inline bool doc_failed(const struct doc_source *s)
{
	return s->is_msgpack ? s->msgpack.in.failed : s->text.failed;
}

static inline void doc_fail(struct doc_source *s)
{
	if (s->is_msgpack)
		s->msgpack.in.failed = true;
	else
		s->text.failed = true;
}

/* What comes next: '{', '[', '"', '0' (a number), 'n' (null), 't' (true or false); 0: nothing such.
 */
static inline char doc_kind(struct doc_source *s)
{
	return s->is_msgpack ? msgpack_cursor_kind(&s->msgpack) : json_cursor_kind(&s->text);
}

static inline void doc_open(struct doc_source *s)
{
	if (s->is_msgpack)
		msgpack_cursor_open(&s->msgpack, false);
	else
		json_cursor_open(&s->text, '{');
}

static inline void doc_open_array(struct doc_source *s)
{
	if (s->is_msgpack)
		msgpack_cursor_open(&s->msgpack, true);
	else
		json_cursor_open(&s->text, '[');
}

static inline bool doc_member(struct doc_source *s, struct doc_text *key)
{
	struct msgpack_text packed;
	struct json_text plain;

	if (s->is_msgpack) {
		if (!msgpack_cursor_member(&s->msgpack, &packed))
			return false;
		*key = (struct doc_text){packed.at, packed.length, false};
	} else {
		if (!json_cursor_member(&s->text, &plain))
			return false;
		*key = (struct doc_text){plain.at, plain.length, true};
	}
	return true;
}

static inline bool doc_item(struct doc_source *s)
{
	return s->is_msgpack ? msgpack_cursor_item(&s->msgpack) : json_cursor_item(&s->text);
}

static inline void doc_skip(struct doc_source *s)
{
	if (s->is_msgpack)
		msgpack_cursor_skip(&s->msgpack);
	else
		json_cursor_skip(&s->text);
}

static inline void doc_count(struct doc_source *s, uint64_t *out)
{
	if (s->is_msgpack)
		msgpack_cursor_count(&s->msgpack, out);
	else
		json_cursor_count(&s->text, out);
}

/*
 * A count of any number: 0 where it is negative, cut where it is too large or no integer. Whether
 * it is one.
 */
static inline bool doc_any_count(struct doc_source *s, uint64_t *out)
{
	return s->is_msgpack ? msgpack_cursor_any_count(&s->msgpack, out)
	                     : json_cursor_any_count(&s->text, out);
}

static inline void doc_integer(struct doc_source *s, int64_t *out)
{
	if (s->is_msgpack)
		msgpack_cursor_integer(&s->msgpack, out);
	else
		json_cursor_integer(&s->text, out);
}

/* A whole array of counts, at most `max`: how many. */
static inline size_t doc_counts(struct doc_source *s, uint64_t *out, size_t max)
{
	return s->is_msgpack ? msgpack_cursor_counts(&s->msgpack, out, max)
	                     : json_cursor_counts(&s->text, out, max);
}

/* A number within FIGURE_MAX, or null, which is NaN. */
static inline void doc_figure(struct doc_source *s, double *out)
{
	if (s->is_msgpack)
		msgpack_cursor_figure(&s->msgpack, out);
	else
		json_cursor_figure(&s->text, out);
	*out = figure_bound(*out);
}

static inline void doc_bool(struct doc_source *s, bool *out)
{
	if (s->is_msgpack)
		msgpack_cursor_bool(&s->msgpack, out);
	else
		json_cursor_bool(&s->text, out);
}

static inline void doc_text(struct doc_source *s, struct doc_text *out)
{
	struct msgpack_text packed;
	struct json_text plain;

	if (s->is_msgpack) {
		msgpack_cursor_text(&s->msgpack, &packed);
		*out = (struct doc_text){packed.at, packed.length, false};
	} else {
		json_cursor_text(&s->text, &plain);
		*out = (struct doc_text){plain.at, plain.length, true};
	}
}

/* Fails unless nothing but white space is left. */
static inline void doc_end(struct doc_source *s)
{
	if (s->is_msgpack)
		msgpack_cursor_end(&s->msgpack);
	else
		json_cursor_end(&s->text);
}

/* True if the text is exactly this; of JSON, written without escapes. */
static inline bool doc_text_is(const struct doc_text *t, const char *word)
{
	return strlen(word) == t->length && memcmp(t->at, word, t->length) == 0;
}

/*
 * The text itself, as valid UTF-8 without NULs, cut on a character where it does not fit in
 * `bytes`, its end included. False where it is no such text.
 */
static inline bool doc_text_cut(const struct doc_text *t, char *out, size_t bytes)
{
	size_t n;

	if (t->is_escaped)
		return json_text_cut(&(struct json_text){t->at, t->length}, out, bytes);
	if (!utf8_is_valid(t->at, t->length))
		return false;
	n = utf8_cut(t->at, t->length, bytes - 1);
	memcpy(out, t->at, n);
	out[n] = '\0';
	return true;
}

#endif
