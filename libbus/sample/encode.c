/*
 * encode.c: a sample as a msgpack map, in a buffer of fixed size, without allocating.
 */
#include "base/utf8.h"
#include "fields.h"
#include "sample.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <msgpack.h>
#include <string.h>

/*
 * Passed and returned by value, so that it lives in two registers: through memory, each of the some
 * fifty pieces of a sample would wait for the one before. What does not fit leaves it NULL and
 * without room for anything more.
 */
struct output {
	char *at, *end;
};

/* Inline, so that the pieces of constant length, which most are, become single stores. */
static inline int output_write(void *context, const char *bytes, size_t length)
{
	struct output *o = context;

	if (length > (size_t)(o->end - o->at)) {
		*o = (struct output){NULL, NULL};
		return -1;
	}
	if (length == 0)
		return 0; /* a failed output has no place to copy to */
	memcpy(o->at, bytes, length);
	o->at += length;
	return 0;
}

/* A packer of its own for each value, so that the compiler can inline it. */
static inline msgpack_packer packer_of(struct output *o)
{
	return (msgpack_packer){.data = o, .callback = output_write};
}

#define FIXSTR_MAX 31

static struct output pack_text(struct output o, const char *s)
{
	msgpack_packer pk = packer_of(&o);
	size_t length = strlen(s);

	/* The format's fixstr, which most texts are. */
	if (length <= FIXSTR_MAX && length < (size_t)(o.end - o.at)) {
		*o.at = (char)(0xa0 | length);
		memcpy(o.at + 1, s, length);
		o.at += length + 1;
		return o;
	}
	if (length > ORBUS_TEXT_MAX)
		length = utf8_cut(s, length, ORBUS_TEXT_MAX);
	msgpack_pack_str(&pk, length);
	msgpack_pack_str_body(&pk, s, length);
	return o;
}

static struct output pack_uint(struct output o, uint64_t n)
{
	msgpack_packer pk = packer_of(&o);

	msgpack_pack_uint64(&pk, n);
	return o;
}

static inline struct output pack_double(struct output o, double d)
{
	msgpack_packer pk = packer_of(&o);

	msgpack_pack_double(&pk, d);
	return o;
}

static inline struct output pack_true(struct output o)
{
	msgpack_packer pk = packer_of(&o);

	msgpack_pack_true(&pk);
	return o;
}

static inline struct output pack_map(struct output o, uint32_t pairs)
{
	msgpack_packer pk = packer_of(&o);

	msgpack_pack_map(&pk, pairs);
	return o;
}

#define KEY(literal)                                                             \
	do {                                                                     \
		static const SAMPLE_KEY_TYPE(literal) key = SAMPLE_KEY(literal); \
		static_assert(sizeof(literal) - 1 < 32, "a key is a fixstr");    \
		output_write(&o, (const char *)&key, sizeof(key));               \
	} while (0)

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

/* The sample, and what is encoded in the place of its own. */
struct source {
	const struct orbus_sample *s;
	uint64_t ts;
	const char *bot, *message;
};

/* The compiler knows which field it is: copying the whole sample to change three would cost more.
 */
#define TEXT(f)                                                      \
	(&from->s->f == &from->s->bot                ? from->bot     \
	    : &from->s->f == &from->s->error_message ? from->message \
						     : from->s->f)
#define HAS_STRING(f)  has_string(TEXT(f))
#define HAS_BOOL(f)    has_bool(from->s->f)
#define HAS_UINT(f)    has_uint(from->s->f)
#define HAS_DOUBLE(f)  has_double(from->s->f)
#define PACK_STRING(f) o = pack_text(o, TEXT(f));
#define PACK_BOOL(f)   o = pack_true(o);
#define PACK_UINT(f)   o = pack_uint(o, from->s->f);
#define PACK_DOUBLE(f) o = pack_double(o, from->s->f);

