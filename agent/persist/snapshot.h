/*
 * snapshot.h: metrics_....json, all that was counted since the agent started, written on demand.
 */
#ifndef ORBUS_AGENT_PERSIST_SNAPSHOT_H
#define ORBUS_AGENT_PERSIST_SNAPSHOT_H

#include "agent/aggregate/document_context.h"
#include "agent/common/data_dir_lock.h"

struct store;

/* Gives the file to the store, and logs what becomes of it. */
void snapshot_write(const struct document_sources *documents, const struct folder *folder,
    struct store *store, uint64_t now_ns);

#endif
