/*
 * json_in.h: walks JSON text from front to back and takes only what is asked for.
 *
 * For documents of which a report needs a fraction: no tree is built, what is skipped costs a look
 * at each byte. It is not for judging JSON: what is skipped is checked for brackets and strings
 * alone. The text need not end with a NUL.
 *
 *   json_cursor_open(&c, '{');
 *   while (json_cursor_member(&c, &key)) {
 *           if (json_text_is(&key, "total"))
 *                   json_cursor_count(&c, &total);
 *           else
 *                   json_cursor_skip(&c);
 *   }
 *
 * Anything unexpected makes the cursor fail for good: every further step does nothing and gives
 * nothing, so that one look at `failed` in the end is enough.
 */
#ifndef ORBUS_DOC_JSON_IN_H
#define ORBUS_DOC_JSON_IN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct json_cursor {
	const char *at, *end;
	bool fresh; /* an object or array was entered and nothing of it taken yet */
	bool failed;
};

/* A string as it stands between its quotes, escapes and all. */
struct json_text {
	const char *at;
	size_t length;
};

void json_cursor_init(struct json_cursor *c, const char *text, size_t length);

/* What comes next, as in doc_source.h. */
char json_cursor_kind(struct json_cursor *c);

/* Enters an object, '{', or array, '['. */
void json_cursor_open(struct json_cursor *c, char bracket);

/* The next key of the object that was entered; its value comes next. False: no more. */
bool json_cursor_member(struct json_cursor *c, struct json_text *key);

/* Whether the array that was entered has one more value, which comes next. */
bool json_cursor_item(struct json_cursor *c);

/* Passes over a value of any kind. */
void json_cursor_skip(struct json_cursor *c);

/* A whole number from 0 to INT64_MAX. */
void json_cursor_count(struct json_cursor *c, uint64_t *out);

/* Such of any number: 0 where it is negative, cut where it is too large or no integer. */
bool json_cursor_any_count(struct json_cursor *c, uint64_t *out);

/* A whole number from -INT64_MAX to INT64_MAX. */
void json_cursor_integer(struct json_cursor *c, int64_t *out);

/* A whole array of such numbers, at most `max` of them; returns how many. */
size_t json_cursor_counts(struct json_cursor *c, uint64_t *out, size_t max);

/* A number, or null, which is NaN. */
void json_cursor_figure(struct json_cursor *c, double *out);

void json_cursor_bool(struct json_cursor *c, bool *out);

void json_cursor_text(struct json_cursor *c, struct json_text *out);

/* Fails unless nothing but white space is left. */
void json_cursor_end(struct json_cursor *c);

/* True if the text is exactly this, written without escapes. */
static inline bool json_text_is(const struct json_text *t, const char *word)
{
	/* Inline, so that the length of a literal is known. */
	return strlen(word) == t->length && memcmp(t->at, word, t->length) == 0;
}

/*
 * The text itself, as valid UTF-8 without NULs. False where it is no such text or does not fit in
 * `bytes`, its end included.
 */
bool json_text_copy(const struct json_text *t, char *out, size_t bytes);

/* The same, but what does not fit is cut off, on a character. */
bool json_text_cut(const struct json_text *t, char *out, size_t bytes);

#endif