#define COUNT_FIELD(type, f) pairs += HAS_##type(f);
#define PACK_FIELD(type, f)    \
	if (HAS_##type(f)) {   \
		KEY(#f);       \
		PACK_##type(f) \
	}

static uint32_t count_pairs(const struct source *from)
{
	uint32_t pairs = 2; /* ts, and status or kind */

	pairs += from->s->tag_count > 0;
	ORBUS_SAMPLE_FIELDS_1(COUNT_FIELD)
	return pairs;
}

/* Of the fields that most samples have none of. */
static uint32_t count_more_pairs(const struct source *from)
{
	uint32_t pairs = 0;

	ORBUS_SAMPLE_FIELDS_2(COUNT_FIELD)
	return pairs;
}

static struct output pack_more(struct output o, const struct source *from)
{
	ORBUS_SAMPLE_FIELDS_2(PACK_FIELD)
	return o;
}

/* A kind or a status as it is on the wire: a fixstr, in one store of 16 bytes. */
struct word {
	char bytes[16];
};
#define WORD(head, text)  \
	{                 \
		head text \
	}

static const struct word kind_words[] = {WORD("\xa7", "request"), WORD("\xa5", "begin"),
    WORD("\xa5", "gauge"), WORD("\xa5", "count"), WORD("\xa8", "progress")};
static const struct word status_words[] = {WORD("\xa2", "ok"), WORD("\xa5", "error"),
    WORD("\xa7", "timeout"), WORD("\xa9", "cancelled"), WORD("\xa8", "orphaned")};

static inline struct output pack_word(struct output o, const struct word *word)
{
	size_t length = 1 + (word->bytes[0] & 31);

	if (sizeof(*word) > (size_t)(o.end - o.at)) {
		output_write(&o, word->bytes, length);
		return o;
	}
	/* What is beyond the word is written over, or not of the sample. */
	memcpy(o.at, word, sizeof(*word));
	o.at += length;
	return o;
}

static struct output pack_tags(struct output o, const struct orbus_sample *s)
{
	KEY("tags");
	o = pack_map(o, (uint32_t)s->tag_count);
	for (size_t i = 0; i < s->tag_count; i++) {
		o = pack_text(o, s->tags[i].key);
		o = pack_text(o, s->tags[i].value);
	}
	return o;
}

static struct output pack_sample(struct output o, const struct source *from)
{
	const struct orbus_sample *s = from->s;
	uint32_t more = count_more_pairs(from);

	o = pack_map(o, count_pairs(from) + more);
	if (s->kind == ORBUS_KIND_REQUEST) {
		KEY("status");
		o = pack_word(o, &status_words[s->status]);
	} else {
		KEY("kind");
		o = pack_word(o, &kind_words[s->kind]);
	}
	KEY("ts");
	o = pack_uint(o, from->ts);
	if (s->tag_count > 0)
		o = pack_tags(o, s);
	ORBUS_SAMPLE_FIELDS_1(PACK_FIELD)
	return more ? pack_more(o, from) : o;
}

static int encode_once(const struct source *from, char *buffer, size_t capacity)
{
	struct output o = pack_sample((struct output){buffer, buffer + capacity}, from);

	return o.at ? (int)(o.at - buffer) : -EMSGSIZE;
}

/* The message is the only text that can be long without the caller's fault: it is shortened. */
static int encode_with_message(const struct source *given, char *buffer, size_t capacity)
{
	struct source from = *given;
	char message[ORBUS_ERROR_MESSAGE_MAX + 1];
	const char *original = from.message;
	size_t cut = utf8_cut(original, strlen(original), ORBUS_ERROR_MESSAGE_MAX);
	size_t room;
	int bare;

	from.message = "";
	bare = encode_once(&from, buffer, capacity);
	if (bare < 0) {
		from.message = NULL;
		return encode_once(&from, buffer, capacity);
	}
	/* A string head takes 1 byte up to 31 bytes of text, 2 up to 255. */
	room = capacity - (size_t)bare;
	if (cut > 31 && cut + 1 > room)
		cut = utf8_cut(original, cut, room ? room - 1 : 0);
	else if (cut > room)
		cut = utf8_cut(original, cut, room);
	memcpy(message, original, cut);
	message[cut] = '\0';
	from.message = message;
	return encode_once(&from, buffer, capacity);
}

int sample_encode(const struct orbus_sample *s, uint64_t ts, const char *default_bot, char *buffer,
    size_t capacity)
{
	struct source from = {s, ts, s->bot ? s->bot : default_bot, s->error_message};

	if (from.message)
		return encode_with_message(&from, buffer, capacity);
	return encode_once(&from, buffer, capacity);
}
