/*
 * roundtrip.c: one case of what is written can be read.
 */
#include "roundtrip.h"
#include "base/clock.h"
#include "base/data_limits.h"
#include "checkpoint_bytes.h"
#include "doc/doc_read.h"
#include "doc/document.h"
#include "doc/msgpack_tree.h"
#include "doc/period_file.h"
#include "doc/sample_json.h"
#include "doc/snapshot_read.h"
#include "document_text.h"
#include "document_tree.h"
#include "journal/line.h"
#include "orreport/files.h"
#include "sample/fields.h"
#include "sample/sample.h"
#include "settled.h"
#include "splitmix.h"

#include <errno.h>
#include <fcntl.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NOW       (UINT64_C(1764001800) * NS_PER_SECOND)
#define HOUR_NS   (3600 * NS_PER_SECOND)
#define FILE_NAME "hourly_20251124_16.json"
/* Of a slot, what is not the sample. */
#define SLOT_HEAD 32

#define MUST_BY(condition, by)                                                                  \
	do {                                                                                    \
		if (!(condition)) {                                                             \
			fprintf(                                                                \
			    stderr, "%s:%d: %s: not %s\n", __FILE__, __LINE__, by, #condition); \
			abort();                                                                \
		}                                                                               \
	} while (0)
#define MUST(condition) MUST_BY(condition, __func__)

/* --- Choices ---------------------------------------------------------------------------------- */

/* One of 0..n-1. */
static uint64_t choose(struct choices *c, uint64_t n)
{
	uint64_t value = 0;

	if (!c->bytes)
		return splitmix64(&c->seed) % n;
	for (uint64_t most = n - 1; most > 0 && c->left > 0; most >>= 8, c->left--)
		value = value << 8 | *c->bytes++;
	return value % n;
}

#define ONE_OF(c, list) ((list)[choose(c, sizeof(list) / sizeof((list)[0]))])

static double double_of(uint64_t bits)
{
	double value;

	memcpy(&value, &bits, sizeof(value));
	return value;
}

/* A finite figure >= 0, as a rule on a bound or beside one. */
static double draw_figure(struct choices *c)
{
	static const double some[] = {0, -0.0, 5e-324, DBL_MIN, 0x1p-10, 1, 1024, 3450.25, 0.1,
	    1.0 / 3, 1000.0 / 3, 0x1p32, 0x1p53, 1e15, 1e22, 1e299, 1e300, 1e308, DBL_MAX, 1024000,
	    0.0009765625, 0.000123};
	double value;

	switch (choose(c, 6)) {
	case 0: value = exp2((double)choose(c, 2100) - 1074); break;
	case 1:
		value = exp2(
		    (double)((int64_t)choose(c, HISTOGRAM_BUCKETS + 4) + HISTOGRAM_INDEX_MIN - 2) /
		    32);
		break;
	case 2: value = double_of(choose(c, UINT64_MAX) >> 1); break;
	case 3: value = (double)choose(c, 100000000) / 1000; break;
	default: value = ONE_OF(c, some);
	}
	switch (choose(c, 4)) {
	case 0: value = nextafter(value, 0); break;
	case 1: value = nextafter(value, INFINITY); break;
	default: break;
	}
	return isfinite(value) ? value : DBL_MAX;
}

static uint64_t draw_uint(struct choices *c)
{
	static const uint64_t some[] = {0, 1, 255, 65535, UINT64_C(1) << 31, UINT64_C(1) << 32,
	    UINT64_C(1) << 53, UINT64_C(1) << 62, INT64_MAX, (uint64_t)INT64_MAX + 1,
	    UINT64_MAX - 2, UINT64_MAX - 60};

	if (choose(c, 2))
		return choose(c, 10000);
	return ONE_OF(c, some) + choose(c, 3) - 1 + (choose(c, 2) ? 0 : 1);
}

static uint64_t draw_ts(struct choices *c)
{
	static const uint64_t some[] = {0, 1, NS_PER_SECOND, 86399 * NS_PER_SECOND,
	    86400 * NS_PER_SECOND, NOW - 400 * 24 * HOUR_NS, NOW - 24 * HOUR_NS, NOW + HOUR_NS,
	    UINT64_C(9223372036854775807), UINT64_C(9223372036854775808),
	    UINT64_C(18446744073000000000), UINT64_MAX - 1};

	if (choose(c, 4))
		return NOW - choose(c, 3) * HOUR_NS - choose(c, 1000) * NS_PER_SECOND / 100;
	return ONE_OF(c, some);
}

/* Where the texts of a case's samples lie. */
struct texts {
	char *at, *end;
};

static char *keep(struct texts *t, const char *bytes, size_t length)
{
	char *to = t->at;

	MUST((size_t)(t->end - t->at) > length);
	memcpy(to, bytes, length);
	to[length] = '\0';
	t->at += length + 1;
	return to;
}

/* Up to `bytes` long, of characters of one length, after as many x as do not make up one. */
static char *draw_long(struct choices *c, struct texts *t, size_t bytes, const char *end)
{
	static const char *const characters[] = {
	    "y", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80", "\x01", "\"", "\\"};
	const char *one = ONE_OF(c, characters);
	size_t n = strlen(one), used = choose(c, 4);
	char *text = t->at;

	MUST((size_t)(t->end - t->at) > bytes + strlen(end) + 8);
	memset(text, 'x', used);
	for (; used + n <= bytes; used += n)
		memcpy(text + used, one, n);
	strcpy(text + used, end);
	t->at += used + strlen(end) + 1;
	return text;
}

static const char *draw_text(struct choices *c, struct texts *t)
{
	static const char *const some[] = {"", "(other)", "(unknown)", "by_model", "hits", "count",
	    "messages_processed", "commands_executed", "a_cache_hits", "a_cache_misses",
	    "history_cache_hits", "rag_cache_misses", "_cache_hits", "rag_cache",
	    "\x01\x1f\n\r\t\b\f\"\\/\x7f", "\xe2\x80\xa8\xef\xbb\xbf", "sum", "openai/gpt-4o"};
	static const size_t lengths[] = {200, 201, 242, 243, 244, 251, 252, 253, 254, 255, 256, 257,
	    258, 300, 504, 511, 512, 4096};
	static const char *const ends[] = {"", "", "_cache_hits", "_cache_misses", "\n"};
	char name[32];

	switch (choose(c, 4)) {
	case 0: return ONE_OF(c, some);
	case 1: return draw_long(c, t, ONE_OF(c, lengths), ONE_OF(c, ends));
	default: return keep(t, name, (size_t)sprintf(name, "n%u", (unsigned)choose(c, 5)));
	}
}

/* A sample that may be published. */
struct drawn {
	struct orbus_sample sample;
	struct orbus_tag tags[ORBUS_TAGS_MAX];
};

#define DRAW_STRING(f)     \
	if (!choose(c, 3)) \
		s->f = draw_text(c, t);
#define DRAW_BOOL(f) s->f = choose(c, 2);
#define DRAW_UINT(f)       \
	if (!choose(c, 3)) \
		s->f = draw_uint(c);
#define DRAW_DOUBLE(f)     \
	if (!choose(c, 3)) \
		s->f = draw_figure(c);
#define DRAW(type, f) DRAW_##type(f)

static void draw_tags(struct choices *c, struct texts *t, struct drawn *d)
{
	static const char *const keys[] = {"user", "channel", "x", "user", ""};

	d->sample.tags = d->tags;
	d->sample.tag_count = choose(c, 4) ? choose(c, 3) : choose(c, ORBUS_TAGS_MAX + 1);
	for (size_t i = 0; i < d->sample.tag_count; i++)
		d->tags[i] = (struct orbus_tag){
		    choose(c, 4) ? ONE_OF(c, keys) : draw_text(c, t), draw_text(c, t)};
}

static void draw_sample(struct choices *c, struct texts *t, struct drawn *d)
{
	static const enum orbus_kind kinds[] = {ORBUS_KIND_REQUEST, ORBUS_KIND_REQUEST,
	    ORBUS_KIND_REQUEST, ORBUS_KIND_BEGIN, ORBUS_KIND_GAUGE, ORBUS_KIND_COUNT,
	    ORBUS_KIND_COUNT};
	struct orbus_sample *s = &d->sample;

	orbus_sample_init(s);
	s->kind = ONE_OF(c, kinds);
	if (s->kind == ORBUS_KIND_REQUEST)
		s->status = choose(c, 2) ? ORBUS_STATUS_OK : (enum orbus_status)choose(c, 4);
	s->ts = draw_ts(c);
	ORBUS_SAMPLE_FIELDS(DRAW)
	if (s->kind == ORBUS_KIND_GAUGE || s->kind == ORBUS_KIND_COUNT) {
		s->name = draw_text(c, t);
		if (!*s->name)
			s->name = "g";
		s->value = choose(c, 4) ? draw_figure(c) : 0;
		if (s->kind == ORBUS_KIND_GAUGE && choose(c, 2))
			s->value = -s->value;
	}
	draw_tags(c, t, d);
}

/* --- The wire --------------------------------------------------------------------------------- */

static bool has_tag_twice(const struct orbus_sample *s)
{
	for (size_t i = 0; i < s->tag_count; i++)
		for (size_t j = 0; j < i; j++)
			if (strcmp(s->tags[i].key, s->tags[j].key) == 0)
				return true;
	return false;
}

#define CAP_STRING(f)
#define CAP_BOOL(f)
#define CAP_UINT(f)                                 \
	if (s->f != ORBUS_NONE && s->f > COUNT_MAX) \
		s->f = COUNT_MAX;
#define CAP_DOUBLE(f)
#define CAP(type, f) CAP_##type(f)

static void must_be_encoded_as(
    const struct orbus_sample *s, const char *bytes, size_t length, const char *by)
{
	char *again = malloc(length);

	MUST_BY(sample_encode(s, s->ts, NULL, again, length) == (int)length, by);
	MUST_BY(memcmp(bytes, again, length) == 0, by);
	free(again);
}

/* As the journal keeps it, and as it is read from there. */
static void must_survive_a_line(const struct orbus_sample *published)
{
	struct orbus_sample capped = *published, *s = &capped, back;
	struct orbus_tag tags[ORBUS_TAGS_MAX];
	char *line = malloc(json_line_room(published)), error[128], *bytes = malloc(65536);
	json_t *o = json_loadb(line, json_line(published, line), JSON_REJECT_DUPLICATES, NULL);
	int length;

	ORBUS_SAMPLE_FIELDS(CAP)
	MUST(o && sample_from_json(o, tags, &back, error, sizeof(error)) == 0);
	if (!has_tag_twice(s)) {
		length = sample_encode(s, s->ts, NULL, bytes, 65536);
		MUST(length > 0);
		must_be_encoded_as(&back, bytes, (size_t)length, "line");
	}
	json_decref(o);
	free(bytes);
	free(line);
}

/* Published and read: false where it does not fit in a slot. */
static bool pass_wire(struct choices *c, const struct orbus_sample *s,
    struct sample_storage *storage, struct orbus_sample *out)
{
	static const size_t slots[] = {128, 512, 4096, 65536};
	size_t capacity = ONE_OF(c, slots) - SLOT_HEAD;
	char *bytes = malloc(capacity);
	int length;

	MUST(sample_validate(s) == 0);
	length = sample_encode(s, s->ts, "bot", bytes, capacity);
	MUST(length > 0 || length == -EMSGSIZE);
	if (length > 0) {
		MUST(sample_decode(bytes, (size_t)length, storage, out) == 0);
		MUST(sample_validate(out) == 0);
		must_be_encoded_as(out, bytes, (size_t)length, "wire");
		must_survive_a_line(out);
	}
	free(bytes);
	return length > 0;
}

/* --- Equal ------------------------------------------------------------------------------------ */

static bool same(double a, double b)
{
	return memcmp(&a, &b, sizeof(a)) == 0 || (isnan(a) && isnan(b));
}

static void must_equal_histogram(
    const struct histogram *a, const struct histogram *b, const char *by)
{
	uint64_t sum = a->zero_count;

	MUST_BY(a->count == b->count && a->zero_count == b->zero_count, by);
	MUST_BY(a->sum.units == b->sum.units && same(a->min, b->min) && same(a->max, b->max), by);
	MUST_BY(a->offset == b->offset && a->length == b->length, by);
	for (uint32_t i = 0; i < a->length; i++) {
		MUST_BY(histogram_bucket(a, i) == histogram_bucket(b, i), by);
		sum += histogram_bucket(a, i);
	}
	MUST_BY(sum == a->count && sum <= COUNT_MAX && a->sum.units <= EXACT_UNITS_MAX, by);
}

static void must_equal_stats(const void *one, const void *other, const char *by)
{
	const struct request_stats *a = one, *b = other;

	MUST_BY(a->total == b->total && a->ok == b->ok && a->errors == b->errors, by);
	MUST_BY(a->timeouts == b->timeouts && a->cancelled == b->cancelled, by);
	MUST_BY(a->orphaned == b->orphaned && a->streaming == b->streaming, by);
	MUST_BY(memcmp(&a->tokens, &b->tokens, sizeof(a->tokens)) == 0, by);
	MUST_BY(a->cost.units == b->cost.units && a->cost_known == b->cost_known, by);
	must_equal_histogram(&a->response_ms, &b->response_ms, by);
	must_equal_histogram(&a->ttft_ms, &b->ttft_ms, by);
	must_equal_histogram(&a->tps, &b->tps, by);
	must_equal_histogram(&a->decode_tps, &b->decode_tps, by);
}

static void must_equal_number(const void *one, const void *other, const char *by)
{
	const uint64_t *a = one, *b = other;

	MUST_BY(*a == *b && *a <= COUNT_MAX, by);
}

static void must_equal_count(const void *one, const void *other, const char *by)
{
	const struct exact_sum *a = one, *b = other;

	MUST_BY(a->units == b->units && a->units <= EXACT_UNITS_MAX, by);
}

static void must_equal_gauge(const void *one, const void *other, const char *by)
{
	const struct gauge_stats *a = one, *b = other;

	MUST_BY(same(a->last, b->last) && same(a->min, b->min) && same(a->max, b->max), by);
	MUST_BY(a->above.units == b->above.units && a->below.units == b->below.units, by);
	MUST_BY(a->count == b->count && a->last_ts == b->last_ts, by);
}

typedef void equal_fn(const void *a, const void *b, const char *by);

static void must_equal_name_table(
    const struct name_table *a, const struct name_table *b, equal_fn *equal, const char *by)
{
	MUST_BY(a->count == b->count && a->count <= NAME_TABLE_NAMES_MAX, by);
	for (uint32_t i = 0; i < a->count; i++) {
		MUST_BY(strcmp(a->entries[i].name, b->entries[i].name) == 0, by);
		MUST_BY(strlen(a->entries[i].name) <= ORBUS_TEXT_MAX, by);
		equal(a->entries[i].value, b->entries[i].value, by);
	}
}

static void must_equal_sketch(
    const struct kmv_sketch *a, const struct kmv_sketch *b, const char *by)
{
	MUST_BY(a->count == b->count, by);
	for (uint32_t i = 0; i < a->count; i++)
		MUST_BY(a->hashes[i] == b->hashes[i], by);
}

static void must_equal_totals(const struct aggregate *a, const struct aggregate *b, const char *by)
{
	must_equal_stats(&a->requests, &b->requests, by);
	must_equal_name_table(&a->errors_by_type, &b->errors_by_type, must_equal_number, by);
	must_equal_name_table(&a->counts, &b->counts, must_equal_count, by);
	must_equal_name_table(&a->gauges, &b->gauges, must_equal_gauge, by);
	MUST_BY(a->lost == b->lost && a->rejected == b->rejected && a->skewed == b->skewed, by);
	MUST_BY(a->journal_lost == b->journal_lost, by);
}

void must_be_equal(const struct aggregate *a, const struct aggregate *b, const char *by)
{
	must_equal_totals(a, b, by);
	must_equal_name_table(&a->by_model, &b->by_model, must_equal_stats, by);
	must_equal_name_table(&a->by_bot, &b->by_bot, must_equal_stats, by);
	must_equal_name_table(&a->by_provider, &b->by_provider, must_equal_stats, by);
	must_equal_sketch(&a->users, &b->users, by);
	must_equal_sketch(&a->channels, &b->channels, by);
	MUST_BY(a->recent_error_count == b->recent_error_count, by);
	for (uint32_t i = 0; i < a->recent_error_count; i++) {
		const struct recent_error *x = &a->recent_errors[i], *y = &b->recent_errors[i];

		MUST_BY(x->ts == y->ts && strcmp(x->type, y->type) == 0, by);
		MUST_BY(!x->message == !y->message, by);
		MUST_BY(!x->message || strcmp(x->message, y->message) == 0, by);
	}
}

/* --- Documents -------------------------------------------------------------------------------- */

static const struct trends some_trends = {.messages = {[0] = 1, [23] = INT64_MAX},
    .errors = {[1] = 7},
    .hours = TREND_HOURS,
    .current_messages = INT64_MAX,
    .current_errors = 3};

static struct document_context context_of(const struct aggregate *sum)
{
	return (struct document_context){.period_kind = "hourly",
	    .start_ns = NOW - NOW % HOUR_NS,
	    .end_ns = NOW - NOW % HOUR_NS + HOUR_NS,
	    .utc = true,
	    .complete = true,
	    .saved_at_ns = NOW,
	    .trends = &some_trends,
	    .lifetime = sum,
	    .lifetime_since_ns = NOW,
	    .restorable = true};
}

static char *as_msgpack(
    const struct aggregate *sum, const struct document_context *context, size_t *length)
{
	struct msgpack_writer m;
	char *bytes;

	msgpack_writer_init(&m);
	document_write(&m.writer, NULL, sum, context);
	bytes = msgpack_writer_take(&m, length);
	MUST(bytes);
	return bytes;
}

/* The text of a file, as the agent makes it: of the checkpoint's msgpack. */
static char *as_text(const char *msgpack, size_t length, size_t *text_length)
{
	struct text_writer t;
	char *text;

	text_writer_init(&t);
	writer_msgpack(&t.writer, NULL, msgpack, length);
	text = text_writer_take(&t, text_length);
	MUST(text && *text_length <= DOCUMENT_BYTES_MAX);
	return text;
}

static void must_load(const json_t *document, const struct aggregate *sum, const char *by)
{
	struct aggregate back;
	struct trends trends;

	MUST_BY(document, by);
	aggregate_init(&back);
	MUST_BY(document_to_aggregate(document, &back, &trends) == 0, by);
	must_be_equal(sum, &back, by);
	MUST_BY(memcmp(&trends, &some_trends, sizeof(trends)) == 0, by);
	aggregate_free(&back);
}

static void must_scan(const char *text, size_t length, const struct aggregate *sum)
{
	struct document_period period;
	struct aggregate back;

	aggregate_init(&back);
	MUST(document_from_text(text, length, DOCUMENT_ALL, &period, NULL, &back) == 0);
	must_be_equal(sum, &back, "scan");
	MUST(strcmp(period.kind, "hourly") == 0 && period.complete);
	aggregate_free(&back);
	for (unsigned parts = 0; parts < DOCUMENT_ALL; parts += 42) {
		aggregate_init(&back);
		MUST(document_from_text(text, length, parts, &period, NULL, &back) == 0);
		must_equal_stats(&sum->requests, &back.requests, "scan of parts");
		aggregate_free(&back);
	}
}

/* A folder of this process, removed when it ends. */
static char folder[] = "/tmp/orbus-roundtrip-XXXXXX";

static void remove_folder(void)
{
	char path[sizeof(folder) + sizeof(FILE_NAME)];

	snprintf(path, sizeof(path), "%s/" FILE_NAME, folder);
	unlink(path);
	rmdir(folder);
}

/* By orreport, and by what merges files for the bindings. */
static void must_be_read_as_file(const char *text, size_t length, const struct aggregate *sum)
{
	static bool has_folder;
	char path[sizeof(folder) + sizeof(FILE_NAME)];
	struct report_folder report_folder;
	struct report_file file;
	struct file_buffer buffer = {0};
	struct period_sum merged;
	int fd;

	if (!has_folder) {
		MUST(mkdtemp(folder));
		has_folder = atexit(remove_folder) == 0;
	}
	snprintf(path, sizeof(path), "%s/" FILE_NAME, folder);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	MUST(fd >= 0 && write(fd, text, length) == (ssize_t)length);
	close(fd);
	MUST(folder_list(folder, &report_folder) == 0);
	MUST(file_read(&report_folder, FILE_NAME, DOCUMENT_ALL, true, &buffer, &file) ==
	     FILE_IS_PERIOD);
	must_be_equal(sum, &file.sum, "orreport");
	aggregate_free(&file.sum);
	folder_free(&report_folder);
	free(buffer.bytes);
	period_sum_init(&merged);
	MUST(period_sum_add(&merged, text, length) == 0);
	must_be_equal(sum, &merged.stats, "period_sum");
	period_sum_free(&merged);
}

size_t must_survive_text(const struct aggregate *sum)
{
	const struct document_context context = context_of(sum);
	size_t length;
	char *msgpack = as_msgpack(sum, &context, &length), *text;
	json_t *document;

	text = as_text(msgpack, length, &length);
	free(msgpack);
	must_scan(text, length, sum);
	document = json_loadb(text, length, JSON_REJECT_DUPLICATES, NULL);
	must_load(document, sum, "text");
	json_decref(document);
	free(text);
	return length;
}

void must_survive_documents(const struct aggregate *sum)
{
	const struct document_context context = context_of(sum);
	size_t length, text_length, tree_length;
	char *msgpack = as_msgpack(sum, &context, &length), *text, *tree_text;
	json_t *document = json_from_msgpack(msgpack, length, DOCUMENT_DEPTH_MAX);

	(void)must_survive_text(sum);
	must_load(document, sum, "msgpack");
	json_decref(document);
	text = as_text(msgpack, length, &text_length);
	free(msgpack);
	must_be_read_as_file(text, text_length, sum);
	document = document_from_aggregate(sum, &context);
	MUST(document);
	tree_text = document_to_text(document, &tree_length);
	MUST(tree_text && tree_length == text_length && memcmp(text, tree_text, text_length) == 0);
	json_decref(document);
	free(tree_text);
	free(text);
}

/* The board's form: what a tool reads of it is what was counted. */
static void must_survive_board(const struct aggregate *sum)
{
	static const char *const path[] = {"windows", "day", NULL};
	struct document_context context = context_of(sum);
	struct msgpack_writer m;
	struct snapshot *shown;
	size_t length;
	char *bytes;
	json_t *day;

	context.restorable = false;
	msgpack_writer_init(&m);
	writer_object(&m.writer, NULL);
	writer_object(&m.writer, "windows");
	document_write(&m.writer, "day", sum, &context);
	writer_end(&m.writer);
	writer_end(&m.writer);
	bytes = msgpack_writer_take(&m, &length);
	MUST(bytes && length < BOARD_BYTES_MAX / 5);
	day = json_from_msgpack_at(bytes, length, path, DOCUMENT_DEPTH_MAX);
	MUST(day);
	MUST(snapshot_from_document(day, &shown) == 0);
	MUST(shown->all.requests == sum->requests.total);
	MUST(shown->all.ok == sum->requests.ok);
	MUST(shown->all.tokens.total == sum->requests.tokens.total);
	MUST(shown->all.tokens.prompt == sum->requests.tokens.prompt);
	MUST(same(shown->all.of[SUMMARY_RESPONSE].min, sum->requests.response_ms.min));
	MUST(same(shown->all.of[SUMMARY_RESPONSE].avg, histogram_mean(&sum->requests.response_ms)));
	MUST(!sum->requests.cost_known ||
	     same(shown->all.cost_usd, request_stats_cost(&sum->requests)));
	snapshot_unref(shown);
	json_decref(day);
	free(bytes);
}

/* What comes late for a file: added to what was read of it, as to what was written. */
static void must_survive_late_sample(const struct aggregate *sum, const struct orbus_sample *late)
{
	const struct document_context context = context_of(sum);
	struct aggregate base, by_file, by_memory;
	json_t *document = document_from_aggregate(sum, &context);

	aggregate_init(&base);
	aggregate_init(&by_file);
	aggregate_init(&by_memory);
	MUST(document_to_aggregate(document, &base, NULL) == 0);
	MUST(aggregate_add_settled(&by_file, late) && aggregate_merge(&by_file, &base));
	MUST(aggregate_add_settled(&by_memory, late) && aggregate_merge(&by_memory, sum));
	must_be_equal(&by_memory, &by_file, "late");
	(void)must_survive_text(&by_file);
	json_decref(document);
	aggregate_free(&base);
	aggregate_free(&by_file);
	aggregate_free(&by_memory);
}

/* --- The checkpoint --------------------------------------------------------------------------- */

static const struct calendar utc = {true, 1};

static void restart(const struct aggregator *l, struct aggregator *back)
{
	uint64_t positions[] = {5, INT64_MAX};
	struct checkpoint_bus bus = {.lane_count = 2, .positions = positions}, bus_back;
	char *bytes;
	size_t length;

	MUST(checkpoint_bytes(l, &bus, NOW, &bytes, &length) == 0);
	MUST(aggregator_init(back, &utc, 0, NOW) == 0);
	MUST(checkpoint_restore(bytes, length, 0, back, &bus_back) == 0);
	MUST(bus_back.lane_count == 2 && bus_back.positions[1] == INT64_MAX);
	checkpoint_bus_free(&bus_back);
	free(bytes);
}

static void must_equal_aggregator(const struct aggregator *l, const struct aggregator *back)
{
	MUST(l->periods.count == back->periods.count);
	for (const struct period *p = l->periods.first; p; p = p->next) {
		const struct period *q = periods_named(&back->periods, p->span.name);

		MUST(q && q->span.start_ns == p->span.start_ns && q->span.end_ns == p->span.end_ns);
		must_be_equal(&p->sum, &q->sum, p->span.name);
		MUST(memcmp(&p->trends, &q->trends, sizeof(p->trends)) == 0);
	}
	must_equal_totals(&l->lifetime, &back->lifetime, "lifetime");
	MUST(inflight_count(l->inflight) == inflight_count(back->inflight));
	MUST(l->hours.first == back->hours.first || l->hours.first == INT64_MAX);
}

/* As many restarts as one likes change nothing; every sample was counted or rejected. */
static void must_survive_restarts(struct aggregator *l, uint64_t samples)
{
	struct aggregator first, second;

	aggregator_fold(l, NOW);
	MUST(!l->out_of_memory);
	MUST(l->lifetime.samples + l->lifetime.rejected == samples);
	restart(l, &first);
	must_equal_aggregator(l, &first);
	restart(&first, &second);
	must_equal_aggregator(l, &second);
	aggregator_free(&first);
	aggregator_free(&second);
}

/* --- A case ----------------------------------------------------------------------------------- */

#define TEXT_BYTES (1 << 19)

struct one_case {
	struct aggregate sum;
	struct aggregate delta;
	bool
	    has_aggregator; /* in some cases: it is large, and two restarts are its weight thrice */
	struct aggregator aggregator;
	struct sample_storage storage;
	uint64_t counted; /* that the aggregator took */
};

static void count(struct choices *c, struct one_case *one, struct orbus_sample *s)
{
	const struct sample_origin origin = {.lane = (uint32_t)choose(c, 3), .epoch = 1};

	if (s->kind == ORBUS_KIND_REQUEST && !choose(c, 8))
		s->status = ORBUS_STATUS_ORPHANED;
	one->counted += s->kind != ORBUS_KIND_BEGIN;
	if (one->has_aggregator)
		aggregator_add(&one->aggregator, s, &origin, NOW);
	MUST(aggregate_add_settled(&one->delta, s));
	if (choose(c, 4))
		return;
	MUST(aggregate_merge(&one->sum, &one->delta));
	aggregate_clear(&one->delta);
}

/* As many names as a period keeps, and one less and more, of one kind. */
static void count_many_names(struct choices *c, struct one_case *one)
{
	unsigned names = NAME_TABLE_MAX - 1 + (unsigned)choose(c, 3), what = (unsigned)choose(c, 6);
	size_t length = choose(c, 4) ? 8 : 300;
	char name[300];

	for (unsigned i = 0; i < names; i++) {
		struct orbus_sample s;

		orbus_sample_init(&s);
		snprintf(name, sizeof(name), "%04u%*s", i, (int)length - 5, "");
		s.ts = NOW;
		s.kind = what == 4   ? ORBUS_KIND_COUNT
		         : what == 5 ? ORBUS_KIND_GAUGE
		                     : ORBUS_KIND_REQUEST;
		s.name = name;
		s.value = (double)i;
		s.response_ms = (double)i;
		*(what == 0     ? &s.model
		    : what == 1 ? &s.bot
		    : what == 2 ? &s.provider
				: &s.error_type) = name;
		s.status = what == 3 ? ORBUS_STATUS_ERROR : ORBUS_STATUS_OK;
		count(c, one, &s);
	}
}

static void count_samples(struct choices *c, struct one_case *one)
{
	struct texts texts;
	char *room = malloc(TEXT_BYTES);

	for (uint64_t i = choose(c, 24); i > 0; i--) {
		struct drawn d;
		struct orbus_sample s;

		texts = (struct texts){room, room + TEXT_BYTES};
		draw_sample(c, &texts, &d);
		if (pass_wire(c, &d.sample, &one->storage, &s))
			count(c, one, &s);
	}
	/* Not 0, which is what is left of a fuzzer's bytes: these take the time of fifty others. */
	if (choose(c, 40) == 1)
		count_many_names(c, one);
	free(room);
}

void roundtrip(struct choices *c)
{
	struct one_case one = {.storage.arena = malloc(sample_arena_bytes(65536))};
	struct orbus_sample late;

	aggregate_init(&one.sum);
	aggregate_init(&one.delta);
	one.has_aggregator = choose(c, 4) == 1;
	MUST(!one.has_aggregator || aggregator_init(&one.aggregator, &utc, 0, NOW) == 0);
	count_samples(c, &one);
	MUST(aggregate_merge(&one.sum, &one.delta));
	one.sum.lost = draw_uint(c) & COUNT_MAX;
	must_survive_documents(&one.sum);
	must_survive_board(&one.sum);
	orbus_sample_init(&late);
	late.ts = NOW;
	late.model = "n1";
	late.response_ms = draw_figure(c);
	late.cost_usd = draw_figure(c);
	late.completion_tokens = draw_uint(c);
	must_survive_late_sample(&one.sum, &late);
	if (one.has_aggregator) {
		must_survive_restarts(&one.aggregator, one.counted);
		aggregator_free(&one.aggregator);
	}
	aggregate_free(&one.sum);
	aggregate_free(&one.delta);
	free(one.storage.arena);
}
