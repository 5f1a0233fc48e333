/*
 * test_journal_read.c: the journal's requests of a stretch of time, out of files of every kind.
 */
#include "base/clock.h"
#include "base/journal_name.h"
#include "journal/lines.h"
#include "journal/read.h"
#include "testing.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <zstd.h>

#define EIGHT  (UINT64_C(1763971200) * NS_PER_SECOND) /* 2025-11-24 08:00 UTC */
#define SECOND NS_PER_SECOND
#define HOUR   (3600 * NS_PER_SECOND)

static int setup(void **state)
{
	char *folder = strdup("/tmp/orbus-journal-XXXXXX");

	assert_non_null(mkdtemp(folder));
	*state = folder;
	return 0;
}

static int teardown(void **state)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf %s", (char *)*state);
	assert_int_equal(system(command), 0);
	free(*state);
	return 0;
}

static void write_file(const char *folder, const char *name, const char *text, size_t length)
{
	char path[256];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	f = fopen(path, "ae");
	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, length, f), length);
	assert_int_equal(fclose(f), 0);
}

static void write_text(const char *folder, const char *name, const char *text)
{
	write_file(folder, name, text, strlen(text));
}

/* One frame more. */
static void write_compressed(const char *folder, const char *name, const char *text, size_t cut)
{
	size_t room = ZSTD_compressBound(strlen(text));
	char *compressed = malloc(room);
	size_t n = ZSTD_compress(compressed, room, text, strlen(text), 3);

	assert_false(ZSTD_isError(n));
	write_file(folder, name, compressed, n - cut);
	free(compressed);
}

/* A line of the journal. */
static const char *line(uint64_t ts, const char *id)
{
	static char lines[8][256];
	static unsigned at;
	char when[RFC3339_BYTES], *out = lines[at++ % 8];

	clock_format_rfc3339(ts, when);
	snprintf(out, sizeof(lines[0]),
	    "{\"ts\":\"%s\",\"kind\":\"request\",\"status\":\"ok\",\"request_id\":\"%s\"}\n", when,
	    id);
	return out;
}

/* The ids that the journal gives, with spaces between. Returns how many lines were damaged. */
static uint64_t read_ids(
    const char *folder, uint64_t since_ns, uint64_t until_ns, char *out, size_t bytes)
{
	struct journal_read *r;
	struct orbus_sample s;
	uint64_t damaged;
	int found;

	*out = '\0';
	assert_int_equal(journal_read_open(folder, since_ns, until_ns, &r), 0);
	while ((found = journal_read_next(r, &s)) == 1) {
		size_t n = strlen(out);

		assert_in_range(s.ts, since_ns, until_ns - 1);
		snprintf(out + n, bytes - n, "%s%s", n ? " " : "", s.request_id);
	}
	assert_int_equal(found, 0);
	damaged = journal_read_damaged(r);
	journal_read_close(r);
	return damaged;
}

static void expect_ids(const char *folder, uint64_t since_ns, uint64_t until_ns, const char *ids)
{
	char found[256];

	assert_int_equal(read_ids(folder, since_ns, until_ns, found, sizeof(found)), 0);
	assert_string_equal(found, ids);
}

static void requests_come_in_the_order_of_their_times(void **state)
{
	const char *f = *state;

	write_text(f, "requests_20251124_09.ndjson", line(EIGHT + HOUR + 5, "e"));
	write_text(f, "requests_20251124_09.ndjson", line(EIGHT + HOUR, "d"));
	write_compressed(f, "requests_20251124_08.ndjson.zst", line(EIGHT + 9, "c"), 0);
	write_compressed(f, "requests_20251124_08.ndjson.zst", line(EIGHT + 1, "a"), 0);
	write_compressed(f, "requests_20251124_08.1.ndjson.zst", line(EIGHT + 2, "b"), 0);
	write_text(f, "requests_20251124_08.2.ndjson", line(EIGHT + 9, "c2"));
	expect_ids(f, 0, UINT64_MAX, "a b c c2 d e");
}

