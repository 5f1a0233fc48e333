/*
 * kmv_sketch.h: how many different texts were seen: exact up to 1024, estimated beyond.
 *
 * A k-minimum-values sketch (Bar-Yossef et al., "Counting distinct elements in a data stream",
 * 2002): the 1024 smallest hashes. Two merge exactly into the sketch of the union. Hashes have 53
 * bits, so that they are exact as JSON numbers.
 */
#ifndef ORBUS_STATS_KMV_SKETCH_H
#define ORBUS_STATS_KMV_SKETCH_H

#include "base/data_limits.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct distinct {
	uint64_t *hashes; /* ascending, no two alike */
	uint32_t count;
	uint32_t capacity;
};

void distinct_free(struct distinct *d);
void distinct_clear(struct distinct *d);

/* False: out of memory. */
bool distinct_add(struct distinct *d, const char *text);
bool distinct_add_hash(struct distinct *d, uint64_t hash);
bool distinct_merge(struct distinct *to, const struct distinct *from);

/* The number of different texts; beyond DISTINCT_MAX an estimate good to some 3 %. */
uint64_t distinct_estimate(const struct distinct *d);

#endif
