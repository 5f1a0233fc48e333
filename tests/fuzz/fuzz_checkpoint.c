/*
 * fuzz_checkpoint.c: any checkpoint restores an aggregator or is refused; what is restored can be
 * saved and restored again. The input is a body, of version 1 or of sections, or a section's
 * document: the head, whose checksum guards it, and zstd's frame are put around it, so that the
 * fuzzer need not guess them.
 */
#include "checkpoint_bytes.h"
#include "must.h"

#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#define NOW      UINT64_C(1764000000000000000)
#define MAX_BODY 65536

static const struct calendar utc = {true, 1};

static void must_save(struct aggregator *l, const struct checkpoint_bus *bus)
{
	struct aggregator again;
	struct checkpoint_bus bus_again;
	char *bytes;
	size_t length;

	MUST(checkpoint_bytes(l, bus, NOW, &bytes, &length) == 0);
	MUST(aggregator_init(&again, &utc, 30, NOW) == 0);
	MUST(checkpoint_restore(bytes, length, 0, &again, &bus_again) == 0);
	MUST(bus_again.lane_count == bus->lane_count);
	MUST(again.lifetime.requests.total == l->lifetime.requests.total);
	checkpoint_bus_free(&bus_again);
	aggregator_free(&again);
	free(bytes);
}

static void must_be_restored_or_refused(const char *file, size_t length)
{
	struct aggregator l;
	struct checkpoint_bus bus;

	MUST(aggregator_init(&l, &utc, 30, NOW) == 0);
	if (checkpoint_restore(file, length, 0, &l, &bus) == 0)
		must_save(&l, &bus);
	checkpoint_bus_free(&bus);
	aggregator_free(&l);
	/* With late periods sealed, whatever is in them. */
	MUST(aggregator_init(&l, &utc, 30, NOW) == 0);
	(void)checkpoint_restore(file, length, NOW, &l, &bus);
	checkpoint_bus_free(&bus);
	aggregator_free(&l);
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
	const struct checkpoint_bus bus = {.lane_count = 1, .positions = (uint64_t[]){1}};
	struct checkpoint_compressor *packer = checkpoint_compressor_new();
	struct checkpoint_draft d;
	struct aggregator l;
	char *section = NULL;
	size_t packed;

	MUST(packer && aggregator_init(&l, &utc, 30, NOW) == 0);
	MUST(checkpoint_draft_begin(&d, &l, &bus, NOW, NULL) == 0);
	if (as_document) {
		checkpoint_draft_render(&d);
		MUST(d.error == 0 &&
		     checkpoint_compress(packer, (const char *)data, size, &section, &packed) == 0);
		MUST(checkpoint_add(&d.file, section, packed) == 0);
		MUST(checkpoint_add(&d.file, section, packed) == 0);
	} else {
		MUST(checkpoint_begin(&d.file) == 0 &&
		     checkpoint_add(&d.file, (const char *)data, size) == 0);
	}
	checkpoint_finish(&d.file, true);
	must_be_restored_or_refused(d.file.bytes, d.file.length);
	free(section);
	checkpoint_compressor_free(packer);
	checkpoint_draft_free(&d);
	aggregator_free(&l);
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
