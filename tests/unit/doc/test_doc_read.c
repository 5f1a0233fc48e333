/*
 * test_doc_read.c: one reader over two sources: JSON text and msgpack of the same document give the
 * same result, also of a damaged document. And the writer writes what the schema says.
 */
#include "base/clock.h"
#include "doc/doc_read.h"
#include "doc/doc_source.h"
#include "doc/doc_tables.h"
#include "doc/msgpack_tree.h"
#include "roundtrip.h"
#include "settled.h"
#include <errno.h>
#include <math.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MUTATIONS 2000

static uint64_t seed = 1;

static uint64_t draw(uint64_t n)
{
	seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
	return (seed >> 33) % n;
}

/* --- A document with something of everything -------------------------------------------------- */

static void fill(struct aggregate *a)
{
	static const char *const names[] = {"one", "two", "a \"third\"\n"};

	aggregate_init(a);
	for (unsigned i = 0; i < 12; i++) {
		struct orbus_sample s;
		struct orbus_tag tags[] = {{"user", names[i % 3]}, {"channel", names[i % 2]}};

		orbus_sample_init(&s);
		s.ts = NS_PER_SECOND * (1 + i);
		s.model = s.bot = s.provider = names[i % 3];
		s.status = i % 4 ? ORBUS_STATUS_OK : ORBUS_STATUS_ERROR;
		s.error_type = "Timeout";
		s.error_message = i % 8 ? "it failed" : NULL;
		s.response_ms = 100 * i;
		s.completion_tokens = 7 * i;
		s.cost_usd = i % 3 ? 30000 * i + 0.1 : NAN;
		s.tags = tags;
		s.tag_count = 2;
		assert_true(aggregate_add_settled(a, &s));
	}
	assert_true(aggregate_add_gauge(a, "g",
	    &(struct gauge_stats){.last = 2,
		.min = -1,
		.max = 3,
		.above = exact_of(4),
		.below = exact_of(1),
		.count = 3}));
	assert_true(aggregate_add_gauge(a, "h",
	    &(struct gauge_stats){
		.last = 2, .min = 1, .max = 3, .above = exact_of(4), .count = 2}));
	assert_true(aggregate_add_count(a, "rag_cache_hits", exact_of(3)));
	assert_true(aggregate_add_count(a, "other", exact_of(1e5 / 3)));
}

/* What is counted apart: tags, minutes, a bot with a gauge. */
#define MINUTE0 (UINT64_C(1700000000) / 60)

static void add_parts(struct aggregate *a)
{
	static const struct tag_names tags = {.count = 2, .names = {"user", "channel"}};
	const struct orbus_tag user[] = {{"user", "ann"}, {"user", "bob"}};
	struct orbus_sample s;

	for (unsigned i = 0; i < 4; i++) {
		struct aggregate one;

		aggregate_init(&one);
		orbus_sample_init(&s);
		s.bot = "one";
		s.ts = MINUTE0 * 60 * NS_PER_SECOND;
		s.response_ms = 100 * (i % 3);
		s.ttft_ms = i;
		s.completion_tokens = 5;
		s.cost_usd = 0.5;
		s.tags = user;
		s.tag_count = 2;
		assert_true(aggregate_add_settled(&one, &s) &&
			    tag_stats_add(&one.by_tag, &s, &tags) &&
			    minutes_add(&one.minutes, MINUTE0 + i / 2, &one.requests));
		assert_true(aggregate_merge(a, &one));
		aggregate_free(&one);
	}
	orbus_sample_init(&s);
	s.kind = ORBUS_KIND_GAUGE;
	s.bot = "one";
	s.ts = NS_PER_SECOND;
	s.name = "n";
	s.value = -3;
	assert_true(aggregate_add_settled(a, &s));
}

