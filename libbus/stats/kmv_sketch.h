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

struct kmv_sketch {
	uint64_t *hashes; /* ascending, no two alike */
	uint32_t count;
	uint32_t capacity;
};

void kmv_sketch_free(struct kmv_sketch *d);

/* False: out of memory. */
bool kmv_sketch_add(struct kmv_sketch *d, const char *text);
bool kmv_sketch_add_hash(struct kmv_sketch *d, uint64_t hash);
bool kmv_sketch_merge(struct kmv_sketch *to, const struct kmv_sketch *from);

/* The number of different texts; beyond KMV_SKETCH_MAX an estimate good to some 3 %. */
uint64_t kmv_sketch_estimate(const struct kmv_sketch *d);

#endif
