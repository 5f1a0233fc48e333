/*
 * given_times.h: the time that was given to samples which do not have a usable one of their own.
 *
 * A sample that is stamped ahead of the clock, or not at all, counts in the rolling windows at the
 * time when it is read. A restarted agent fills its windows from the ring once more. It must show
 * such a sample at the time that it was given then, or a sample from the future would be "now"
 * after each restart. The ring does not have that time; the checkpoint does, by this table.
 *
 * The table is for windows alone. Periods are not filled again: the checkpoint has their sums.
 *
 * Bounds. Records of a lane that are given one time are one run. Runs that no window shows any more
 * are dropped. Where there are more than GIVEN_RUNS_MAX, neighbours of one lane and one stretch of
 * 5 s (the narrowest part of a window) become one run of the earliest time; where that does not
 * help, the oldest are dropped. Records up to a dropped run are shown in no window: a gap, not a
 * repeat.
 */
#ifndef ORBUS_AGENT_AGGREGATE_GIVEN_TIMES_H
#define ORBUS_AGENT_AGGREGATE_GIVEN_TIMES_H

#include "doc/doc_source.h"
#include "doc/writer.h"
#include "ring/reader.h"

#define GIVEN_RUNS_MAX 16384

struct given_times;

struct given_times *given_times_new(void);
void given_times_free(struct given_times *g);

/* Notes that a record was given a time. A lane's records come in order. False: out of memory. */
bool given_times_note(struct given_times *g, const struct sample_origin *origin, uint64_t time_ns);

enum given { GIVEN_NONE, GIVEN_TIME, GIVEN_FORGOTTEN };

/*
 * What a replayed record was given, by the checkpoint that was restored: GIVEN_NONE: its own stamp
 * counts; GIVEN_TIME: that in *time_ns; GIVEN_FORGOTTEN: no window shows it.
 */
enum given given_times_of(
    const struct given_times *g, const struct sample_origin *origin, uint64_t *time_ns);

/* Drops what no window shows any more. */
void given_times_prune(struct given_times *g, uint64_t now_ns);

/* The records are not those of the ring that is read now: of one lane, or of all. */
void given_times_forget_lane(struct given_times *g, uint32_t lane);
void given_times_forget(struct given_times *g);

size_t given_times_count(const struct given_times *g);

void given_times_write(const struct given_times *g, struct writer *w, const char *key);

/* Untrusted: 0, -EBADMSG, -ENOMEM. */
int given_times_read(struct given_times *g, struct doc_source *s);

#endif
