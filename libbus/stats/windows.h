/*
 * windows.h: the last minute, five minutes and hour, as they roll on, and everything since start.
 *
 * Samples are first added up in short deltas, and a delta is folded into each window once: a sample
 * costs one aggregate_add(), however many windows there are.
 */
#ifndef ORBUS_STATS_WINDOWS_H
#define ORBUS_STATS_WINDOWS_H

#include "aggregate.h"
#include "base/clock.h"

/* The narrowest part of a window: times within one are not told apart. */
#define WINDOWS_STRETCH_NS (5 * NS_PER_SECOND)
/* A sample that is stamped further ahead is skewed: its time is that when it was read. */
#define WINDOWS_SKEW_NS (60 * NS_PER_SECOND)

enum window { WINDOW_1M, WINDOW_5M, WINDOW_1H, WINDOW_ROLLING, WINDOW_START = WINDOW_ROLLING };

struct windows;

struct windows *windows_new(uint64_t start_ns);
void windows_free(struct windows *w);

/* Adds a delta whose samples end within 5 s from `ts_ns` to a window. False: out of memory. */
bool windows_fold(struct windows *w, enum window window, uint64_t ts_ns, uint64_t now_ns,
    const struct aggregate *delta, bool replayed);

/*
 * The aggregate of a window as of now, with the time that it covers; valid until the next call.
 * NULL: out of memory.
 */
const struct aggregate *windows_get(
    struct windows *w, enum window window, uint64_t now_ns, uint64_t *start_ns);

/* The same, added to an aggregate of the caller's. False: out of memory. */
bool windows_copy(struct windows *w, enum window window, uint64_t now_ns, struct aggregate *out,
    uint64_t *start_ns);

/*
 * A step of what windows_get() would have to do at once when time enters a new part: one merge.
 * True: there was one to do. To be called a few times a second.
 */
bool windows_prepare(struct windows *w);

/* True when time alone has changed what the windows hold since the last call of windows_get(). */
bool windows_have_moved(const struct windows *w, uint64_t now_ns);

#endif
