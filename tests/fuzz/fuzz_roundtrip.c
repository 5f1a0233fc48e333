/*
 * fuzz_roundtrip.c: any published samples, at any slot size and moment, come out equal of
 * everything that writes and reads them. The input is the choices of tests/support/roundtrip.c.
 */
#include "must.h"
#include "roundtrip.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct choices c = {.bytes = data, .left = size};

	if (size > 0)
		roundtrip(&c);
	return 0;
}
