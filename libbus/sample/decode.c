/*
 * decode.c: a sample out of bytes that any process may have written.
 *
 * Nothing is trusted: the structure is walked with bounds, every text is checked, every figure is
 * checked, and strings are copied out, NUL-terminated.
 */
#include "base/msgpack_in.h"
#include "base/utf8.h"
#include "fields.h"
#include "sample.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#define SKIP_DEPTH 8
#define PAIRS_MAX  128

size_t sample_arena_bytes(size_t payload_bytes)
{
	/* A string of n bytes takes n + 1 at least on the wire, and n + 1 here. */
	return payload_bytes + 1;
}

struct decoder {
	struct mp_reader in;
	struct sample_storage *storage;
	char *arena;   /* next free byte */
	uint32_t left; /* pairs that are still to be taken */
	struct orbus_sample *s;
};

/* NULL: it is no text. All of it is checked, and as much as the limit allows is taken. */
static const char *copy_text(struct decoder *d, const struct mp_value *v, size_t limit)
{
	char *text = d->arena;
	size_t length = v->count;

	if (v->type != MP_STRING || !utf8_is_valid(v->bytes, v->count))
		return NULL;
	if (length > limit)
		length = utf8_cut(v->bytes, length, limit);
	memcpy(text, v->bytes, length);
	text[length] = '\0';
	d->arena += length + 1;
	return text;
}

/* The next value into a field; nil leaves it absent. False: it is none of that type. */

static bool take_STRING(struct decoder *d, const char **field)
{
	struct mp_value v;

	if (!mp_next_text(&d->in, &v))
		return false;
	if (v.type == MP_NIL)
		return true;
	*field = copy_text(
	    d, &v, field == &d->s->error_message ? ORBUS_ERROR_MESSAGE_MAX : ORBUS_TEXT_MAX);
	return *field != NULL;
}

static bool take_BOOL(struct decoder *d, bool *field)
{
	struct mp_value v;

	if (!mp_next(&d->in, &v))
		return false;
	if (v.type == MP_BOOL)
		*field = v.boolean;
	return v.type == MP_BOOL || v.type == MP_NIL;
}

static bool take_UINT(struct decoder *d, uint64_t *field)
{
	struct mp_value v;

	if (!mp_next_count(&d->in, &v))
		return false;
	if (v.type == MP_UINT) {
		*field = v.uint;
		return v.uint != ORBUS_NONE;
	}
	if (v.type == MP_NIL)
		return true;
	/* Languages with one number type may write 287.0. */
	if (v.type != MP_DOUBLE || !(v.real >= 0 && v.real < 0x1p63) || floor(v.real) != v.real)
		return false;
	*field = (uint64_t)v.real;
	return true;
}

static bool take_DOUBLE(struct decoder *d, double *field)
{
	struct mp_value v;

	if (!mp_next_real(&d->in, &v))
		return false;
	if (v.type == MP_NIL)
		return true;
	if (v.type != MP_DOUBLE && v.type != MP_UINT)
		return false;
	*field = v.type == MP_UINT ? (double)v.uint : v.real;
	/* It may be negative in a gauge alone, which is known at the end of the sample. */
	return isfinite(*field) && (*field >= 0 || field == &d->s->value);
}

static bool take_tags(struct decoder *d)
{
	struct mp_value map, v;

	if (!mp_next(&d->in, &map) || map.type != MP_MAP || map.count > ORBUS_TAGS_MAX)
		return false;
	for (uint32_t i = 0; i < map.count; i++) {
		struct orbus_tag *tag = &d->storage->tags[i];

		if (!mp_next_text(&d->in, &v) || !(tag->key = copy_text(d, &v, ORBUS_TEXT_MAX)))
			return false;
		if (!mp_next_text(&d->in, &v) || !(tag->value = copy_text(d, &v, ORBUS_TEXT_MAX)))
			return false;
	}
	d->s->tags = d->storage->tags;
	d->s->tag_count = map.count;
	return true;
}

static bool take_ts(struct decoder *d)
{
	uint64_t ts = ORBUS_NONE;

	if (!take_UINT(d, &ts) || ts == ORBUS_NONE)
		return false;
	d->s->ts = ts;
	return true;
}

