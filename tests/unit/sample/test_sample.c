/*
 * test_sample.c: a sample's msgpack form, and what is refused of it.
 */
#include "base/msgpack_in.h"
#include "base/utf8.h"
#include "doc/sample_json.h"
#include "sample/dup.h"
#include "sample/fields.h"
#include "sample/sample.h"
#include "testing.h"

#include <errno.h>
#include <math.h>
#include <msgpack.h>
#include <stdio.h>
#include <string.h>

#define PAYLOAD 496

static struct sample_storage storage_new(void)
{
	return (struct sample_storage){.arena = malloc(sample_arena_bytes(PAYLOAD))};
}

static void everything_survives_the_wire(void **state)
{
	const struct orbus_tag tags[] = {{"user", "ann"}, {"channel", "general"}};
	struct sample_storage storage = storage_new();
	struct orbus_sample s, out;
	char buffer[PAYLOAD];
	int n;

	(void)state;
	orbus_sample_init(&s);
	s.ts = 1764000000123456789;
	s.status = ORBUS_STATUS_ERROR;
	s.model = "openai/gpt-4";
	s.provider = "Azure \xc3\xa9";
	s.request_id = "gen-1";
	s.begin_id = "b";
	s.error_type = "rate_limited";
	s.error_message = "slow down";
	s.http_status = 429;
	s.stream = true;
	s.tokens_estimated = true;
	s.response_ms = 3450.25;
	s.ttft_ms = 870;
	s.prompt_tokens = 225;
	s.completion_tokens = 287;
	s.total_tokens = 512;
	s.cost_usd = 0.0123;
	s.attempt = 2;
	s.tags = tags;
	s.tag_count = 2;
	n = sample_encode(&s, s.ts, "acore", buffer, sizeof(buffer));
	assert_true(n > 0);
	assert_int_equal(sample_decode(buffer, (size_t)n, &storage, &out), 0);
	assert_int_equal(out.ts, s.ts);
	assert_int_equal(out.kind, ORBUS_KIND_REQUEST);
	assert_int_equal(out.status, ORBUS_STATUS_ERROR);
	assert_string_equal(out.bot, "acore");
	assert_string_equal(out.model, s.model);
	assert_string_equal(out.provider, s.provider);
	assert_string_equal(out.request_id, s.request_id);
	assert_string_equal(out.begin_id, s.begin_id);
	assert_string_equal(out.error_message, s.error_message);
	assert_int_equal(out.http_status, 429);
	assert_true(out.stream && out.tokens_estimated);
	assert_true(out.response_ms == s.response_ms && out.ttft_ms == 870);
	assert_int_equal(out.total_tokens, 512);
	assert_true(out.cost_usd == s.cost_usd);
	assert_int_equal(out.attempt, 2);
	assert_int_equal(out.tag_count, 2);
	assert_string_equal(out.tags[1].value, "general");
	assert_null(out.requested_model);
	assert_int_equal(out.cached_tokens, ORBUS_NONE);
	assert_true(isnan(out.value));
	free(storage.arena);
}

/* A map's pairs, as where they begin and end. */
static uint32_t find_pairs(const char *bytes, size_t length, const char *bounds[64])
{
	struct mp_reader in;
	struct mp_value map;

	mp_reader_init(&in, bytes, length);
	assert_true(mp_next(&in, &map) && map.type == MP_MAP && map.count < 63);
	for (uint32_t i = 0; i < map.count; i++) {
		bounds[i] = (const char *)in.at;
		assert_true(mp_skip(&in, 0) && mp_skip(&in, 2));
	}
	bounds[map.count] = (const char *)in.at;
	return map.count;
}

/* The pairs backwards, each key with a longer head than it needs: nothing of it is the fast path's.
 */
static size_t rewrite(const char *bytes, size_t length, char *out)
{
	const char *bounds[64];
	uint32_t pairs = find_pairs(bytes, length, bounds);
	char *at = out;

	*at++ = (char)0xde;
	*at++ = 0;
	*at++ = (char)pairs;
	for (uint32_t i = pairs; i-- > 0;) {
		*at++ = (char)0xd9;
		*at++ = bounds[i][0] & 0x1f;
		memcpy(at, bounds[i] + 1, (size_t)(bounds[i + 1] - bounds[i]) - 1);
		at += bounds[i + 1] - bounds[i] - 1;
	}
	return (size_t)(at - out);
}