static json_t *document_of(const struct aggregate *a)
{
	static const struct trends trends = {{1, 2}, {0, 1}, 2, 3, 1};
	const struct document_context context = {.period_kind = "hourly",
	    .start_ns = UINT64_C(1700000000) * NS_PER_SECOND,
	    .end_ns = UINT64_C(1700003600) * NS_PER_SECOND,
	    .complete = true,
	    .utc = true,
	    .in_flight = 5,
	    .trends = &trends,
	    .lifetime = a,
	    .restorable = true};
	json_t *document = document_from_aggregate(a, &context);

	assert_non_null(document);
	return document;
}

/* What the board says of it: who is connected now, and the lifetime by itself. */
static json_t *board_document_of(const struct aggregate *a)
{
	static const struct trends no_trends;
	static const struct bot_known bots[] = {
	    {.name = "one", .producers = 1, .producer = {{.since_ns = NS_PER_SECOND}}},
	    {.name = "silent", .last_seen_ns = 5}};
	const struct document_context context = {.saved_at_ns = 10 * NS_PER_SECOND,
	    .lifetime = a,
	    .trends = &no_trends,
	    .bots = bots,
	    .bot_count = 2};
	struct tree_writer t;
	json_t *both;

	tree_writer_init(&t);
	writer_object(&t.writer, NULL);
	document_write(&t.writer, "document", a, &context);
	document_write_lifetime(&t.writer, "lifetime", &context);
	writer_end(&t.writer);
	both = tree_writer_take(&t);
	assert_non_null(both);
	return both;
}

/* --- Damage ----------------------------------------------------------------------------------- */

static json_t *wrong_value(void)
{
	switch (draw(13)) {
	case 0: return json_null();
	case 1: return json_string("x");
	case 2: return json_integer(-1);
	case 3: return json_real(0.5);
	case 4: return json_real(1e305);
	case 5: return json_integer(0);
	case 6: return json_integer(INT64_MAX);
	case 7: return json_object();
	case 8: return json_array();
	case 9: return json_true();
	case 10: return json_pack("{s:i}", "one", 1);
	case 11: return json_pack("[i]", 1);
	default: return json_integer(1);
	}
}

/* A random member somewhere in the document is replaced, taken away, renamed, or put last. */
static void damage(json_t *o, char *what, size_t size)
{
	size_t n = json_object_size(o), i = n ? draw(n) : 0;
	void *it = json_object_iter(o);
	json_t *value;
	char key[300];

	if (n == 0)
		return;
	while (i-- > 0)
		it = json_object_iter_next(o, it);
	value = json_object_iter_value(it);
	snprintf(key, sizeof(key), "%s", json_object_iter_key(it));
	snprintf(what + strlen(what), size - strlen(what), ".%s", key);
	if (json_is_object(value) && json_object_size(value) && draw(4)) {
		damage(value, what, size);
		return;
	}
	if (json_is_array(value) && json_array_size(value) && draw(2)) {
		json_array_set_new(value, draw(json_array_size(value)), wrong_value());
		return;
	}
	switch (draw(6)) {
	case 0: json_object_del(o, key); break;
	case 1:
		json_incref(value);
		json_object_del(o, key);
		json_object_set_new(o, key, value);
		break;
	case 2:
		json_object_set(o, "another", value);
		json_object_del(o, key);
		break;
	default: json_object_set_new(o, key, wrong_value());
	}
}

/* --- The same by both ------------------------------------------------------------------------- */

struct result {
	struct aggregate sum;
	struct trends trends;
	struct document_period period;
	int err;
};

static void by_text(const json_t *document, struct result *r)
{
	char *text = json_dumps(document, JSON_REAL_PRECISION(17));

	assert_non_null(text);
	aggregate_init(&r->sum);
	r->err =
	    document_from_text(text, strlen(text), DOCUMENT_ALL, &r->period, &r->trends, &r->sum);
	free(text);
}

static void by_msgpack(const json_t *document, struct result *r)
{
	struct msgpack_writer m;
	size_t length;
	char *bytes;

	msgpack_writer_init(&m);
	writer_json(&m.writer, NULL, document);
	bytes = msgpack_writer_take(&m, &length);
	assert_non_null(bytes);
	aggregate_init(&r->sum);
	r->err =
	    document_from_msgpack(bytes, length, DOCUMENT_ALL, &r->period, &r->trends, &r->sum);
	free(bytes);
}