static bool take_status(struct decoder *d)
{
	struct mp_value v;

	return mp_next_text(&d->in, &v) && v.type == MP_STRING &&
	       sample_status_from_name(v.bytes, v.count, &d->s->status);
}

static bool take_kind(struct decoder *d)
{
	struct mp_value v;

	return mp_next_text(&d->in, &v) && v.type == MP_STRING &&
	       sample_kind_from_name(v.bytes, v.count, &d->s->kind);
}

/* Whether the next key is this one in its shortest form; then it is passed. */
static inline bool next_key_is(struct decoder *d, const void *key, size_t bytes)
{
	if ((size_t)(d->in.end - d->in.at) < bytes || memcmp(d->in.at, key, bytes) != 0)
		return false;
	d->in.at += bytes;
	return true;
}

#define TRY(name, take)                                                    \
	do {                                                               \
		static const SAMPLE_KEY_TYPE(name) key = SAMPLE_KEY(name); \
		if (!next_key_is(d, &key, sizeof(key)))                    \
			break;                                             \
		if (!(take))                                               \
			return false;                                      \
		if (--d->left == 0)                                        \
			return true;                                       \
	} while (0);
#define TRY_FIELD(T, f) TRY(#f, take_##T(d, &d->s->f))

/*
 * The fast path: looks for the fields in their order on the wire, once each, and takes those that
 * come in it: all of a sample that was encoded here.
 */
static bool take_in_order(struct decoder *d)
{
	TRY("status", take_status(d))
	TRY("kind", take_kind(d))
	TRY("ts", take_ts(d))
	TRY("tags", take_tags(d))
	ORBUS_SAMPLE_FIELDS(TRY_FIELD)
	return true;
}

static bool key_is(const struct mp_value *key, const char *name, size_t length)
{
	return key->count == length && memcmp(key->bytes, name, length) == 0;
}

#define TAKE_IF_NAMED(name, take)                 \
	if (key_is(&key, name, sizeof(name) - 1)) \
		return take;
#define TAKE_FIELD_IF_NAMED(T, f) TAKE_IF_NAMED(#f, take_##T(d, &d->s->f))

/* The general path: a pair with a key of any form, in any place, or with an unknown key. */
static bool take_by_name(struct decoder *d)
{
	struct mp_value key;

	if (!mp_next(&d->in, &key) || key.type != MP_STRING)
		return false;
	TAKE_IF_NAMED("status", take_status(d))
	TAKE_IF_NAMED("kind", take_kind(d))
	TAKE_IF_NAMED("ts", take_ts(d))
	TAKE_IF_NAMED("tags", take_tags(d))
	ORBUS_SAMPLE_FIELDS(TAKE_FIELD_IF_NAMED)
	return mp_skip(&d->in, SKIP_DEPTH);
}

static bool take_pairs(struct decoder *d)
{
	while (d->left > 0) {
		uint32_t before = d->left;

		if (!take_in_order(d))
			return false;
		if (d->left < before)
			continue;
		if (!take_by_name(d))
			return false;
		d->left--;
	}
	return true;
}

/* Checks that need the whole sample. Only readers say "orphaned". */
static bool is_whole(const struct orbus_sample *s)
{
	if (s->value < 0 && s->kind != ORBUS_KIND_GAUGE)
		return false;
	if (s->kind == ORBUS_KIND_GAUGE || s->kind == ORBUS_KIND_COUNT)
		return s->name && *s->name && !isnan(s->value);
	return s->status != ORBUS_STATUS_ORPHANED;
}

int sample_decode(
    const void *bytes, size_t length, struct sample_storage *storage, struct orbus_sample *out)
{
	struct decoder d = {.storage = storage, .arena = storage->arena, .s = out};
	struct mp_value map;

	orbus_sample_init(out);
	mp_reader_init(&d.in, bytes, length);
	if (!mp_next(&d.in, &map) || map.type != MP_MAP || map.count > PAIRS_MAX)
		return -EBADMSG;
	d.left = map.count;
	if (!take_pairs(&d))
		return -EBADMSG;
	return is_whole(out) ? 0 : -EBADMSG;
}
