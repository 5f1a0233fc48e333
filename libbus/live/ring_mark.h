/*
 * ring_mark.h: how far every lane had been published at one instant. A drain that reads up to
 * there ends, however much is published meanwhile.
 */
#ifndef ORBUS_LIVE_RING_MARK_H
#define ORBUS_LIVE_RING_MARK_H

#include "ring/reader.h"

struct ring_mark;

/* NULL: out of memory. */
struct ring_mark *ring_mark_take(const struct orbus_reader *r);
void ring_mark_free(struct ring_mark *m);

/*
 * True once everything that was published then has been read, or cannot be read any more. A lane
 * whose head went back since counts as read.
 */
bool ring_mark_is_passed(struct ring_mark *m, const struct orbus_reader *r);

#endif
