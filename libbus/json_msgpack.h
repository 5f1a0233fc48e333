/*
 * json_msgpack.h: JSON values as msgpack and back, so that a document is described once and serves
 * the period files (JSON), the board and the state file (msgpack).
 */
#ifndef ORBUS_JSON_MSGPACK_H
#define ORBUS_JSON_MSGPACK_H

#include <jansson.h>
#include <stddef.h>

/* A JSON value as msgpack; *bytes is malloc'ed. 0 or -ENOMEM. */
int json_to_msgpack(const json_t *value, char **bytes, size_t *length);

/*
 * Untrusted msgpack as a JSON value (a new reference): at most `depth` levels, keys are strings,
 * all text is UTF-8, no binary or extension types. NULL: not such a document, or out of memory.
 */
json_t *json_from_msgpack(const void *bytes, size_t length, unsigned depth);

/*
 * The same for a part of a document alone, which costs a fraction of the whole: the one that these
 * keys lead to, each of a map within the last one's value; NULL ends them. NULL: there is none.
 */
json_t *json_from_msgpack_at(
    const void *bytes, size_t length, const char *const *path, unsigned depth);

#endif
