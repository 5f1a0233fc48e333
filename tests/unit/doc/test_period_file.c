/*
 * test_period_file.c: files of periods add up to what one period of all their samples would hold.
 */
#include "doc/document.h"
#include "doc/period_file.h"
#include "document_text.h"
#include "live/filter.h"
#include "settled.h"
#include "testing.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define HOUR_NS UINT64_C(3600000000000)

static char folder[] = "/tmp/orbus-test-XXXXXX";

static const char *path_of(const char *name)
{
	static char paths[4][64];
	static unsigned next;
	char *path = paths[next++ % 4];

	snprintf(path, sizeof(paths[0]), "%s/%s", folder, name);
	return path;
}

static const char *write_text(const char *name, const char *text)
{
	const char *path = path_of(name);
	FILE *out = fopen(path, "w");

	assert_non_null(out);
	assert_true(fputs(text, out) >= 0);
	assert_int_equal(fclose(out), 0);
	return path;
}

static void add(struct aggregate *a, double response_ms)
{
	struct orbus_sample s;

	orbus_sample_init(&s);
	s.ts = 1;
	s.model = "m";
	s.response_ms = response_ms;
	s.completion_tokens = 10;
	assert_true(aggregate_add_settled(a, &s));
}

static const char *write_period(const char *name, const struct aggregate *a, uint64_t hour)
{
	struct document_context context = {.period_kind = "hourly",
	    .start_ns = hour * HOUR_NS,
	    .end_ns = (hour + 1) * HOUR_NS,
	    .complete = hour == 0,
	    .restorable = true};
	json_t *document = document_from_aggregate(a, &context);
	size_t length;
	char *text = document_to_text(document, &length);
	const char *path = write_text(name, text);

	free(text);
	json_decref(document);
	return path;
}

static void test_percentiles_are_of_all_samples(void **state)
{
	struct aggregate first, second, both;
	struct document_context context = {.restorable = true};
	const char *paths[2];
	json_t *merged, *wanted, *period;
	size_t failed;

	(void)state;
	aggregate_init(&first);
	aggregate_init(&second);
	aggregate_init(&both);
	for (int i = 1; i <= 1000; i++) {
		add(i % 10 ? &first : &second, i * 7);
		add(&both, i * 7);
	}
	paths[0] = write_period("first.json", &first, 0);
	paths[1] = write_period("second.json", &second, 5);
	assert_int_equal(period_files_merge(paths, 2, &merged, &failed), 0);
	wanted = document_from_aggregate(&both, &context);
	assert_true(json_equal(
	    json_object_get(merged, "response_times"), json_object_get(wanted, "response_times")));
	assert_true(json_equal(
	    json_object_get(merged, "token_usage"), json_object_get(wanted, "token_usage")));
	period = json_object_get(merged, "period");
	assert_string_equal(json_string_value(json_object_get(period, "kind")), "merged");
	assert_true(json_is_false(json_object_get(period, "complete")));
	json_decref(wanted);
	json_decref(merged);
	aggregate_free(&first);
	aggregate_free(&second);
	aggregate_free(&both);
}

static void must_fail(const char *path, int error)
{
	const char *paths[] = {path_of("good.json"), path};
	struct aggregate empty;
	json_t *merged = NULL;
	size_t failed;

	aggregate_init(&empty);
	write_period("good.json", &empty, 0);
	assert_int_equal(period_files_merge(paths, 2, &merged, &failed), error);
	assert_int_equal(failed, 1);
	assert_null(merged);
	aggregate_free(&empty);
}

static void test_what_is_no_period_file_is_refused_by_name(void **state)
{
	(void)state;
	must_fail(path_of("missing.json"), -ENOENT);
	must_fail(folder, -EISDIR);
	assert_int_equal(mkfifo(path_of("fifo"), 0600), 0);
	must_fail(path_of("fifo"), -ESPIPE);
	must_fail(write_text("half.json", "{\"requests\": {"), -EBADMSG);
	must_fail(write_text("list.json", "[]"), -EBADMSG);
	must_fail(write_text("empty.json", ""), -EBADMSG);
	/* A file of the bot that orbus grew from has no histograms to add up. */
	must_fail(write_text("old.json", "{\"response_times\": {\"avg\": 1}}"), -EBADMSG);
}

static void test_a_filter_takes_patterns(void **state)
{
	struct sample_filter f = {.kind = FILTER_ANY, .status = FILTER_ANY, .min_ms = NAN};
	struct orbus_sample s;

	(void)state;
	orbus_sample_init(&s);
	s.requested_model = "openai/gpt-4";
	s.bot = "acore";
	assert_true(sample_filter_passes(&f, &s));
	f.model = "openai/*";
	f.bot = "ac?re";
	assert_true(sample_filter_passes(&f, &s));
	s.model = "acme/large"; /* it answered in place of the other */
	assert_false(sample_filter_passes(&f, &s));
	f.model = NULL;
	f.min_ms = 1;
	assert_false(sample_filter_passes(&f, &s));
	f.min_ms = NAN;
	f.status = ORBUS_STATUS_OK;
	assert_true(sample_filter_passes(&f, &s));
	s.kind = ORBUS_KIND_BEGIN;
	assert_false(sample_filter_passes(&f, &s));
}

static int make_folder(void **state)
{
	(void)state;
	return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
	static const char *const names[] = {"first.json", "second.json", "good.json", "fifo",
	    "half.json", "list.json", "empty.json", "old.json"};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		unlink(path_of(names[i]));
	return rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_percentiles_are_of_all_samples),
	    cmocka_unit_test(test_what_is_no_period_file_is_refused_by_name),
	    cmocka_unit_test(test_a_filter_takes_patterns),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
