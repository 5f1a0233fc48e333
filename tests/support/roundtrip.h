/*
 * roundtrip.h: published samples go through everything that writes and reads them, and come out
 * equal. One case, from choices that a seed or a fuzzer makes.
 *
 * Shared by tests/unit/doc/test_roundtrip.c (thousands of cases in each test run) and
 * tests/fuzz/fuzz_roundtrip.c. A case that does not hold says where and aborts.
 */
#ifndef ORBUS_TESTS_SUPPORT_ROUNDTRIP_H
#define ORBUS_TESTS_SUPPORT_ROUNDTRIP_H

#include "stats/aggregate.h"

#include <stddef.h>
#include <stdint.h>

/* Where choices come from: bytes, and once these are used up, 0; or, without bytes, a seed. */
struct choices {
	const uint8_t *bytes;
	size_t left;
	uint64_t seed;
};

/* Draws samples that sit on bounds, and has them go everywhere. */
void roundtrip(struct choices *c);

/* True when two aggregates are the same to the last bit, names in the same order. Else says where.
 */
void must_be_equal(const struct aggregate *a, const struct aggregate *b, const char *by);

/* A sum as the text of its file, by both readers; its length, which is within the limit. */
size_t must_survive_text(const struct aggregate *sum);

/* The same, and as msgpack and tree, and by all that reads files: equal each time. */
void must_survive_documents(const struct aggregate *sum);

#endif
