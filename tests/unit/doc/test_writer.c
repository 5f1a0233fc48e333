/*
 * test_writer.c: a document comes out the same as a tree, as msgpack and as text, or not at all.
 */
#include "doc/document.h"
#include "doc/msgpack_tree.h"
#include "document_text.h"
#include "settled.h"
#include "testing.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Takes over what was written, and reads it back. */
static json_t *read_back(struct msgpack_writer *m)
{
	size_t length;
	char *bytes = msgpack_writer_take(m, &length);
	json_t *value = bytes ? json_from_msgpack(bytes, length, DOCUMENT_DEPTH_MAX) : NULL;

	free(bytes);
	return value;
}

/* The text of a document, by way of its tree. */
static char *text_of(const json_t *tree)
{
	size_t length;
	char *text = document_to_text(tree, &length);

	assert_non_null(text);
	assert_int_equal(strlen(text), length);
	return text;
}

/* The same, from msgpack without a tree. */
static char *text_of_msgpack(struct msgpack_writer *m)
{
	struct text_writer t;
	size_t length;
	char *bytes = msgpack_writer_take(m, &length), *text;

	assert_non_null(bytes);
	text_writer_init(&t);
	writer_msgpack(&t.writer, NULL, bytes, length);
	text = text_writer_take(&t, &length);
	free(bytes);
	return text;
}

static void fill(struct aggregate *a)
{
	for (unsigned i = 0; i < 3000; i++) {
		static const char *const models[] = {"m/one", "m/two", "m/\xc3\xa9"};
		struct orbus_sample s;

		orbus_sample_init(&s);
		s.ts = UINT64_C(1764000000000000000) + i;
		s.model = models[i % 3];
		s.bot = "bot";
		s.response_ms = 1 + i * 7 % 5000;
		s.completion_tokens = i % 400;
		s.status = i % 50 ? ORBUS_STATUS_OK : ORBUS_STATUS_ERROR;
		s.error_type = i % 50 ? NULL : "rate_limited";
		assert_true(aggregate_add_settled(a, &s));
	}
	for (unsigned i = 0; i < 4; i++) {
		static const char *const counts[] = {
		    "x_cache_hits", "x_cache_misses", "rag_cache_hits", "work"};
		struct orbus_sample s;

		orbus_sample_init(&s);
		s.kind = ORBUS_KIND_COUNT;
		s.name = counts[i];
		s.value = i + 0.5;
		assert_true(aggregate_add_settled(a, &s));
	}
}

static void a_document_is_the_same_in_both_forms(void **state)
{
	struct trends trends = {.hours = 2, .messages = {3, 4}};
	struct aggregate a;

	(void)state;
	aggregate_init(&a);
	fill(&a);
	for (int restorable = 0; restorable < 2; restorable++) {
		struct document_context c = {.period_kind = "hourly",
		    .end_ns = UINT64_C(3600000000000),
		    .trends = restorable ? &trends : NULL,
		    .lifetime = &a,
		    .restorable = restorable};
		struct msgpack_writer m;
		char *text, *same;
		json_t *tree = document_from_aggregate(&a, &c), *back;

		msgpack_writer_init(&m);
		document_write(&m.writer, NULL, &a, &c);
		back = read_back(&m);
		assert_non_null(tree);
		assert_non_null(back);
		assert_true(json_equal(tree, back));
		msgpack_writer_init(&m);
		document_write(&m.writer, NULL, &a, &c);
		text = text_of(tree);
		same = text_of_msgpack(&m);
		assert_string_equal(text, same);
		json_decref(back);
		back = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
		assert_non_null(back);
		free(text);
		free(same);
		json_decref(tree);
		json_decref(back);
	}
	aggregate_free(&a);
}

static void each_cache_has_one_place(void **state)
{
	const struct document_context c = {.utc = true};
	struct aggregate a;
	json_t *document, *caches;

	(void)state;
	aggregate_init(&a);
	fill(&a);
	document = document_from_aggregate(&a, &c);
	caches = json_object_get(document, "cache_stats");
	assert_int_equal(json_object_size(caches), 3);
	assert_int_equal(
	    json_real_value(json_object_get(json_object_get(caches, "x_cache"), "misses")) * 10,
	    15);
	json_decref(document);
	aggregate_free(&a);
}

static void write_values(struct writer *w, const json_t *part)
{
	writer_object(w, NULL);
	writer_null(w, "null");
	writer_boolean(w, "no", false);
	writer_integer(w, "negative", INT64_MIN);
	writer_count(w, "many", UINT64_MAX);
	writer_figure(w, "unknown", NAN);
	writer_figure(w, "figure", -0.125);
	writer_text(w, "empty", "");
	writer_array(w, "empty list");
	writer_end(w);
	writer_array(w, "list");
	for (int i = 0; i < 70000; i++)
		writer_integer(w, NULL, i % 100);
	writer_end(w);
	writer_json(w, "part", part);
	writer_end(w);
}