static bool must_agree(const json_t *document, const char *what)
{
	struct result text, msgpack;
	bool is_read;

	by_text(document, &text);
	by_msgpack(document, &msgpack);
	if (text.err != msgpack.err)
		fail_msg("%s: text %d, msgpack %d", what, text.err, msgpack.err);
	is_read = text.err == 0;
	if (is_read) {
		must_be_equal(&text.sum, &msgpack.sum, what);
		assert_memory_equal(&text.trends, &msgpack.trends, sizeof(text.trends));
		assert_memory_equal(&text.period, &msgpack.period, sizeof(text.period));
	} else {
		assert_int_equal(text.err, -EBADMSG);
	}
	aggregate_free(&text.sum);
	aggregate_free(&msgpack.sum);
	return is_read;
}

static void damaged_documents_are_read_alike(void **state)
{
	struct aggregate a;
	json_t *whole;
	unsigned taken = 0;

	(void)state;
	fill(&a);
	whole = document_of(&a);
	assert_true(must_agree(whole, "whole"));
	for (unsigned i = 0; i < MUTATIONS; i++) {
		json_t *document = json_deep_copy(whole);
		char what[1000] = "";

		for (uint64_t n = 1 + draw(2); n > 0; n--)
			damage(document, what, sizeof(what));
		taken += must_agree(document, what);
		json_decref(document);
	}
	/* Neither all nor none. */
	assert_in_range(taken, MUTATIONS / 20, MUTATIONS - MUTATIONS / 20);
	json_decref(whole);
	aggregate_free(&a);
}

/* What the schema says once is not there twice; jansson would have taken the last. */
static void what_is_there_twice_is_refused(void **state)
{
	static const char *const doubled[] = {"\"requests\": {",
	    "\"ok\": ", "\"cost_usd\": ", "\"cost_usd_rest\": ", "\"by_bot\": {", "\"two\": {",
	    "\"active_stats\": {", "\"service_metrics\": {",
	    "\"last\": ", "\"users\": ", "\"lost_samples\": ", "\"scale\": ", "\"unknown\": "};
	struct aggregate a;
	json_t *whole;
	char *text;

	(void)state;
	fill(&a);
	a.requests.cost.units += 1;
	whole = document_of(&a);
	json_object_set_new(whole, "unknown", json_integer(1));
	text = json_dumps(whole, JSON_REAL_PRECISION(17));
	for (size_t i = 0; i < sizeof(doubled) / sizeof(doubled[0]); i++) {
		const char *at = strstr(text, doubled[i]), *value = at + strlen(doubled[i]);
		bool is_object = value[-1] == '{', is_list = *value == '[';
		char *twice = NULL;
		struct result r;
		int n;

		assert_non_null(at);
		n = (int)(is_list ? strcspn(value, "]") + 1 : strcspn(value, ",}"));
		/* Of an object, an empty one comes first. */
		assert_true(is_object ? asprintf(&twice, "%.*s%s}, %s", (int)(at - text), text,
					    doubled[i], at) > 0
				      : asprintf(&twice, "%.*s%s%.*s, %s", (int)(at - text), text,
					    doubled[i], n, value, at) > 0);
		aggregate_init(&r.sum);
		r.err = document_from_text(
		    twice, strlen(twice), DOCUMENT_ALL, &r.period, &r.trends, &r.sum);
		/* Keys that are not read may be there twice. */
		if (strstr("\"scale\": \"unknown\": ", doubled[i]))
			assert_int_equal(r.err, 0);
		else
			assert_int_equal(r.err, -EBADMSG);
		aggregate_free(&r.sum);
		free(twice);
	}
	json_decref(whole);
	aggregate_free(&a);
	free(text);
}

/* --- Memory that is refused ------------------------------------------------------------------- */

static long allowed = -1; /* allocations; fewer than 0: all */