static void both_ways_of_decoding_agree(void **state)
{
	struct sample_storage fast_storage = storage_new(), general_storage = storage_new();
	const struct orbus_tag tags[] = {{"user", "ann"}};
	struct orbus_sample s, fast, general;
	char buffer[PAYLOAD], other[2 * PAYLOAD], again[PAYLOAD];
	size_t length;
	int n;

	(void)state;
	orbus_sample_init(&s);
	s.kind = ORBUS_KIND_REQUEST;
	s.status = ORBUS_STATUS_TIMEOUT;
	s.tags = tags;
	s.tag_count = 1;
#define FILL_STRING(f) s.f = #f;
#define FILL_BOOL(f)   s.f = true;
#define FILL_UINT(f)   s.f = sizeof(#f) << (sizeof(#f) % 4 * 10);
#define FILL_DOUBLE(f) s.f = 0.25 + sizeof(#f);
#define FILL(type, f)  FILL_##type(f)
	ORBUS_SAMPLE_FIELDS(FILL)
	n = sample_encode(&s, 1764000000123456789, "b", buffer, sizeof(buffer));
	assert_true(n > 0);
	length = rewrite(buffer, (size_t)n, other);
	assert_int_equal(sample_decode(buffer, (size_t)n, &fast_storage, &fast), 0);
	assert_int_equal(sample_decode(other, length, &general_storage, &general), 0);
	assert_int_equal(sample_encode(&fast, fast.ts, "b", again, sizeof(again)), n);
	assert_memory_equal(again, buffer, n);
	assert_int_equal(sample_encode(&general, general.ts, "b", again, sizeof(again)), n);
	assert_memory_equal(again, buffer, n);
	free(fast_storage.arena);
	free(general_storage.arena);
}

/* The copy is whole where all that the sample pointed to is gone. */
static void a_copy_outlives_what_it_was_made_of(void **state)
{
	struct sample_storage storage = storage_new();
	const struct orbus_tag tags[] = {{"user", "ann"}, {"", ""}, {"channel", "general"}};
	struct orbus_sample s, *copy;
	char buffer[PAYLOAD], again[PAYLOAD];
	int n;

	(void)state;
	orbus_sample_init(&s);
	s.tags = tags;
	s.tag_count = 3;
	ORBUS_SAMPLE_FIELDS(FILL)
	n = sample_encode(&s, 1764000000123456789, "b", buffer, sizeof(buffer));
	assert_true(n > 0);
	assert_int_equal(sample_decode(buffer, (size_t)n, &storage, &s), 0);
	copy = sample_dup(&s);
	assert_non_null(copy);
	memset(storage.arena, 'x', sample_arena_bytes(PAYLOAD));
	free(storage.arena);
	memset(&storage, 0, sizeof(storage));
	assert_int_equal(sample_encode(copy, copy->ts, "b", again, sizeof(again)), n);
	assert_memory_equal(again, buffer, n);
	free(copy);
	orbus_sample_init(&s);
	copy = sample_dup(&s);
	assert_non_null(copy);
	assert_null(copy->tags);
	assert_null(copy->model);
	assert_int_equal(copy->total_tokens, ORBUS_NONE);
	free(copy);
}

static void derived_figures_are_the_seeds(void **state)
{
	struct orbus_sample s;

	(void)state;
	orbus_sample_init(&s);
	assert_true(isnan(orbus_sample_tps(&s)));
	s.completion_tokens = 287;
	s.response_ms = 3450;
	assert_true(fabs(orbus_sample_tps(&s) - 83.2) < 0.05);
	assert_true(isnan(orbus_sample_decode_tps(&s)));
	s.completion_tokens = 345;
	s.response_ms = 8210;
	s.ttft_ms = 870;
	assert_true(fabs(orbus_sample_tps(&s) - 42.0) < 0.05);
	assert_true(fabs(orbus_sample_decode_tps(&s) - 345 / 7.34) < 1e-9);
	s.response_ms = 0;
	assert_true(isnan(orbus_sample_tps(&s)));
	assert_true(isnan(orbus_sample_decode_tps(&s)));
}

