/*
 * msgpack_tree.h: msgpack as a document of another form: a JSON tree, or a file's text. What is to
 * be an aggregate or a snapshot needs no such step (doc_read.h, snapshot_read.h).
 */
#ifndef ORBUS_DOC_MSGPACK_TREE_H
#define ORBUS_DOC_MSGPACK_TREE_H

#include "writer.h"

/*
 * Writes untrusted msgpack as a value of any form, by the rules below. What is no such value fails
 * the writer.
 */
void writer_msgpack(struct writer *w, const char *key, const char *bytes, size_t length);

/*
 * Untrusted msgpack as a JSON value (a new reference): at most `depth` levels, keys are strings
 * of ORBUS_TEXT_MAX bytes at most, all text is UTF-8, no binary or extension types. NULL with errno
 * EBADMSG: it is no such document; ENOMEM.
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
