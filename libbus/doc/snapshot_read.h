/*
 * snapshot_read.h: a document of the board or of a file, or an aggregate, as a snapshot
 * (stats/snapshot.h): all by the tables of schema.def and board.def.
 *
 * The document may come from any process that could write the board, from an earlier version, or
 * from the system before orbus. A number that is missing, or of another type, is unknown or 0. What
 * no agent writes makes the whole a bad one: more names, errors or rules than base/data_limits.h
 * allows, a key twice, a text that is not UTF-8, a number that is not finite.
 */
#ifndef ORBUS_DOC_SNAPSHOT_READ_H
#define ORBUS_DOC_SNAPSHOT_READ_H

#include "stats/snapshot.h"

#include <jansson.h>

/* A window of the board's msgpack, with what it says of its agent and alerts: 0, -EBADMSG or
 * -ENOMEM. */
int snapshot_from_board(
    const void *bytes, size_t length, const char *window, struct snapshot **out);

/* A document, which may have `agent` and `alerts` beside its keys: 0, -EBADMSG or -ENOMEM. */
int snapshot_from_msgpack(const void *bytes, size_t length, struct snapshot **out);

/* The same of a tree: of a file of another system, which is JSON. */
int snapshot_from_document(const json_t *document, struct snapshot **out);

/*
 * As of an aggregate, with so many requests in flight: what its document says, by which there is
 * one way of computing it. 0 or -ENOMEM.
 */
int snapshot_from_aggregate(const struct aggregate *a, uint64_t in_flight, struct snapshot **out);

#endif
