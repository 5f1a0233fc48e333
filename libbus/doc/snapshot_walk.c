/*
 * snapshot_walk.c: going through a document's msgpack by tables of keys and places.
 */
#include "snapshot_walk.h"
#include "base/utf8.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* --- Values ----------------------------------------------------------------------------------- */

void walk_fail(struct reading *r, int error)
{
	if (!r->error)
		r->error = error;
}

bool walk_goes_on(const struct reading *r)
{
	return !r->error && !r->in.failed;
}

void walk_skip(struct reading *r)
{
	(void)mp_skip(&r->in, DOCUMENT_DEPTH_MAX);
}

/* The head of the next value, where it is of that type. False: it was passed over, or failed. */
bool walk_begin(struct reading *r, enum mp_type type, struct mp_value *v)
{
	const struct mp_reader before = r->in;

	if (!walk_goes_on(r) || !mp_next(&r->in, v))
		return false;
	if (v->type == type)
		return true;
	r->in = before;
	walk_skip(r);
	return false;
}

/* The next value, where it is a number. */
static bool take_number(struct reading *r, struct mp_value *v)
{
	const struct mp_reader before = r->in;

	if (!walk_goes_on(r) || !mp_next(&r->in, v))
		return false;
	if (v->type == MP_UINT || v->type == MP_INT || (v->type == MP_DOUBLE && isfinite(v->real)))
		return true;
	r->in = before;
	walk_skip(r);
	return false;
}

bool walk_count(struct reading *r, const struct field *f, void *at)
{
	struct mp_value v;

	(void)f;
	if (!take_number(r, &v))
		return false;
	*(uint64_t *)at = v.type == MP_UINT ? count_bound(v.uint)
	                  : v.type == MP_DOUBLE && v.real >= 0 && v.real < 0x1p63 ? (uint64_t)v.real
	                                                                          : 0;
	return v.type != MP_DOUBLE;
}

bool walk_figure(struct reading *r, const struct field *f, void *at)
{
	struct mp_value v;

	(void)f;
	if (!take_number(r, &v))
		return false;
	*(double *)at = v.type == MP_UINT  ? (double)v.uint
	                : v.type == MP_INT ? (double)v.sint
	                                   : v.real;
	return true;
}

/* Cut on a character. */
void walk_copy(struct reading *r, const struct mp_value *v, char *out, size_t bytes)
{
	size_t length = v->count;

	if (!utf8_is_valid(v->bytes, v->count)) {
		walk_fail(r, -EBADMSG);
		return;
	}
	if (length >= bytes)
		length = utf8_cut(v->bytes, length, bytes - 1);
	memcpy(out, v->bytes, length);
	out[length] = '\0';
}

bool walk_text(struct reading *r, const struct field *f, void *at)
{
	struct mp_value v;

	if (!walk_begin(r, MP_STRING, &v))
		return false;
	walk_copy(r, &v, at, f->size);
	return true;
}

/* Keys come in the order of the tables as a rule. */
static const struct field *find(const struct object *o, const struct mp_value *key, size_t *next)
{
	for (size_t i = 0; i < o->count; i++) {
		const struct field *f = &o->fields[(*next + i) % o->count];

		if (strlen(f->key) != key->count || memcmp(f->key, key->bytes, key->count) != 0)
			continue;
		*next = (size_t)(f - o->fields) + 1;
		return f;
	}
	return NULL;
}

bool walk_key(struct reading *r, struct mp_value *key)
{
	if (!walk_goes_on(r) || !mp_next_text(&r->in, key))
		return false;
	if (key->type == MP_STRING)
		return true;
	walk_fail(r, -EBADMSG);
	return false;
}

bool walk_map(struct reading *r, const struct object *o, void *base)
{
	struct mp_value map, key;
	size_t next = 0;

	if (!walk_begin(r, MP_MAP, &map))
		return false;
	for (uint32_t i = 0; i < map.count && walk_key(r, &key); i++) {
		const struct field *f = find(o, &key, &next);

		if (!f)
			walk_skip(r);
		else if (f->take(r, f, (char *)base + f->offset) && f->has)
			*(bool *)((char *)r->s + f->has) = true;
	}
	return true;
}

bool walk_object(struct reading *r, const struct field *f, void *at)
{
	return walk_map(r, f->of, at);
}

/*
 * `count` zeroed elements for what a document lists, which it may do once: `before` is what was
 * read of the list before. NULL: the reading has failed.
 */
void *walk_list(struct reading *r, const void *before, uint32_t count, uint32_t most, size_t bytes)
{
	void *list = before || count > most ? NULL : calloc(count ? count : 1, bytes);

	if (!list)
		walk_fail(r, before || count > most ? -EBADMSG : -ENOMEM);
	return list;
}
