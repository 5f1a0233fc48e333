/*
 * state.h: the checkpoint: the ledger and the place reached in every lane, in one file.
 */
#ifndef ORBUS_AGENT_STATE_H
#define ORBUS_AGENT_STATE_H

#include "ledger.h"
#include "state_file.h"

/* The file's bytes, malloc'ed: 0 or -ENOMEM. The ledger's deltas must have been folded. */
int state_encode(const struct ledger *l, const struct state_bus *bus, uint64_t now_ns, char **bytes,
    size_t *length);

/*
 * Restores a ledger (initialised, empty) and the positions. Untrusted bytes: -EBADMSG where they
 * are damaged, -EPROTONOSUPPORT a newer version, -ENOMEM. Free *bus in any case.
 */
int state_decode(const void *bytes, size_t length, struct ledger *l, struct state_bus *bus);

#endif