static void only_the_stretch_of_time_that_was_asked_for(void **state)
{
	const char *f = *state;

	for (int i = 0; i < 5; i++) {
		char name[JOURNAL_NAME_BYTES], id[16];

		journal_name_format(
		    &(struct journal_name){.label = 2025112408 + (uint32_t)i}, name);
		snprintf(id, sizeof(id), "%d", i);
		write_text(f, name, line(EIGHT + (uint64_t)i * HOUR, id));
		snprintf(id, sizeof(id), "%d.5", i);
		write_text(f, name, line(EIGHT + (uint64_t)i * HOUR + HOUR / 2, id));
	}
	expect_ids(f, EIGHT + HOUR / 2, EIGHT + 2 * HOUR, "0.5 1 1.5");
	expect_ids(f, EIGHT + 4 * HOUR + 1, UINT64_MAX, "4.5");
	expect_ids(f, 0, EIGHT + 1, "0");
	expect_ids(f, EIGHT + 9 * HOUR, UINT64_MAX, "");
}

static void files_named_in_another_time_zone_or_of_many_hours_are_found(void **state)
{
	const char *f = *state;

	write_text(f, "requests_20251124_21.ndjson", line(EIGHT, "far east"));
	write_text(f, "requests_20251124_00.ndjson", line(EIGHT + 1, "day"));
	write_text(f, "requests_20251123_21.ndjson", line(EIGHT + 2, "far west"));
	expect_ids(f, EIGHT, EIGHT + SECOND, "far east day far west");
}

static void of_a_file_that_is_there_twice_the_compressed_one_counts(void **state)
{
	const char *f = *state;

	write_compressed(f, "requests_20251124_08.ndjson.zst", line(EIGHT, "packed"), 0);
	write_text(f, "requests_20251124_08.ndjson", line(EIGHT, "plain"));
	expect_ids(f, 0, UINT64_MAX, "packed");
}

static void damaged_lines_are_counted_and_passed_over(void **state)
{
	const char *f = *state, *name = "requests_20251124_08.ndjson";
	char found[256], *big = malloc(3 * JOURNAL_LINE_MAX);

	memset(big, 'x', 3 * JOURNAL_LINE_MAX);
	big[3 * JOURNAL_LINE_MAX - 1] = '\n';
	write_text(f, name, line(EIGHT, "a"));
	write_text(
	    f, name, "\nnonsense\n{\"ts\":\"2025-11-24T08:00:00Z\",\n[1]\n{\"status\":\"ok\"}\n");
	write_text(f, name, "{\"ts\":\"2025-11-24T08:00:00Z\",\"response_ms\":-1}\n");
	write_text(f, name,
	    "{\"ts\":\"2025-11-24T08:00:00Z\",\"kind\":\"gauge\",\"name\":\"n\",\"value\":1}\n");
	write_file(f, name, "\0\0\0\n", 4);
	write_text(f, name, line(EIGHT + 1, "b"));
	write_file(f, name, big, 3 * JOURNAL_LINE_MAX);
	write_text(f, name, line(EIGHT + 2, "c"));
	write_text(f, name, "{\"ts\":\"2025-11-24T08:00:01Z\",\"request_id\":\"half");
	assert_int_equal(read_ids(f, 0, UINT64_MAX, found, sizeof(found)), 9);
	assert_string_equal(found, "a b c");
	free(big);
}

static void a_compressed_file_is_read_as_far_as_it_is_whole(void **state)
{
	const char *f = *state;
	char found[256];

	write_compressed(f, "requests_20251124_08.ndjson.zst", line(EIGHT, "a"), 0);
	write_compressed(f, "requests_20251124_08.ndjson.zst", line(EIGHT, "b"), 3);
	write_text(f, "requests_20251124_09.ndjson.zst", "this is no zstd stream");
	write_text(f, "requests_20251124_10.ndjson", line(EIGHT + 2 * HOUR, "d"));
	assert_int_equal(read_ids(f, 0, UINT64_MAX, found, sizeof(found)), 2);
	assert_non_null(strstr(found, "a"));
	assert_non_null(strstr(found, "d"));
}

