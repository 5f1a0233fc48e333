/*
 * snapshot_read.h: a document of the board or of a file as a snapshot (stats/snapshot.h).
 *
 * The document may come from any process that could write the board, from an earlier version, or
 * from the system before orbus. A number that is missing, or of another type, is unknown or 0. More
 * names, errors or rules than any agent writes (base/data_limits.h) make the whole a bad one.
 */
#ifndef ORBUS_DOC_SNAPSHOT_READ_H
#define ORBUS_DOC_SNAPSHOT_READ_H

#include "stats/snapshot.h"

#include <jansson.h>

/* A new snapshot: 0, -EBADMSG or -ENOMEM. */
int snapshot_from_document(const json_t *document, struct snapshot **out);

/* Adds what the board says of its agent; NULL: there is none. */
void snapshot_add_agent(struct snapshot *s, const json_t *agent);

/* Adds its alerts, once; NULL and null: there are none. 0, -EBADMSG or -ENOMEM. */
int snapshot_add_alerts(struct snapshot *s, const json_t *alerts);

#endif