static void long_messages_are_cut_on_a_character(void **state)
{
	struct sample_storage storage = storage_new();
	struct orbus_sample s, out;
	char buffer[PAYLOAD], message[400];
	int n;

	(void)state;
	message[0] = 'x';
	for (int i = 0; i < 199; i++)
		memcpy(message + 1 + 2 * i, "\xc3\xa9", 2);
	message[399] = '\0';
	orbus_sample_init(&s);
	s.error_message = message;
	n = sample_encode(&s, s.ts, "b", buffer, sizeof(buffer));
	assert_true(n > 0);
	assert_int_equal(sample_decode(buffer, (size_t)n, &storage, &out), 0);
	assert_int_equal(strlen(out.error_message), 199);
	/* Where the slot is nearly full, the message gives way and not the sample. */
	for (size_t room = (size_t)n; room > 40; room--) {
		int fits = sample_encode(&s, s.ts, "b", buffer, room);

		if (fits < 0)
			break;
		assert_true((size_t)fits <= room);
		assert_int_equal(sample_decode(buffer, (size_t)fits, &storage, &out), 0);
	}
	assert_int_equal(sample_encode(&s, s.ts, "b", buffer, 20), -EMSGSIZE);
	free(storage.arena);
}

static void bad_figures_and_texts_are_not_published(void **state)
{
	struct orbus_sample s;

	(void)state;
	orbus_sample_init(&s);
	assert_int_equal(sample_validate(&s), 0);
	s.response_ms = -1;
	assert_int_equal(sample_validate(&s), -EDOM);
	s.response_ms = INFINITY;
	assert_int_equal(sample_validate(&s), -EDOM);
	orbus_sample_init(&s);
	s.model = "\xff";
	assert_int_equal(sample_validate(&s), -EILSEQ);
	s.model = "\xed\xa0\x80"; /* a surrogate */
	assert_int_equal(sample_validate(&s), -EILSEQ);
	orbus_sample_init(&s);
	s.kind = ORBUS_KIND_GAUGE;
	assert_int_equal(sample_validate(&s), -EINVAL);
	s.name = "discord_latency_ms";
	s.value = NAN;
	assert_int_equal(sample_validate(&s), -EDOM);
	s.value = INFINITY;
	assert_int_equal(sample_validate(&s), -EDOM);
	s.value = 45;
	assert_int_equal(sample_validate(&s), 0);
	orbus_sample_init(&s);
	s.status = ORBUS_STATUS_ORPHANED;
	assert_int_equal(sample_validate(&s), -EINVAL);
}

static void only_a_gauge_may_be_negative(void **state)
{
	static const enum orbus_kind kinds[] = {
	    ORBUS_KIND_REQUEST, ORBUS_KIND_BEGIN, ORBUS_KIND_GAUGE, ORBUS_KIND_COUNT};

	(void)state;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		struct sample_storage storage = storage_new();
		struct orbus_sample s, out;
		struct orbus_tag tags[ORBUS_TAGS_MAX];
		char buffer[PAYLOAD], error[128];
		bool is_gauge = kinds[i] == ORBUS_KIND_GAUGE;
		json_t *json;
		int n;

		orbus_sample_init(&s);
		s.kind = kinds[i];
		s.name = "temperature";
		s.value = -273.15;
		assert_int_equal(sample_validate(&s), is_gauge ? 0 : -EDOM);
		n = sample_encode(&s, 1, "b", buffer, sizeof(buffer));
		assert_true(n > 0);
		assert_int_equal(
		    sample_decode(buffer, (size_t)n, &storage, &out), is_gauge ? 0 : -EBADMSG);
		json = sample_to_json(&s);
		assert_int_equal(
		    sample_from_json(json, tags, &out, error, sizeof(error)), is_gauge ? 0 : -EDOM);
		if (is_gauge)
			assert_true(out.value == -273.15);
		s.value = 1;
		s.response_ms = -1;
		assert_int_equal(sample_validate(&s), -EDOM);
		json_decref(json);
		free(storage.arena);
	}
}

