/*
 * checkpoint_restore.h: the aggregator and the place reached in every lane, of a checkpoint's
 * bytes. Which checkpoint is read, and what is done with a damaged one, is restore.h's.
 */
#ifndef ORBUS_AGENT_PERSIST_CHECKPOINT_RESTORE_H
#define ORBUS_AGENT_PERSIST_CHECKPOINT_RESTORE_H

#include "agent/aggregate/aggregator.h"
#include "doc/checkpoint_bus.h"

/*
 * Restores an aggregator (initialised, empty) and the positions. Periods that are late at `now_ns`
 * stay sealed (agent/aggregate/periods.h): however many there are, it is soon done. 0: none is.
 *
 * Untrusted bytes: -EBADMSG where they are damaged, -EPROTONOSUPPORT a newer version, -ENOMEM. Free
 * *bus in any case.
 */
int checkpoint_restore(const void *bytes, size_t length, uint64_t now_ns, struct aggregator *l,
    struct checkpoint_bus *bus);

#endif
