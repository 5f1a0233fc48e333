/*
 * stats.h: a line that sums up what was shown in each interval.
 *
 * Intervals are whole ones of the clock: every 10 s means :00, :10, :20. A sample belongs to that
 * of its ts; one that comes too late for it, to the one under way.
 */
#ifndef ORBUS_ORTAIL_STATS_H
#define ORBUS_ORTAIL_STATS_H

#include "orbus.h"

#include <stdbool.h>
#include <stdio.h>

struct stats;

/* NULL: out of memory. */
struct stats *stats_new(uint64_t every_ns, bool json, bool colour);
void stats_free(struct stats *s);

/* The figures of a sample, without texts, as they may be kept for stats_add(). */
void stats_figures(const struct orbus_sample *sample, struct orbus_sample *out);

/*
 * Counts a sample; prints the line of the interval before if that is over thereby. Samples come in
 * the order of their times. False: out of memory.
 */
bool stats_add(struct stats *s, FILE *out, const struct orbus_sample *figures, uint64_t now_ns);

/* Says what time it is while the bus is followed; prints the line of an interval that is over. */
bool stats_tick(struct stats *s, FILE *out, uint64_t now_ns);

/* Prints the line of the interval under way, unless nothing came in it. */
bool stats_end(struct stats *s, FILE *out, uint64_t now_ns);

/* Milliseconds to the end of the interval, at most `most`. */
int stats_due_ms(const struct stats *s, uint64_t now_ns, int most);

#endif
