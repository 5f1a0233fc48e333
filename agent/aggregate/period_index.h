/*
 * period_index.h: which period of the data folder holds a moment: the start and end of each period
 * that is open or has a file, hourly or daily ones.
 *
 * The periods of a folder never overlap, though its agents may have had different zones, widths
 * and zone databases.
 * A moment belongs to the period that is there already. A new one has the bounds that the calendar
 * gives it, cut where neighbours begin or end, and a label that none of them has. So every sample
 * is in the one period whose [start, end) holds its time, and stays there.
 *
 * The index is in the checkpoint, which names a period before its file is written. Where there is
 * no such checkpoint, it is made of the files (period_scan.h). It need not be complete: files that
 * somebody has copied into the folder are met when a period wants their name
 * (agent/persist/backfill.c).
 */
#ifndef ORBUS_AGENT_AGGREGATE_PERIOD_INDEX_H
#define ORBUS_AGENT_AGGREGATE_PERIOD_INDEX_H

#include "base/calendar.h"
#include "doc/doc_source.h"
#include "doc/writer.h"

struct period;

/* Seven years of hours. Where there are more, the oldest are forgotten. */
#define PERIOD_INDEX_MAX 65536

struct period_entry {
	uint64_t start_ns, end_ns;
	int64_t wall; /* calendar_label_seconds() of the label */
	uint32_t mark;
	/* Another one with each opening and closing: who knows of the file by an earlier one may
	 * know what it held before. 0: it was not opened yet. */
	uint32_t revision;
	struct period *open; /* NULL: it is closed */
};

struct period_index {
	enum period_kind kind;
	struct period_entry *entries; /* ascending */
	size_t count, capacity;
};

void period_index_free(struct period_index *ix);

/* The one that holds a moment, NULL: none. It lives until the index changes. */
struct period_entry *period_index_at(const struct period_index *ix, uint64_t ts_ns);

/* The one of that label and mark, NULL: none. */
struct period_entry *period_index_named(
    const struct period_index *ix, uint32_t label, uint32_t mark);

void period_index_span(
    const struct period_index *ix, const struct period_entry *e, struct period_span *out);

/*
 * Where no period holds a moment: the one to be made for it, with its name. It begins and ends
 * within [from, to): a day, if it is an hour.
 */
void period_index_plan(const struct period_index *ix, const struct calendar *c, uint64_t ts_ns,
    uint64_t from_ns, uint64_t to_ns, struct period_span *out);

/*
 * Enters a period: 0; -EEXIST where it overlaps another; -EINVAL where it has no bounds that a
 * period has; -ENOMEM.
 */
int period_index_add(struct period_index *ix, const struct period_span *span, struct period *open);

/* Gives a period the next name that is free, as its own turned out to be taken by a file. */
void period_index_rename(struct period_index *ix, const struct calendar *c,
    struct period_span *span, const struct period *open);

/* Forgets closed ones that have labels of days before this one. */
void period_index_forget(struct period_index *ix, int64_t before_day);

/* Consecutive periods of one width and offset take a few bytes together. */
void period_index_write(const struct period_index *ix, struct writer *w, const char *key);

/* Into an empty one. Untrusted: 0, -EBADMSG, -ENOMEM. */
int period_index_read(struct period_index *ix, struct doc_source *s);

#endif
