/*
 * checkpoint_rest.h: what the checkpoint holds of the aggregator beside its periods: requests in
 * flight, the index of periods, trends, given times, the lifetime. One document, the second
 * section.
 */
#ifndef ORBUS_AGENT_PERSIST_CHECKPOINT_REST_H
#define ORBUS_AGENT_PERSIST_CHECKPOINT_REST_H

#include "agent/aggregate/aggregator.h"

/* The document, malloc'ed; NULL: out of memory. Given times that no window shows are dropped. */
char *checkpoint_rest_write(const struct aggregator *l, uint64_t now_ns, size_t *length);

/*
 * Into an aggregator (initialised, empty), from a document which may say more. Untrusted: 0,
 * -EBADMSG, -ENOMEM.
 */
int checkpoint_rest_read(const char *bytes, size_t length, struct aggregator *l);

#endif
