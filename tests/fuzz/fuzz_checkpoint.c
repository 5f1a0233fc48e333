/*
 * fuzz_checkpoint.c: any checkpoint restores a ledger or is refused; what is restored can be saved
 * and restored again. The input is a body, of version 1 or of sections, or a section's document:
 * the head, whose checksum guards it, and zstd's frame are put around it, so that the fuzzer need
 * not guess them.
 */
#include "agent/persist/checkpoint.h"
#include "must.h"

#include <stdlib.h>
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

static void must_be_restored_or_refused(const char *file, size_t length)
{
	struct ledger l;
	struct state_bus bus;

	MUST(ledger_init(&l, &utc, 30, NOW) == 0);
	if (state_decode(file, length, &l, &bus) == 0)
		must_save(&l, &bus);
	state_bus_free(&bus);
	ledger_free(&l);
	/* With late periods sealed, whatever is in them. */
	MUST(ledger_init(&l, &utc, 30, NOW) == 0);
	(void)state_restore(file, length, NOW, &l, &bus);
	state_bus_free(&bus);
	ledger_free(&l);
}

/* One document, as version 1 had it. */
static void try_version_1(const uint8_t *data, size_t size)
{
	static char file[32 + MAX_BODY];
	uint64_t length = size, checksum = XXH3_64bits(data, size);
	uint32_t version = 1;

	memcpy(file, "ORBSTATE", 8);
	memcpy(file + 8, &version, sizeof(version));
	memcpy(file + 16, &length, sizeof(length));
	memcpy(file + 24, &checksum, sizeof(checksum));
	memcpy(file + 32, data, size);
	must_be_restored_or_refused(file, 32 + size);
}

/* The input as all sections, or as the document of a period's section behind sound ones, twice. */
static void try_sections(const uint8_t *data, size_t size, bool as_document)
{
	const struct state_bus bus = {.lane_count = 1, .positions = (uint64_t[]){1}};
	struct state_packer *packer = state_packer_new();
	struct state_draft d;
	struct ledger l;
	char *section = NULL;
	size_t packed;

	MUST(packer && ledger_init(&l, &utc, 30, NOW) == 0);
	MUST(state_draft_begin(&d, &l, &bus, NOW, NULL, NULL) == 0);
	if (as_document) {
		state_draft_render(&d);
		MUST(d.error == 0 &&
		     state_pack(packer, (const char *)data, size, &section, &packed) == 0);
		MUST(state_add(&d.file, section, packed) == 0);
		MUST(state_add(&d.file, section, packed) == 0);
	} else {
		MUST(
		    state_begin(&d.file) == 0 && state_add(&d.file, (const char *)data, size) == 0);
	}
	state_finish(&d.file, true);
	must_be_restored_or_refused(d.file.bytes, d.file.length);
	free(section);
	state_packer_free(packer);
	state_draft_free(&d);
	ledger_free(&l);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size > MAX_BODY)
		return 0;
	try_version_1(data, size);
	try_sections(data, size, false);
	try_sections(data, size, true);
	return 0;
}
