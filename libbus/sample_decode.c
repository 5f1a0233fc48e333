/*
 * sample_decode.c: a sample out of bytes that any process may have written.
 *
 * Nothing is believed: the structure is walked with bounds, every text is checked, every figure is
 * checked, and strings are copied out, NUL-terminated.
 */
#include "mpread.h"
#include "sample.h"
#include "sample_fields.h"
#include "utf8.h"

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
	char *arena; /* next free byte */
	struct orbus_sample *s;
};

static const char *take_text(struct decoder *d, const struct mp_value *v)
{
	char *text = d->arena;

	if (v->type != MP_STRING || !utf8_is_valid(v->bytes, v->count))
		return NULL;
	memcpy(text, v->bytes, v->count);
	text[v->count] = '\0';
	d->arena += v->count + 1;
	return text;
}

static bool set_STRING(struct decoder *d, const struct mp_value *v, const char **field)
{
	*field = take_text(d, v);
	return *field != NULL;
}

static bool set_BOOL(struct decoder *d, const struct mp_value *v, bool *field)
{
	(void)d;
	if (v->type != MP_BOOL)
		return false;
	*field = v->boolean;
	return true;
}

static bool set_UINT(struct decoder *d, const struct mp_value *v, uint64_t *field)
{
	(void)d;
	if (v->type == MP_UINT) {
		*field = v->uint;
		return v->uint != ORBUS_NONE;
	}
	/* Languages with one number type may write 287.0. */
	if (v->type != MP_DOUBLE || !(v->real >= 0 && v->real < 0x1p63) ||
	    floor(v->real) != v->real)
		return false;
	*field = (uint64_t)v->real;
	return true;
}

static bool set_DOUBLE(struct decoder *d, const struct mp_value *v, double *field)
{
	(void)d;
	if (v->type == MP_UINT)
		*field = (double)v->uint;
	else if (v->type == MP_DOUBLE)
		*field = v->real;
	else
		return false;
	return isfinite(*field) && *field >= 0;
}

static bool take_tags(struct decoder *d, const struct mp_value *map)
{
	if (map->type != MP_MAP || map->count > ORBUS_TAGS_MAX)
		return false;
	for (uint32_t i = 0; i < map->count; i++) {
		struct orbus_tag *tag = &d->storage->tags[i];
		struct mp_value v;

		if (!mp_next(&d->in, &v) || !(tag->key = take_text(d, &v)))
			return false;
		if (!mp_next(&d->in, &v) || !(tag->value = take_text(d, &v)))
			return false;
	}
	d->s->tags = d->storage->tags;
	d->s->tag_count = map->count;
	return true;
}

static bool key_is(const struct mp_value *key, const char *name, size_t length)
{
	return key->count == length && memcmp(key->bytes, name, length) == 0;
}

#define KEY_IS(literal) key_is(key, literal, sizeof(literal) - 1)
#define TRY_FIELD(T, f) \
	if (KEY_IS(#f)) \
		return mp_next(&d->in, &v) && (v.type == MP_NIL || set_##T(d, &v, &d->s->f));

static bool take_pair(struct decoder *d, const struct mp_value *key)
{
	struct mp_value v;

	if (KEY_IS("ts"))
		return mp_next(&d->in, &v) && set_UINT(d, &v, &d->s->ts);
	if (KEY_IS("status"))
		return mp_next(&d->in, &v) && v.type == MP_STRING &&
		       sample_status_from_name(v.bytes, v.count, &d->s->status);
	if (KEY_IS("kind"))
		return mp_next(&d->in, &v) && v.type == MP_STRING &&
		       sample_kind_from_name(v.bytes, v.count, &d->s->kind);
	if (KEY_IS("tags"))
		return mp_next(&d->in, &v) && take_tags(d, &v);
	ORBUS_SAMPLE_FIELDS(TRY_FIELD)
	return mp_skip(&d->in, SKIP_DEPTH);
}

/* What only the whole shows. "orphaned" is said by readers alone. */
static bool is_whole(const struct orbus_sample *s)
{
	if (s->kind == ORBUS_KIND_GAUGE || s->kind == ORBUS_KIND_COUNT)
		return s->name && *s->name && !isnan(s->value);
	return s->status != ORBUS_STATUS_ORPHANED;
}

int sample_decode(
    const void *bytes, size_t length, struct sample_storage *storage, struct orbus_sample *out)
{
	struct decoder d = {.storage = storage, .arena = storage->arena, .s = out};
	struct mp_value map, key;

	orbus_sample_init(out);
	mp_reader_init(&d.in, bytes, length);
	if (!mp_next(&d.in, &map) || map.type != MP_MAP || map.count > PAIRS_MAX)
		return -EBADMSG;
	for (uint32_t i = 0; i < map.count; i++) {
		if (!mp_next_key(&d.in, &key) || key.type != MP_STRING || !take_pair(&d, &key))
			return -EBADMSG;
	}
	return is_whole(out) ? 0 : -EBADMSG;
}