static bool is_refused(void)
{
	if (allowed > 0)
		allowed--;
	return allowed == 0;
}

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__real_realloc(void *old, size_t size);
void *__wrap_realloc(void *old, size_t size);

void *__wrap_malloc(size_t size)
{
	return is_refused() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
	return is_refused() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *old, size_t size)
{
	return is_refused() ? NULL : __real_realloc(old, size);
}

/* jansson is a shared library: its malloc() is not wrapped. */
static void *allocate(size_t size)
{
	return __wrap_malloc(size);
}

/* What cannot be read for want of memory is not damaged: by the reader, and by the tree. */
static void a_shortage_is_not_damage(void **state)
{
	struct msgpack_writer m;
	struct result r;
	struct aggregate a;
	json_t *whole, *tree;
	char *bytes, *text;
	size_t length, refused[3] = {0};

	(void)state;
	fill(&a);
	whole = document_of(&a);
	text = json_dumps(whole, JSON_REAL_PRECISION(17));
	msgpack_writer_init(&m);
	writer_json(&m.writer, NULL, whole);
	bytes = msgpack_writer_take(&m, &length);
	json_decref(whole);
	json_set_alloc_funcs(allocate, free);
	for (int form = 0; form < 3; form++) {
		for (long n = 1;; n++) {
			int err;

			aggregate_init(&r.sum);
			allowed = n;
			if (form == 0) {
				err = document_from_text(
				    text, strlen(text), DOCUMENT_ALL, &r.period, &r.trends, &r.sum);
			} else if (form == 1) {
				err = document_from_msgpack(
				    bytes, length, DOCUMENT_ALL, &r.period, &r.trends, &r.sum);
			} else {
				tree = json_from_msgpack(bytes, length, DOCUMENT_DEPTH_MAX);
				err = tree ? 0 : -errno;
				json_decref(tree);
			}
			allowed = -1;
			aggregate_free(&r.sum);
			if (err == 0)
				break;
			assert_int_equal(err, -ENOMEM);
			refused[form]++;
		}
		assert_true(refused[form] > 30);
	}
	json_set_alloc_funcs(malloc, free);
	free(text);
	free(bytes);
	aggregate_free(&a);
}

/* --- The writer and the schema ---------------------------------------------------------------- */

#define KEYS_MAX 1000

static const struct doc_field *written[KEYS_MAX];
static size_t written_count;

static bool is_written(const struct doc_field *f)
{
	for (size_t i = 0; i < written_count; i++)
		if (written[i] == f)
			return true;
	return false;
}

static void must_be_in_schema(const json_t *o, const struct doc_object *object);

static bool are_all(const json_t *value, bool (*is)(const json_t *item))
{
	const char *name;
	json_t *item;
	size_t i;

	if (json_is_array(value))
		json_array_foreach(value, i, item) if (!is(item)) return false;
	if (json_is_object(value))
		json_object_foreach((json_t *)(uintptr_t)value, name, item)
		{
			if (!is(item))
				return false;
		}
	return true;
}

static bool is_count(const json_t *v)
{
	return json_is_integer(v) && json_integer_value(v) >= 0;
}

static bool is_integer(const json_t *v)
{
	return json_is_integer(v);
}

static bool is_number(const json_t *v)
{
	return json_is_number(v);
}

