/*
 * msgpack_tree.c: msgpack as a document of another form: a JSON tree, or a file's text.
 */
#include "msgpack_tree.h"
#include "base/msgpack_in.h"
#include "base/utf8.h"

#include <errno.h>
#include <math.h>
#include <string.h>

struct copying {
	struct mp_reader in;
	struct writer *to;
};

static void copy_value(struct copying *c, const char *key, unsigned depth);

static bool goes_on(const struct copying *c)
{
	return !c->in.failed && !c->to->failed;
}

static void copy_items(struct copying *c, uint32_t count, unsigned depth)
{
	for (uint32_t i = 0; i < count && goes_on(c); i++)
		copy_value(c, NULL, depth);
}

static void copy_members(struct copying *c, uint32_t count, unsigned depth)
{
	for (uint32_t i = 0; i < count && goes_on(c); i++) {
		char key[ORBUS_TEXT_MAX + 1];
		struct mp_value v;

		if (!mp_next_text(&c->in, &v))
			return;
		if (v.type != MP_STRING || v.count >= sizeof(key) ||
		    !utf8_is_valid(v.bytes, v.count)) {
			c->in.failed = true;
			return;
		}
		memcpy(key, v.bytes, v.count);
		key[v.count] = '\0';
		copy_value(c, key, depth);
	}
}

static void copy_collection(
    struct copying *c, const char *key, const struct mp_value *v, unsigned depth)
{
	if (depth == 0) {
		c->in.failed = true;
		return;
	}
	if (v->type == MP_ARRAY) {
		writer_array(c->to, key);
		copy_items(c, v->count, depth - 1);
	} else {
		writer_object(c->to, key);
		copy_members(c, v->count, depth - 1);
	}
	writer_end(c->to);
}

static void copy_value(struct copying *c, const char *key, unsigned depth)
{
	struct mp_value v;

	if (!mp_next(&c->in, &v))
		return;
	switch (v.type) {
	case MP_NIL: writer_null(c->to, key); break;
	case MP_BOOL: writer_boolean(c->to, key, v.boolean); break;
	case MP_UINT:
		c->in.failed |= v.uint > COUNT_MAX;
		writer_count(c->to, key, v.uint);
		break;
	case MP_INT: writer_integer(c->to, key, v.sint); break;
	case MP_DOUBLE:
		c->in.failed |= !isfinite(v.real);
		writer_figure(c->to, key, v.real);
		break;
	case MP_STRING:
		c->in.failed |= !utf8_is_valid(v.bytes, v.count);
		if (goes_on(c))
			writer_bytes(c->to, key, v.bytes, v.count);
		break;
	case MP_ARRAY:
	case MP_MAP: copy_collection(c, key, &v, depth); break;
	case MP_BINARY:
	case MP_EXT: c->in.failed = true; break;
	}
}

void writer_msgpack(struct writer *w, const char *key, const char *bytes, size_t length)
{
	struct copying c = {.to = w};

	mp_reader_init(&c.in, bytes, length);
	copy_value(&c, key, DOCUMENT_DEPTH_MAX);
	w->failed |= c.in.failed || c.in.at != c.in.end;
}

/* --- As a tree ----------------------------------------------------------------------------------
 */

/* What comes next. All: nothing may be behind it. */
static json_t *take_tree(struct mp_reader *in, unsigned depth, bool all)
{
	struct tree_writer t;
	struct copying c = {.in = *in, .to = &t.writer};
	bool damaged;

	tree_writer_init(&t);
	if (!in->failed)
		copy_value(&c, NULL, depth);
	damaged = c.in.failed || (all && !t.writer.failed && c.in.at != c.in.end);
	errno = damaged ? EBADMSG : ENOMEM;
	t.writer.failed |= damaged;
	return tree_writer_take(&t);
}

json_t *json_from_msgpack(const void *bytes, size_t length, unsigned depth)
{
	struct mp_reader in;

	mp_reader_init(&in, bytes, length);
	return take_tree(&in, depth, true);
}

/* Goes to the value of `name` in the map that comes next. */
static void enter(struct mp_reader *in, const char *name, unsigned depth)
{
	struct mp_value map, key;

	if (mp_next(in, &map) && map.type == MP_MAP)
		for (uint32_t i = 0; i < map.count; i++) {
			if (!mp_next(in, &key) || key.type != MP_STRING)
				break;
			if (key.count == strlen(name) && memcmp(key.bytes, name, key.count) == 0)
				return;
			if (!mp_skip(in, depth))
				break;
		}
	in->failed = true;
}

json_t *json_from_msgpack_at(
    const void *bytes, size_t length, const char *const *path, unsigned depth)
{
	struct mp_reader in;

	mp_reader_init(&in, bytes, length);
	for (; *path && !in.failed; path++)
		enter(&in, *path, depth);
	return take_tree(&in, depth, false);
}
