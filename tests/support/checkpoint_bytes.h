/*
 * checkpoint_bytes.h: for tests that save and restore: a checkpoint's bytes, as a save makes them.
 */
#ifndef ORBUS_TESTS_SUPPORT_CHECKPOINT_BYTES_H
#define ORBUS_TESTS_SUPPORT_CHECKPOINT_BYTES_H

#include "agent/persist/checkpoint_draft.h"
#include "agent/persist/checkpoint_restore.h"

/* With plain documents; malloc'ed: 0, -ENOMEM, -EFBIG. */
static inline int checkpoint_bytes(const struct aggregator *l, const struct checkpoint_bus *bus,
    uint64_t now_ns, char **bytes, size_t *length)
{
	struct checkpoint_draft d;
	int err = checkpoint_draft_begin(&d, l, bus, now_ns, NULL);

	if (!err) {
		checkpoint_draft_render(&d);
		err = d.error;
	}
	if (!err)
		*bytes = checkpoint_draft_take(&d, length);
	checkpoint_draft_free(&d);
	return err;
}

#endif