static void everything_of_a_request_is_read(void **state)
{
	struct journal_read *r;
	struct orbus_sample s;

	write_text(*state, "requests_20251124_08.ndjson",
	    "{\"ts\":\"2025-11-24T08:00:00.5Z\",\"kind\":\"request\",\"status\":\"orphaned\","
	    "\"bot\":\"acore\",\"stream\":true,\"completion_tokens\":287,\"response_ms\":3450.0,"
	    "\"tps\":83.2,\"tags\":{\"user\":\"ann\"},\"of_later_versions\":[1]}\n");
	assert_int_equal(journal_read_open(*state, 0, UINT64_MAX, &r), 0);
	assert_string_equal(journal_read_file(r), "");
	assert_int_equal(journal_read_next(r, &s), 1);
	assert_int_equal(s.status, ORBUS_STATUS_ORPHANED);
	assert_int_equal(s.ts, EIGHT + SECOND / 2);
	assert_string_equal(s.bot, "acore");
	assert_true(s.stream);
	assert_int_equal(s.completion_tokens, 287);
	assert_int_equal(s.tag_count, 1);
	assert_string_equal(s.tags[0].value, "ann");
	assert_string_equal(journal_read_file(r), "requests_20251124_08.ndjson");
	assert_int_equal(journal_read_next(r, &s), 0);
	assert_int_equal(journal_read_damaged(r), 0);
	journal_read_close(r);
}

static void what_is_not_the_journals_is_left_alone(void **state)
{
	const char *f = *state;
	char path[256], found[256];
	struct journal_read *r;

	assert_int_equal(journal_read_open("/nonexistent/folder", 0, 1, &r), -ENOENT);
	assert_int_equal(journal_read_open(f, 0, 1, &r), -ENOENT);
	write_text(f, "hourly_20251124_08.json", "{}");
	write_text(f, "requests_20251124_08.ndjson.set-aside-20251124_090000", line(EIGHT, "no"));
	assert_int_equal(journal_read_open(f, 0, 1, &r), -ENOENT);
	snprintf(path, sizeof(path), "%s/requests_20251124_08.ndjson", f);
	assert_int_equal(symlink("/etc/passwd", path), 0);
	assert_int_equal(read_ids(f, 0, UINT64_MAX, found, sizeof(found)), 1);
	assert_string_equal(found, "");
}

static void names_are_exactly_the_agents_own(void **state)
{
	static const char *const good[] = {"requests_20251124_08.ndjson",
	    "requests_20251124_08.ndjson.zst", "requests_20240229_23.1.ndjson",
	    "requests_20251124_00.99999.ndjson.zst"};
	static const char *const bad[] = {"requests_20251124_24.ndjson",
	    "requests_20250229_08.ndjson", "requests_20251124_08.0.ndjson",
	    "requests_20251124_08.01.ndjson", "requests_20251124_08.100000.ndjson",
	    "requests_20251124_8.ndjson", "requests_20251124_08.ndjson.gz",
	    "requests_20251124_08.ndjson.zst~", " requests_20251124_08.ndjson",
	    "requests_2025112_008.ndjson", "requests_20251124_08", "requests_20251124_08.-1.ndjson",
	    "requests_20251124_08.1.zst.ndjson", ""};
	char again[JOURNAL_NAME_BYTES];
	struct journal_name name;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_true(journal_name_parse(good[i], &name));
		journal_name_format(&name, again);
		assert_string_equal(again, good[i]);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(journal_name_parse(bad[i], &name));
}

#define IN_A_FOLDER(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    IN_A_FOLDER(requests_come_in_the_order_of_their_times),
	    IN_A_FOLDER(only_the_stretch_of_time_that_was_asked_for),
	    IN_A_FOLDER(files_named_in_another_time_zone_or_of_many_hours_are_found),
	    IN_A_FOLDER(of_a_file_that_is_there_twice_the_compressed_one_counts),
	    IN_A_FOLDER(damaged_lines_are_counted_and_passed_over),
	    IN_A_FOLDER(a_compressed_file_is_read_as_far_as_it_is_whole),
	    IN_A_FOLDER(everything_of_a_request_is_read),
	    IN_A_FOLDER(what_is_not_the_journals_is_left_alone),
	    cmocka_unit_test(names_are_exactly_the_agents_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