static bool has_type(const json_t *v, const struct doc_field *f)
{
	const char *name;
	json_t *item;
	size_t i;

	switch ((enum doc_type)f->type) {
	case DOC_COUNT: return is_count(v);
	case DOC_SUM_REST:
	case DOC_INTEGER: return json_is_integer(v);
	case DOC_FIGURE:
	case DOC_SIGNED:
	case DOC_SUM: return json_is_number(v) || json_is_null(v);
	case DOC_NUMBER: return json_is_number(v);
	case DOC_TEXT_OR_NULL: return json_is_string(v) || json_is_null(v);
	case DOC_TEXT: return json_is_string(v);
	case DOC_TIME: return json_is_string(v) || (f->flags & NULLABLE && json_is_null(v));
	case DOC_BOOL: return json_is_boolean(v);
	case DOC_LIST_COUNT: return json_is_array(v) && are_all(v, is_count);
	case DOC_EACH_COUNT: return json_is_object(v) && are_all(v, is_count);
	case DOC_EACH_NUMBER: return json_is_object(v) && are_all(v, is_number);
	case DOC_EACH_INTEGER: return json_is_object(v) && are_all(v, is_integer);
	case DOC_OBJECT: must_be_in_schema(v, f->of); return json_is_object(v);
	case DOC_LIST:
		json_array_foreach(v, i, item) must_be_in_schema(item, f->of);
		return json_is_array(v);
	case DOC_EACH:
		json_object_foreach((json_t *)(uintptr_t)v, name, item)
		{
			must_be_in_schema(item, f->of);
		}
		return json_is_object(v);
	case DOC_EACH_EACH:
		json_object_foreach((json_t *)(uintptr_t)v, name, item)
		{
			const char *inner;
			json_t *one;

			json_object_foreach(item, inner, one)
			{
				must_be_in_schema(one, f->of);
			}
		}
		return json_is_object(v);
	case DOC_TYPES: break;
	}
	return false;
}

/* Each key is there, behind the one before it, and what it holds is of its type. */
static void must_be_in_schema(const json_t *o, const struct doc_object *object)
{
	unsigned i = 0;
	const char *name;
	json_t *value;

	json_object_foreach((json_t *)(uintptr_t)o, name, value)
	{
		while (i < object->count && strcmp(object->fields[i].key, name) != 0)
			i++;
		if (i == object->count)
			fail_msg(
			    "%s.%s is not in the schema, or in another place", object->name, name);
		if (!has_type(value, &object->fields[i]))
			fail_msg("%s.%s has another type than in the schema", object->name, name);
		if (!is_written(&object->fields[i]) && written_count < KEYS_MAX)
			written[written_count++] = &object->fields[i];
	}
}

static void must_be_written(const struct doc_object *object)
{
	for (unsigned i = 0; i < object->count; i++) {
		if (!is_written(&object->fields[i]))
			fail_msg("%s.%s is in the schema, and was not written", object->name,
			    object->fields[i].key);
		if (object->fields[i].of)
			must_be_written(object->fields[i].of);
	}
}

static void what_is_written_is_what_the_schema_says(void **state)
{
	const exact_units beyond = (exact_units)20000 * EXACT_SCALE + 1;
	struct aggregate a;
	json_t *whole;

	(void)state;
	fill(&a);
	add_parts(&a);
	/* Sums that a double is not all of. */
	for (uint32_t i = 0; i < a.breakdown.table.count; i++)
		((struct request_stats *)a.breakdown.table.entries[i].value)->cost.units = beyond;
	((struct request_stats *)((struct name_table *)name_table_find(&a.by_tag.tags, "user"))
		->entries[1]
		.value)
	    ->cost.units = beyond;
	for (uint32_t i = 0; i < a.minutes.count; i++) {
		a.minutes.list[i].cost.units = beyond;
		a.minutes.list[i].response_ms.sum.units = beyond;
	}
	a.requests.cost.units = beyond;
	((struct request_stats *)a.by_model.entries[1].value)->cost.units = beyond;
	((struct exact_sum *)a.counts.entries[0].value)->units = beyond;
	a.requests.response_ms.sum.units = beyond;
	for (uint32_t i = 0; i < a.gauges.count; i++) {
		struct gauge_stats *g = a.gauges.entries[i].value;

		g->above.units = beyond;
		if (g->below.units)
			g->below = g->above;
	}
	whole = document_of(&a);
	must_be_in_schema(whole, &doc_document);
	json_decref(whole);
	whole = board_document_of(&a);
	must_be_in_schema(json_object_get(whole, "document"), &doc_document);
	must_be_in_schema(json_object_get(whole, "lifetime"), &doc_lifetime);
	must_be_written(&doc_document);
	json_decref(whole);
	aggregate_free(&a);
}

/* --- The steps of a source -------------------------------------------------------------------- */

#define LIST_MAX 20

