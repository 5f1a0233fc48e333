/*
 * fuzz_journal.c: any bytes are read as a file of the journal, plain or compressed, or as the
 * checkpoint beside it: requests come out in the order of their times, and can be written again.
 * The first byte of the input tells which of them it is.
 */
#include "journal/line.h"
#include "journal/read.h"
#include "must.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const names[] = {
    "requests_20251124_08.ndjson", "requests_20251124_08.ndjson.zst", "state"};
#define NAMES (sizeof(names) / sizeof(names[0]))

static char folder[] = "/tmp/orbus-fuzz-XXXXXX";

static void path_of(const char *name, char *out, size_t bytes)
{
	snprintf(out, bytes, "%s/%s", folder, name);
}

static void remove_folder(void)
{
	char path[64];

	for (size_t i = 0; i < NAMES; i++) {
		path_of(names[i], path, sizeof(path));
		unlink(path);
	}
	rmdir(folder);
}

static void write_file(const char *name, const void *bytes, size_t size)
{
	char path[64];
	FILE *f;

	path_of(name, path, sizeof(path));
	f = fopen(path, "we");
	MUST(f && fwrite(bytes, 1, size, f) == size && fclose(f) == 0);
}

static void must_be_written_again(const struct orbus_sample *s)
{
	size_t room = json_line_room(s);
	char *line = malloc(room);
	size_t length = json_line(s, line);

	MUST(length > 0 && length <= room && line[length - 1] == '\n');
	free(line);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char line[] = "{\"ts\":\"2025-11-24T08:00:00Z\"}\n";
	static bool made;
	struct journal_read *r;
	struct orbus_sample s;
	uint64_t last = 0;
	char path[64];

	if (!made) {
		MUST(mkdtemp(folder));
		made = true;
		atexit(remove_folder);
	}
	if (size == 0)
		return 0;
	for (size_t i = 0; i < NAMES; i++) {
		path_of(names[i], path, sizeof(path));
		unlink(path);
	}
	if (data[0] % NAMES == 2)
		write_file(names[0], line, sizeof(line) - 1);
	write_file(names[data[0] % NAMES], data + 1, size - 1);
	if (journal_read_open(folder, 0, UINT64_MAX, &r) != 0)
		return 0;
	while (journal_read_next(r, &s) == 1) {
		MUST(s.ts >= last && s.kind == ORBUS_KIND_REQUEST);
		last = s.ts;
		must_be_written_again(&s);
	}
	MUST(journal_read_renew(r) == 0);
	journal_read_close(r);
	return 0;
}
