/*
 * tag_stats.h: requests by the values of a few chosen tags.
 *
 * It is bounded by tags, by values of each (256 and "(other)"), and by the buckets of all their
 * histograms: from TAG_BUCKETS_MAX on, what would need another bucket is summed under its tag's
 * "(other)".
 */
#ifndef ORBUS_STATS_TAG_STATS_H
#define ORBUS_STATS_TAG_STATS_H

#include "request_stats.h"

/* Tags by whose values requests are counted; borrowed texts. */
struct tag_names {
	unsigned count;
	const char *names[TAG_NAMES_MAX];
};

struct tag_stats {
	struct name_table tags; /* of struct name_table, by value, of struct request_stats */
	uint64_t buckets;       /* of all of them together */
};

void tag_stats_init(struct tag_stats *t);
void tag_stats_free(struct tag_stats *t);

/* Adds a request under its values of these tags. False: out of memory. */
bool tag_stats_add(struct tag_stats *t, const struct orbus_sample *s, const struct tag_names *tags);

/* Adds what was counted under a value: 1, 0 where there are too many tags already, -ENOMEM. */
int tag_stats_add_value(
    struct tag_stats *t, const char *tag, const char *value, const struct request_stats *stats);

/* Adds all of `from`. Of parts that were counted by too many tags together, the first stay. */
bool tag_stats_merge(struct tag_stats *to, const struct tag_stats *from);

#endif