static double draw_figure(void)
{
	return ((double)draw(2000000) - 1000000) / 64;
}

/* Draws an object, and writes it. */
static void write_object(struct writer *w, const char *key, unsigned depth)
{
	static const char *const texts[] = {
	    "", "plain", "\"\\\n\x01", "h\xc3\xa9 \xf0\x9f\x98\x80"};
	uint64_t members = draw(6);

	writer_object(w, key);
	for (uint64_t i = 0; i < members; i++) {
		char name[24];

		sprintf(name, "%s%u", texts[draw(4)], (unsigned)i);
		switch (draw(depth ? 9 : 7)) {
		case 0: writer_null(w, name); break;
		case 1: writer_boolean(w, name, draw(2)); break;
		case 2: writer_count(w, name, draw(2) ? draw(300) : COUNT_MAX - draw(3)); break;
		case 3: writer_integer(w, name, 1000 - (int64_t)draw(2000)); break;
		case 4: writer_figure(w, name, draw_figure()); break;
		case 5: writer_text(w, name, texts[draw(4)]); break;
		case 6:
			writer_array(w, name);
			for (uint64_t n = draw(LIST_MAX); n > 0; n--)
				writer_count(w, NULL, draw(2) ? draw(150) : draw(100000));
			writer_end(w);
			break;
		case 7:
			writer_array(w, name);
			for (uint64_t n = draw(3); n > 0; n--)
				write_object(w, NULL, depth - 1);
			writer_end(w);
			break;
		default: write_object(w, name, depth - 1);
		}
	}
	writer_end(w);
}

static void read_object(struct doc_source *s, unsigned depth);

static void read_text(struct doc_source *s, const char *expected)
{
	struct doc_text text;
	char copy[100];

	assert_true(doc_kind(s) == '"');
	doc_text(s, &text);
	assert_true(doc_text_cut(&text, copy, sizeof(copy)));
	assert_string_equal(copy, expected);
}

static void read_counts(struct doc_source *s)
{
	uint64_t list[LIST_MAX], n = draw(LIST_MAX);

	assert_int_equal(doc_counts(s, list, LIST_MAX), n);
	for (uint64_t i = 0; i < n; i++)
		assert_int_equal(list[i], draw(2) ? draw(150) : draw(100000));
}

static void read_objects(struct doc_source *s, unsigned depth)
{
	uint64_t n = draw(3);

	doc_open_array(s);
	while (n-- > 0) {
		assert_true(doc_item(s));
		read_object(s, depth);
	}
	assert_false(doc_item(s));
}

/* The next number as a count, whatever it is; it is read once more then. */
static void must_count(struct doc_source *s, uint64_t expected, bool is_integer)
{
	struct doc_source again = *s;
	uint64_t count;

	assert_true(doc_kind(&again) == '0');
	assert_int_equal(doc_any_count(&again, &count), is_integer);
	assert_int_equal(count, expected);
	doc_skip(s);
	assert_int_equal(
	    again.is_msgpack ? again.msgpack.in.at - s->msgpack.in.at : again.text.at - s->text.at,
	    0);
}

/* Draws the same, and expects it of a value. */
static void read_value(struct doc_source *s, unsigned depth, const char *const *texts)
{
	struct doc_source again = *s;
	uint64_t count;
	int64_t integer;
	double figure;
	bool boolean;

	switch (draw(depth ? 9 : 7)) {
	case 0:
		assert_true(doc_kind(s) == 'n');
		doc_figure(s, &figure);
		assert_true(isnan(figure));
		break;
	case 1:
		doc_bool(s, &boolean);
		assert_int_equal(boolean, draw(2));
		break;
	case 2:
		doc_count(s, &count);
		assert_int_equal(count, draw(2) ? draw(300) : COUNT_MAX - draw(3));
		must_count(&again, count, true);
		break;
	case 3:
		doc_integer(s, &integer);
		assert_int_equal(integer, 1000 - (int64_t)draw(2000));
		must_count(&again, integer > 0 ? (uint64_t)integer : 0, true);
		break;
	case 4:
		doc_figure(s, &figure);
		assert_true(figure == draw_figure());
		must_count(&again, figure > 0 ? (uint64_t)figure : 0, false);
		break;
	case 5: read_text(s, texts[draw(4)]); break;
	case 6: read_counts(s); break;
	case 7: read_objects(s, depth - 1); break;
	default: read_object(s, depth - 1);
	}
}

