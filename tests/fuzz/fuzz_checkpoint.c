/*
 * fuzz_checkpoint.c: any checkpoint restores a ledger or is refused; what is restored can be saved
 * and restored again. The input is the body: the head, whose checksum guards it, is put before it,
 * so that the fuzzer need not guess it.
 */
#include "must.h"
#include "state.h"

#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#define NOW      UINT64_C(1764000000000000000)
#define MAX_BODY 65536

static const struct calendar utc = {true, 1};

static void must_save(struct ledger *l, const struct state_bus *bus)
{
	struct ledger again;
	struct state_bus bus_again;
	char *bytes;
	size_t length;

	MUST(state_encode(l, bus, NOW, &bytes, &length) == 0);
	MUST(ledger_init(&again, &utc, 30, NOW) == 0);
	MUST(state_decode(bytes, length, &again, &bus_again) == 0);
	MUST(bus_again.lane_count == bus->lane_count);
	MUST(again.lifetime.requests.total == l->lifetime.requests.total);
	state_bus_free(&bus_again);
	ledger_free(&again);
	free(bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char file[32 + MAX_BODY];
	uint64_t length = size, checksum = XXH3_64bits(data, size);
	uint32_t version = 1;
	struct ledger l;
	struct state_bus bus;

	if (size > MAX_BODY)
		return 0;
	memcpy(file, "ORBSTATE", 8);
	memcpy(file + 8, &version, sizeof(version));
	memcpy(file + 16, &length, sizeof(length));
	memcpy(file + 24, &checksum, sizeof(checksum));
	memcpy(file + 32, data, size);
	MUST(ledger_init(&l, &utc, 30, NOW) == 0);
	if (state_decode(file, 32 + size, &l, &bus) == 0)
		must_save(&l, &bus);
	state_bus_free(&bus);
	ledger_free(&l);
	return 0;
}
