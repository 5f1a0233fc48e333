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

/*
 * The windows that statistics are shown of, stated once. From this list come the options and their
 * completions, what is accepted as a name, the keys of the live screen, headings and sentences.
 *
 *   X(ID, name, part_s, parts, title, words, span)
 *
 * One that rolls on is a circle of `parts` parts of `part_s` seconds each. `title` is for a head,
 * `words` for what stands alone, `span` for "advice ...".
 */
#define ROLLING_WINDOWS(X)                                                                     \
	X(1M, "1m", 5, 12, "last minute", "the last minute", "over the last minute")           \
	X(5M, "5m", 30, 10, "last 5 minutes", "the last 5 minutes", "over the last 5 minutes") \
	X(1H, "1h", 60, 60, "last hour", "the last hour", "over the last hour")
#define WINDOWS_LIST(X)                                \
	ROLLING_WINDOWS(X)                             \
	X(DAY, "day", 0, 0, "today", "today", "today") \
	X(START, "start", 0, 0, "since start", "since the start", "since the agent started")

/* All of them: what a reader of the board chooses from. */
#define SHOWN_WINDOW_ENUM(ID, ...) STAT_##ID,
enum statistics_window { WINDOWS_LIST(SHOWN_WINDOW_ENUM) STAT_WINDOWS };
#undef SHOWN_WINDOW_ENUM

struct window_names {
	const char *name;  /* "5m": an option's choice, and the key on the board */
	const char *title; /* "last 5 minutes" */
	const char *words; /* "the last 5 minutes" */
	const char *span;  /* "over the last 5 minutes" */
	unsigned seconds;  /* 0: it does not roll on */
};

extern const struct window_names window_names[STAT_WINDOWS];

/* "1m|5m|1h|day|start", for the choices of an option. */
#define WINDOW_CHOICE(ID, name, ...) "|" name
#define WINDOW_CHOICES               (&(WINDOWS_LIST(WINDOW_CHOICE))[1])
/* "last minute, last 5 minutes, last hour, today, since start", for sentences. */
#define WINDOW_TITLE(ID, name, part_s, parts, title, ...) ", " title
#define WINDOW_TITLES                                     (&(WINDOWS_LIST(WINDOW_TITLE))[2])

/* The narrowest part of a window: times within one are not told apart. */
#define WINDOWS_STRETCH_NS (5 * NS_PER_SECOND)
/* A sample that is stamped further ahead is skewed: its time is that when it was read. */
#define WINDOWS_SKEW_NS (60 * NS_PER_SECOND)

/* Those that samples are folded into here. */
#define ROLLING_WINDOW_ENUM(ID, ...) WINDOW_##ID,
enum window { ROLLING_WINDOWS(ROLLING_WINDOW_ENUM) WINDOW_ROLLING, WINDOW_START = WINDOW_ROLLING };
#undef ROLLING_WINDOW_ENUM

/* Its name as in the list above. */
const char *window_name(enum window window);

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
