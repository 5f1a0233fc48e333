/*
 * breakdown.h: requests by the combination of bot, model, provider and operation.
 *
 * It is bounded twice: by combinations, and by the buckets of their histograms, whose number is
 * that of memory and of bytes of a document. What goes beyond either is summed under the
 * combination that is "(other)" in all four. A combination that has a place keeps it, and counts on
 * there as long as it needs no more buckets.
 */
#ifndef ORBUS_STATS_BREAKDOWN_H
#define ORBUS_STATS_BREAKDOWN_H

#include "request_stats.h"

struct combination {
	const char *bot, *model, *provider, *operation; /* of ORBUS_TEXT_MAX bytes; never NULL */
};

struct breakdown {
	struct name_table table; /* of struct request_stats, by the four texts with their NULs */
	uint64_t buckets;        /* of all of them together */
};

void breakdown_init(struct breakdown *b);
void breakdown_free(struct breakdown *b);
void breakdown_clear(struct breakdown *b);

/* Adds a request where its combination has or gets a place of its own: 1, 0 where not, -ENOMEM. */
int breakdown_try_add(struct breakdown *b, const struct measured *m);

/* Adds what was counted about a combination. False: out of memory. */
bool breakdown_add_stats(
    struct breakdown *b, const struct combination *c, const struct request_stats *stats);
bool breakdown_merge(struct breakdown *to, const struct breakdown *from);

/* The entries' places in the order of their texts: which combination was seen first does not matter
 * in a document. */
void breakdown_order(const struct breakdown *b, uint16_t order[BREAKDOWN_NAMES_MAX]);

/* What combination an entry of the table is of; borrowed of the entry. */
struct combination combination_of(const struct name_table_entry *e);

#endif
