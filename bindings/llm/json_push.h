/*
 * json_push.h: reads JSON as it comes, in pieces of any size, in constant memory.
 *
 * A parser that builds a tree, or holds a string until its end, would keep a copy of every answer.
 * This one checks the grammar of RFC 8259 and of UTF-8, reports the values whose place in the
 * document is wanted, as they pass, and keeps nothing. It knows nothing of LLMs.
 */
#ifndef ORBUS_LLM_JSON_PUSH_H
#define ORBUS_LLM_JSON_PUSH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Places are numbered by the caller, from 2. */
#define JSON_ELSEWHERE  0
#define JSON_ROOT       1
#define JSON_PLACES_MAX 64

/*
 * Where a place is: a member of the object, or the elements of the array, `parent`. What lies
 * within JSON_ELSEWHERE is elsewhere too.
 */
struct json_rule {
	uint8_t parent;
	uint8_t place;
	uint8_t length;  /* of the key */
	const char *key; /* at most 62 bytes; NULL: the elements of an array */
};

/* clang-format off */
#define JSON_MEMBER(parent, place, key) {parent, place, sizeof(key) - 1, key}
#define JSON_ELEMENT(parent, place)     {parent, place, 0, NULL}
/* clang-format on */

enum json_event {
	JSON_SAW_OBJECT,  /* begins */
	JSON_SAW_ARRAY,   /* begins */
	JSON_SAW_TEXT,    /* a piece of a string, of whole characters; a string has any number */
	JSON_SAW_STRING,  /* a string has ended */
	JSON_SAW_NUMBER,  /* the bytes are its text; longer ones than 62 bytes are not reported */
	JSON_SAW_LITERAL, /* the bytes are true, false or null */
};

/* The bytes live until the call returns. Never called for JSON_ELSEWHERE. */
typedef void json_sink(
    void *data, uint8_t place, enum json_event event, const char *bytes, size_t length);

/* What is wanted of a kind of document. Made once, used by any number of scans. */
struct json_plan {
	const struct json_rule *rules; /* sorted by parent */
	uint8_t count;
	uint8_t otherwise; /* the place of what no rule names; 0 is JSON_ELSEWHERE */
	json_sink *sink;
};

#define JSON_DEPTH_MAX 256
#define JSON_TOKEN_MAX 63

/* Private to json_push.c; about 400 bytes, to be embedded anywhere. */
struct json_scan {
	const struct json_plan *plan;
	void *data;
	uint8_t first_rule[JSON_PLACES_MAX]; /* of a parent */
	uint8_t state;
	uint8_t place;        /* of the value that is awaited or under way */
	bool in_key;          /* the string under way is a key */
	bool replaced;        /* half a surrogate pair, or \u0000, has become U+FFFD */
	uint16_t depth;       /* containers that are open */
	uint16_t high;        /* first half of a surrogate pair, 0: none */
	uint16_t unit;        /* of a \u escape, so far */
	uint8_t unit_digits;  /* of them, so far */
	uint8_t token_length; /* JSON_TOKEN_MAX + 1: too long */
	uint8_t partial_length, partial_needed;
	char token[JSON_TOKEN_MAX + 1]; /* key, number or literal */
	char partial[4];                /* a character whose end has not come */
	uint8_t open[JSON_DEPTH_MAX];   /* places, with the top bit set for objects */
};

/* The plan and `data` must live as long as the scan. */
void json_scan_init(struct json_scan *s, const struct json_plan *plan, void *data);

/* Makes it ready for another document. */
void json_scan_restart(struct json_scan *s);

/*
 * Takes the next bytes. 0, -EBADMSG where they make the document malformed, or -E2BIG where it is
 * nested deeper than JSON_DEPTH_MAX; that then stays until json_scan_restart().
 */
int json_scan_feed(struct json_scan *s, const char *bytes, size_t length);

/* After the last byte: 0 for one whole value, else -EBADMSG or -E2BIG. */
int json_scan_end(struct json_scan *s);

/* Whether the value under way lies in the object or array at `place`. */
bool json_scan_is_within(const struct json_scan *s, uint8_t place);

#endif