/* n bytes of text, then what may be half a character at the limit. */
static char *text_of(size_t n, const char *end)
{
	char *text = malloc(n + strlen(end) + 1);

	memset(text, 'x', n);
	strcpy(text + n, end);
	return text;
}

static void assert_all_cut(const struct orbus_sample *s, size_t length)
{
#define CUT_STRING(f) \
	assert_int_equal(strlen(s->f), s->f == s->error_message ? ORBUS_ERROR_MESSAGE_MAX : length);
#define CUT_BOOL(f)
#define CUT_UINT(f)
#define CUT_DOUBLE(f)
#define CUT(type, f) CUT_##type(f)
	ORBUS_SAMPLE_FIELDS(CUT)
	assert_int_equal(strlen(s->tags[0].key), length);
	assert_int_equal(strlen(s->tags[0].value), length);
}

/* As another producer may write it: a sample of ours with texts that ours would not write. */
static size_t pack_long(const char *text, msgpack_sbuffer *out)
{
	msgpack_packer pk;

	msgpack_sbuffer_init(out);
	msgpack_packer_init(&pk, out, msgpack_sbuffer_write);
#define NAME_STRING(f)                                                                 \
	msgpack_pack_str(&pk, strlen(#f)), msgpack_pack_str_body(&pk, #f, strlen(#f)), \
	    msgpack_pack_str(&pk, strlen(text)), msgpack_pack_str_body(&pk, text, strlen(text));
#define NAME_BOOL(f)
#define NAME_UINT(f)
#define NAME_DOUBLE(f)
#define NAME(type, f) NAME_##type(f)
#define ONE_STRING    +1
#define ONE_BOOL
#define ONE_UINT
#define ONE_DOUBLE
#define ONE(type, f) ONE_##type
	msgpack_pack_map(&pk, 1 ORBUS_SAMPLE_FIELDS(ONE));
	ORBUS_SAMPLE_FIELDS(NAME)
	msgpack_pack_str(&pk, 4);
	msgpack_pack_str_body(&pk, "tags", 4);
	msgpack_pack_map(&pk, 1);
	for (int i = 0; i < 2; i++) {
		msgpack_pack_str(&pk, strlen(text));
		msgpack_pack_str_body(&pk, text, strlen(text));
	}
	return out->size;
}

static void long_texts_are_cut_by_writer_and_reader_alike(void **state)
{
	static const struct {
		size_t before;
		const char *end;
		size_t kept;
	} cases[] = {{254, "", 254}, {255, "", 255}, {256, "", 255}, {254, "\xc3\xa9", 254},
	    {253, "\xc3\xa9", 255}, {253, "\xe2\x82\xac", 253}, {252, "\xe2\x82\xac", 255},
	    {252, "\xf0\x9f\x98\x80", 252}, {251, "\xf0\x9f\x98\x80", 255}, {3000, "\n", 255}};
	struct sample_storage storage = {.arena = malloc(sample_arena_bytes(65536))};
	char *buffer = malloc(65536);

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *text = text_of(cases[i].before, cases[i].end);
		const struct orbus_tag tag = {text, text};
		struct orbus_sample s, out;
		msgpack_sbuffer foreign;
		int n;

		orbus_sample_init(&s);
#define LONG_STRING(f) s.f = text;
#define LONG_BOOL(f)
#define LONG_UINT(f)
#define LONG_DOUBLE(f)
#define LONG(type, f) LONG_##type(f)
		ORBUS_SAMPLE_FIELDS(LONG)
		s.tags = &tag;
		s.tag_count = 1;
		n = sample_encode(&s, 1, "b", buffer, 65536);
		assert_true(n > 0);
		assert_int_equal(sample_decode(buffer, (size_t)n, &storage, &out), 0);
		assert_all_cut(&out, cases[i].kept);
		/* Cut before it was published, not only by the reader. */
		assert_int_equal(sample_encode(&out, 1, "b", buffer, 65536), n);
		pack_long(text, &foreign);
		assert_int_equal(sample_decode(foreign.data, foreign.size, &storage, &out), 0);
		assert_all_cut(&out, cases[i].kept);
		msgpack_sbuffer_destroy(&foreign);
		free(text);
	}
	free(storage.arena);
	free(buffer);
}

static int decode_raw(const void *bytes, size_t length)
{
	struct sample_storage storage = storage_new();
	struct orbus_sample out;
	int err = sample_decode(bytes, length, &storage, &out);

	free(storage.arena);
	return err;
}

#define DECODE(literal) decode_raw(literal, sizeof(literal) - 1)

static void malformed_bytes_are_rejected(void **state)
{
	(void)state;
	assert_int_equal(DECODE(""), -EBADMSG);
	assert_int_equal(DECODE("\xdd\x10\x00\x00\x00"), -EBADMSG); /* the 8.6 GB bomb */
	assert_int_equal(DECODE("\xdf\xff\xff\xff\xff"), -EBADMSG);
	assert_int_equal(DECODE("\xc0"), -EBADMSG);
	assert_int_equal(DECODE("\x81\xa2ts"), -EBADMSG);            /* value missing */
	assert_int_equal(DECODE("\x81\x01\x01"), -EBADMSG);          /* key no string */
	assert_int_equal(DECODE("\x81\xa5model\x01"), -EBADMSG);     /* wrong type */
	assert_int_equal(DECODE("\x81\xa5model\xa1\xff"), -EBADMSG); /* not UTF-8 */
	assert_int_equal(DECODE("\x81\xa5model\xa1\x00"), -EBADMSG); /* NUL */
	assert_int_equal(DECODE("\x81\xa6status\xa3no!"), -EBADMSG);
	assert_int_equal(DECODE("\x81\xa6status\xa8orphaned"), -EBADMSG);
	assert_int_equal(DECODE("\x81\xa4kind\xa5gauge"), -EBADMSG); /* a gauge of nothing */
	assert_int_equal(DECODE("\x81\xa8"
				"cost_usd\xcb\x7f\xf8\0\0\0\0\0\0"),
	    -EBADMSG); /* NaN */
	assert_int_equal(DECODE("\x81\xa8"
				"cost_usd\xcb\x7f\xf0\0\0\0\0\0\0"),
	    -EBADMSG); /* inf */
	assert_int_equal(DECODE("\x81\xa8"
				"cost_usd\xcb\xbf\xf0\0\0\0\0\0\0"),
	    -EBADMSG); /* -1 */
	assert_int_equal(DECODE("\x81\xadprompt_tokens\xff"), -EBADMSG);
}

static void unknown_keys_are_passed_over(void **state)
{
	(void)state;
	assert_int_equal(DECODE("\x80"), 0);
	assert_int_equal(DECODE("\x81\xa6"
				"future\x93\x01\x02\xc7\x02\x05zz"),
	    0);
	assert_int_equal(DECODE("\x81\xadprompt_tokens\xcb\x40\x71\xf0\0\0\0\0\0"), 0); /* 287.0 */
	assert_int_equal(DECODE("\x81\xa8"
				"cost_usd\xc0"),
	    0);
}

static void deep_nesting_is_rejected(void **state)
{
	char bytes[200] = "\x81\xa6"
			  "future";

	(void)state;
	memset(bytes + 8, '\x91', sizeof(bytes) - 8);
	assert_int_equal(decode_raw(bytes, sizeof(bytes)), -EBADMSG);
}

/* Every prefix and every changed byte of a real sample is decoded or rejected, nothing else. */
static void damaged_samples_do_no_harm(void **state)
{
	struct orbus_sample s;
	char buffer[PAYLOAD], *copy;
	int n;

	(void)state;
	orbus_sample_init(&s);
	s.model = "m";
	s.error_message = "message";
	s.response_ms = 1;
	n = sample_encode(&s, s.ts, "bot", buffer, sizeof(buffer));
	for (int i = 0; i < n; i++) {
		copy = malloc((size_t)i);
		memcpy(copy, buffer, (size_t)i);
		assert_int_equal(decode_raw(copy, (size_t)i), -EBADMSG);
		free(copy);
	}
	for (int i = 0; i < n; i++) {
		for (int byte = 0; byte < 256; byte++) {
			int err;

			copy = malloc((size_t)n);
			memcpy(copy, buffer, (size_t)n);
			copy[i] = (char)byte;
			err = decode_raw(copy, (size_t)n);
			assert_true(err == 0 || err == -EBADMSG);
			free(copy);
		}
	}
}

/* Keys are written as constants, heads included: the bytes are the same as msgpack-c's. */
static void the_bytes_are_those_of_the_general_packer(void **state)
{
	struct orbus_sample s;
	char buffer[512];
	msgpack_sbuffer wanted;
	msgpack_packer pk;
	int n;

	(void)state;
	orbus_sample_init(&s);
	s.model = "openai/gpt-4o-mini-with-a-name-beyond-31-bytes";
	s.completion_tokens = UINT32_MAX;
	s.tokens_estimated = true;
	s.cost_usd = 0.00042;
	n = sample_encode(&s, 1764000000000000000u, "acore", buffer, sizeof(buffer));
	msgpack_sbuffer_init(&wanted);
	msgpack_packer_init(&pk, &wanted, msgpack_sbuffer_write);
	msgpack_pack_map(&pk, 7);
	msgpack_pack_str_with_body(&pk, "status", 6);
	msgpack_pack_str_with_body(&pk, "ok", 2);
	msgpack_pack_str_with_body(&pk, "ts", 2);
	msgpack_pack_uint64(&pk, 1764000000000000000u);
	msgpack_pack_str_with_body(&pk, "bot", 3);
	msgpack_pack_str_with_body(&pk, "acore", 5);
	msgpack_pack_str_with_body(&pk, "model", 5);
	msgpack_pack_str_with_body(&pk, s.model, strlen(s.model));
	msgpack_pack_str_with_body(&pk, "completion_tokens", 17);
	msgpack_pack_uint64(&pk, UINT32_MAX);
	msgpack_pack_str_with_body(&pk, "tokens_estimated", 16);
	msgpack_pack_true(&pk);
	msgpack_pack_str_with_body(&pk, "cost_usd", 8);
	msgpack_pack_double(&pk, 0.00042);
	assert_int_equal(n, wanted.size);
	assert_memory_equal(buffer, wanted.data, wanted.size);
	msgpack_sbuffer_destroy(&wanted);
}

/* Eight bytes are looked at together. */
static void a_bad_byte_is_found_wherever_it_is(void **state)
{
	static const char bad[] = {'\0', '\x80', '\xff'};
	char text[27];

	(void)state;
	memset(text, 'a', sizeof(text));
	text[8] = '\x01';
	text[9] = '\x7f';
	assert_true(utf8_is_valid(text, sizeof(text)));
	for (size_t i = 0; i < sizeof(text); i++)
		for (size_t k = 0; k < sizeof(bad); k++) {
			char was = text[i];

			text[i] = bad[k];
			assert_false(utf8_is_valid(text, sizeof(text)));
			text[i] = was;
		}
	for (size_t i = 0; i + 2 <= sizeof(text); i++) {
		memset(text, 'a', sizeof(text));
		memcpy(text + i, "\xc3\xa9", 2);
		assert_true(utf8_is_valid(text, sizeof(text)));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_bytes_are_those_of_the_general_packer),
	    cmocka_unit_test(a_bad_byte_is_found_wherever_it_is),
	    cmocka_unit_test(everything_survives_the_wire),
	    cmocka_unit_test(both_ways_of_decoding_agree),
	    cmocka_unit_test(a_copy_outlives_what_it_was_made_of),
	    cmocka_unit_test(derived_figures_are_the_seeds),
	    cmocka_unit_test(long_messages_are_cut_on_a_character),
	    cmocka_unit_test(bad_figures_and_texts_are_not_published),
	    cmocka_unit_test(only_a_gauge_may_be_negative),
	    cmocka_unit_test(long_texts_are_cut_by_writer_and_reader_alike),
	    cmocka_unit_test(malformed_bytes_are_rejected),
	    cmocka_unit_test(unknown_keys_are_passed_over),
	    cmocka_unit_test(deep_nesting_is_rejected),
	    cmocka_unit_test(damaged_samples_do_no_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
