/*
 * sample_encode.c: a sample as a msgpack map, in a buffer of fixed size, without allocating.
 */
#include "sample.h"
#include "sample_fields.h"
#include "utf8.h"

#include <errno.h>
#include <math.h>
#include <msgpack.h>
#include <string.h>

struct output {
	char *at;
	size_t left;
	bool full;
};

static int output_write(void *context, const char *bytes, size_t length)
{
	struct output *o = context;

	if (length > o->left) {
		o->full = true;
		return -1;
	}
	memcpy(o->at, bytes, length);
	o->at += length;
	o->left -= length;
	return 0;
}

static void pack_text(msgpack_packer *pk, const char *s, size_t length)
{
	msgpack_pack_str(pk, length);
	msgpack_pack_str_body(pk, s, length);
}

#define KEY(pk, literal) pack_text(pk, literal, sizeof(literal) - 1)

static bool has_string(const char *s)
{
	return s != NULL;
}
static bool has_bool(bool b)
{
	return b;
}
static bool has_uint(uint64_t n)
{
	return n != ORBUS_NONE;
}
static bool has_double(double d)
{
	return !isnan(d);
}

#define HAS_STRING(f)  has_string(s->f)
#define HAS_BOOL(f)    has_bool(s->f)
#define HAS_UINT(f)    has_uint(s->f)
#define HAS_DOUBLE(f)  has_double(s->f)
#define PACK_STRING(f) pack_text(pk, s->f, strlen(s->f));
#define PACK_BOOL(f)   msgpack_pack_true(pk);
#define PACK_UINT(f)   msgpack_pack_uint64(pk, s->f);
#define PACK_DOUBLE(f) msgpack_pack_double(pk, s->f);

#define COUNT_FIELD(type, f) pairs += HAS_##type(f);
#define PACK_FIELD(type, f)    \
	if (HAS_##type(f)) {   \
		KEY(pk, #f);   \
		PACK_##type(f) \
	}

static uint32_t count_pairs(const struct orbus_sample *s)
{
	uint32_t pairs = 1; /* ts */

	pairs += s->kind != ORBUS_KIND_REQUEST;
	pairs += s->kind == ORBUS_KIND_REQUEST; /* status */
	pairs += s->tag_count > 0;
	ORBUS_SAMPLE_FIELDS(COUNT_FIELD)
	return pairs;
}

static void pack_tags(msgpack_packer *pk, const struct orbus_sample *s)
{
	KEY(pk, "tags");
	msgpack_pack_map(pk, s->tag_count);
	for (size_t i = 0; i < s->tag_count; i++) {
		pack_text(pk, s->tags[i].key, strlen(s->tags[i].key));
		pack_text(pk, s->tags[i].value, strlen(s->tags[i].value));
	}
}

static void pack_sample(msgpack_packer *pk, const struct orbus_sample *s)
{
	const char *word;

	msgpack_pack_map(pk, count_pairs(s));
	if (s->kind == ORBUS_KIND_REQUEST) {
		word = orbus_status_name(s->status);
		KEY(pk, "status");
	} else {
		word = orbus_kind_name(s->kind);
		KEY(pk, "kind");
	}
	pack_text(pk, word, strlen(word));
	KEY(pk, "ts");
	msgpack_pack_uint64(pk, s->ts);
	if (s->tag_count > 0)
		pack_tags(pk, s);
	ORBUS_SAMPLE_FIELDS(PACK_FIELD)
}

static int encode_once(const struct orbus_sample *s, char *buffer, size_t capacity)
{
	struct output o = {.at = buffer, .left = capacity};
	msgpack_packer pk;

	msgpack_packer_init(&pk, &o, output_write);
	pack_sample(&pk, s);
	return o.full ? -EMSGSIZE : (int)(capacity - o.left);
}

/* The message is the only text that may be long through no fault of the caller: it gives way. */
static int encode_with_message(struct orbus_sample *s, char *buffer, size_t capacity)
{
	char message[ORBUS_ERROR_MESSAGE_MAX + 1];
	const char *original = s->error_message;
	size_t cut = utf8_cut(original, strlen(original), ORBUS_ERROR_MESSAGE_MAX);
	size_t room;
	int bare, length;

	s->error_message = "";
	bare = encode_once(s, buffer, capacity);
	if (bare < 0) {
		s->error_message = NULL;
		return encode_once(s, buffer, capacity);
	}
	/* A string head takes 1 byte up to 31 bytes of text, 2 up to 255. */
	room = capacity - (size_t)bare;
	if (cut > 31 && cut + 1 > room)
		cut = utf8_cut(original, cut, room ? room - 1 : 0);
	else if (cut > room)
		cut = utf8_cut(original, cut, room);
	memcpy(message, original, cut);
	message[cut] = '\0';
	s->error_message = message;
	length = encode_once(s, buffer, capacity);
	s->error_message = original;
	return length;
}

int sample_encode(
    const struct orbus_sample *s, const char *default_bot, char *buffer, size_t capacity)
{
	struct orbus_sample copy = *s;

	if (!copy.bot)
		copy.bot = default_bot;
	if (copy.error_message)
		return encode_with_message(&copy, buffer, capacity);
	return encode_once(&copy, buffer, capacity);
}
