/*
 * must.h: what a fuzz target asserts. Unlike assert(), it is there in every build.
 */
#ifndef ORBUS_TESTS_FUZZ_MUST_H
#define ORBUS_TESTS_FUZZ_MUST_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MUST(condition)           \
	do {                      \
		if (!(condition)) \
			abort();  \
	} while (0)

#endif