static void read_object(struct doc_source *s, unsigned depth)
{
	static const char *const texts[] = {
	    "", "plain", "\"\\\n\x01", "h\xc3\xa9 \xf0\x9f\x98\x80"};
	uint64_t members = draw(6);
	struct doc_text key = {.at = ""};

	doc_open(s);
	for (uint64_t i = 0; i < members; i++) {
		char name[24], expected[24];

		assert_true(doc_member(s, &key));
		sprintf(expected, "%s%u", texts[draw(4)], (unsigned)i);
		assert_true(doc_text_cut(&key, name, sizeof(name)));
		assert_string_equal(name, expected);
		read_value(s, depth, texts);
	}
	assert_false(doc_member(s, &key));
	assert_false(doc_failed(s));
}

/* Read in full, passed over, and, cut anywhere, refused. */
static void must_be_read(struct doc_source *s, uint64_t from)
{
	struct doc_source again = *s;

	seed = from;
	read_object(s, 3);
	doc_end(s);
	assert_false(doc_failed(s));
	doc_skip(&again);
	doc_end(&again);
	assert_false(doc_failed(&again));
}

static void must_fail(struct doc_source *s)
{
	doc_skip(s);
	doc_end(s);
	assert_true(doc_failed(s));
}

static void both_sources_give_what_was_written(void **state)
{
	(void)state;
	for (uint64_t from = 1; from < 500; from++) {
		struct msgpack_writer m;
		struct text_writer t;
		struct doc_source s;
		size_t text_length, length;
		char *text, *bytes;

		text_writer_init(&t);
		seed = from;
		write_object(&t.writer, NULL, 3);
		text = text_writer_take(&t, &text_length);
		msgpack_writer_init(&m);
		seed = from;
		write_object(&m.writer, NULL, 3);
		bytes = msgpack_writer_take(&m, &length);
		assert_true(text && bytes);
		doc_source_text(&s, text, text_length);
		must_be_read(&s, from);
		doc_source_msgpack(&s, bytes, length);
		must_be_read(&s, from);
		for (size_t i = 0; i < length; i++) {
			doc_source_msgpack(&s, bytes, i);
			must_fail(&s);
		}
		/* The line break behind the text may be missing. */
		for (size_t i = 0; i + 1 < text_length; i++) {
			doc_source_text(&s, text, i);
			must_fail(&s);
		}
		free(text);
		free(bytes);
	}
}

/* What is passed over may hold anything but what no JSON has outside its strings. */
static void noise_in_what_is_passed_over_is_refused(void **state)
{
	static const char *const noise[] = {
	    "{\"a\": \x01}", "{\"a\": \x7f}", "[\xff]", "[1, \x1b]"};
	struct doc_source s;

	(void)state;
	for (size_t i = 0; i < sizeof(noise) / sizeof(noise[0]); i++) {
		doc_source_text(&s, noise[i], strlen(noise[i]));
		must_fail(&s);
	}
	doc_source_text(&s, "{\"a\": \0}", 8);
	must_fail(&s);
	doc_source_text(&s, "{\"a\": \n\t\r[-1.5e+3, true, null]}", 31);
	doc_skip(&s);
	doc_end(&s);
	assert_false(doc_failed(&s));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(both_sources_give_what_was_written),
	    cmocka_unit_test(noise_in_what_is_passed_over_is_refused),
	    cmocka_unit_test(damaged_documents_are_read_alike),
	    cmocka_unit_test(what_is_there_twice_is_refused),
	    cmocka_unit_test(a_shortage_is_not_damage),
	    cmocka_unit_test(what_is_written_is_what_the_schema_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