static void every_value_is_written(void **state)
{
	json_t *part = json_pack("{s:[i,f,b,n,s],s:{}}", "a", 1, 0.5, 1, "text", "b"), *tree, *back;
	struct msgpack_writer m;
	struct tree_writer t;

	(void)state;
	msgpack_writer_init(&m);
	tree_writer_init(&t);
	write_values(&m.writer, part);
	write_values(&t.writer, part);
	tree = tree_writer_take(&t);
	back = read_back(&m);
	assert_true(json_equal(tree, back));
	assert_true(json_equal(json_object_get(back, "part"), part));
	assert_true(json_is_null(json_object_get(back, "unknown")));
	assert_int_equal(json_integer_value(json_object_get(back, "many")), INT64_MAX);
	assert_int_equal(json_integer_value(json_object_get(back, "negative")), INT64_MIN);
	assert_int_equal(json_array_size(json_object_get(back, "list")), 70000);
	json_decref(part);
	json_decref(tree);
	json_decref(back);
}

static void a_text_is_what_json_says(void **state)
{
	json_t *whole = json_pack("{s:{s:s,s:[]},s:[i,f,{}],s:n,s:s}", "a \"quoted\"\n key", "b",
		   "tab\t \\ \xc3\xa9", "c", "list", -5, 3245.8, "nothing", "last", "text"),
	       *back;
	char *text = text_of(whole);

	(void)state;
	assert_string_equal(text,
	    "{\n"
	    "  \"a \\\"quoted\\\"\\n key\": {\"b\": \"tab\\t \\\\ \xc3\xa9\", \"c\": []},\n"
	    "  \"list\": [-5, 3245.8, {}],\n"
	    "  \"nothing\": null,\n"
	    "  \"last\": \"text\"\n"
	    "}\n");
	back = json_loads(text, 0, NULL);
	assert_true(json_equal(whole, back));
	free(text);
	json_decref(back);
	json_decref(whole);
}

static void damaged_msgpack_spoils_the_whole(void **state)
{
	static const char *const damaged[] = {
	    "\x81", "\x81\x01\x02", "\x92\x01", "\xc1", "\x01\x01"};

	(void)state;
	for (size_t i = 0; i < sizeof(damaged) / sizeof(damaged[0]); i++) {
		struct tree_writer t;
		char bytes[8];

		strcpy(bytes, damaged[i]);
		tree_writer_init(&t);
		writer_msgpack(&t.writer, NULL, bytes, strlen(bytes));
		assert_null(tree_writer_take(&t));
	}
}

static void write_deep(struct writer *w, int levels)
{
	for (int i = 0; i < levels; i++)
		writer_array(w, NULL);
	writer_integer(w, NULL, 1);
	for (int i = 0; i < levels; i++)
		writer_end(w);
}

static void write_without_a_part(struct writer *w)
{
	writer_object(w, NULL);
	writer_json(w, "part", NULL);
	writer_text(w, "after", "it");
	writer_end(w);
}

static void what_fails_is_not_there(void **state)
{
	struct tree_writer t;
	struct msgpack_writer m;
	json_t *whole;
	size_t length;

	(void)state;
	tree_writer_init(&t);
	write_deep(&t.writer, DOCUMENT_DEPTH_MAX);
	whole = tree_writer_take(&t);
	assert_non_null(whole);
	json_decref(whole);
	tree_writer_init(&t);
	write_deep(&t.writer, DOCUMENT_DEPTH_MAX + 2);
	assert_null(tree_writer_take(&t));
	msgpack_writer_init(&m);
	write_deep(&m.writer, DOCUMENT_DEPTH_MAX + 2);
	assert_null(msgpack_writer_take(&m, &length));
	tree_writer_init(&t);
	write_without_a_part(&t.writer);
	assert_null(tree_writer_take(&t));
	msgpack_writer_init(&m);
	write_without_a_part(&m.writer);
	assert_null(msgpack_writer_take(&m, &length));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_document_is_the_same_in_both_forms),
	    cmocka_unit_test(each_cache_has_one_place),
	    cmocka_unit_test(every_value_is_written),
	    cmocka_unit_test(a_text_is_what_json_says),
	    cmocka_unit_test(damaged_msgpack_spoils_the_whole),
	    cmocka_unit_test(what_fails_is_not_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
