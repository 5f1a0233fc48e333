/*
 * msgpack_tree.h: JSON values from msgpack, for what reads the board and the state file.
 */
#ifndef ORBUS_DOC_MSGPACK_TREE_H
#define ORBUS_DOC_MSGPACK_TREE_H

#include <jansson.h>
#include <stddef.h>

/*
 * Untrusted msgpack as a JSON value (a new reference): at most `depth` levels, keys are strings,
 * all text is UTF-8, no binary or extension types. NULL with errno EBADMSG: it is no such document;
 * ENOMEM.
 */
json_t *json_from_msgpack(const void *bytes, size_t length, unsigned depth);

/*
 * The same for a part of a document alone, which costs a fraction of the whole: the one that these
 * keys lead to, each of a map within the last one's value; NULL ends them. NULL with errno EBADMSG:
 * there is none, or it is malformed; ENOMEM.
 */
json_t *json_from_msgpack_at(
    const void *bytes, size_t length, const char *const *path, unsigned depth);

#endif
