/*
 * kmv_sketch.c: a k-minimum-values sketch of how many different texts were seen.
 */
#include "kmv_sketch.h"

#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#define HASH_BITS 53

void kmv_sketch_free(struct kmv_sketch *d)
{
	free(d->hashes);
	memset(d, 0, sizeof(*d));
}

/* The place of the first hash that is not below `hash`. */
static uint32_t place_of(const struct kmv_sketch *d, uint64_t hash)
{
	uint32_t low = 0, high = d->count;

	while (low < high) {
		uint32_t middle = (low + high) / 2;

		if (d->hashes[middle] < hash)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool grow(struct kmv_sketch *d)
{
	uint32_t capacity = d->capacity ? 2 * d->capacity : 16;
	uint64_t *hashes = realloc(d->hashes, capacity * sizeof(*hashes));

	if (!hashes)
		return false;
	d->hashes = hashes;
	d->capacity = capacity;
	return true;
}

bool kmv_sketch_add_hash(struct kmv_sketch *d, uint64_t hash)
{
	uint32_t place = place_of(d, hash);

	if (place < d->count && d->hashes[place] == hash)
		return true;
	if (place == KMV_SKETCH_MAX)
		return true; /* larger than the 1024 smallest */
	if (d->count == d->capacity && d->count < KMV_SKETCH_MAX && !grow(d))
		return false;
	if (d->count == KMV_SKETCH_MAX)
		d->count--;
	memmove(d->hashes + place + 1, d->hashes + place, (d->count - place) * sizeof(hash));
	d->hashes[place] = hash;
	d->count++;
	return true;
}

bool kmv_sketch_add(struct kmv_sketch *d, const char *text)
{
	return kmv_sketch_add_hash(d, XXH3_64bits(text, strlen(text)) >> (64 - HASH_BITS));
}

bool kmv_sketch_merge(struct kmv_sketch *to, const struct kmv_sketch *from)
{
	for (uint32_t i = 0; i < from->count; i++)
		if (!kmv_sketch_add_hash(to, from->hashes[i]))
			return false;
	return true;
}

uint64_t kmv_sketch_estimate(const struct kmv_sketch *d)
{
	double kth;

	if (d->count < KMV_SKETCH_MAX)
		return d->count;
	kth = ((double)d->hashes[KMV_SKETCH_MAX - 1] + 1) / (double)(UINT64_C(1) << HASH_BITS);
	return (uint64_t)((KMV_SKETCH_MAX - 1) / kth + 0.5);
}
