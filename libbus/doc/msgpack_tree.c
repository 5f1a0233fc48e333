/*
 * msgpack_tree.c: JSON values from msgpack.
 */
#include "msgpack_tree.h"
#include "base/msgpack_in.h"
#include "base/utf8.h"

#include <errno.h>
#include <math.h>
#include <string.h>

static json_t *unpack(struct mp_reader *in, unsigned depth);

static json_t *unpack_array(struct mp_reader *in, uint32_t count, unsigned depth)
{
	json_t *array = depth ? json_array() : NULL;

	for (uint32_t i = 0; array && i < count; i++) {
		if (json_array_append_new(array, unpack(in, depth - 1)) < 0) {
			json_decref(array);
			return NULL;
		}
	}
	return array;
}

static json_t *unpack_map(struct mp_reader *in, uint32_t count, unsigned depth)
{
	json_t *map = depth ? json_object() : NULL;

	for (uint32_t i = 0; map && i < count; i++) {
		struct mp_value key;

		if (!mp_next(in, &key) || key.type != MP_STRING ||
		    !utf8_is_valid(key.bytes, key.count) ||
		    json_object_setn_new_nocheck(map, key.bytes, key.count, unpack(in, depth - 1)) <
			0) {
			json_decref(map);
			return NULL;
		}
	}
	return map;
}

static json_t *unpack(struct mp_reader *in, unsigned depth)
{
	struct mp_value v;

	if (!mp_next(in, &v))
		return NULL;
	switch (v.type) {
	case MP_NIL: return json_null();
	case MP_BOOL: return json_boolean(v.boolean);
	case MP_UINT: return v.uint <= INT64_MAX ? json_integer((json_int_t)v.uint) : NULL;
	case MP_INT: return json_integer(v.sint);
	case MP_DOUBLE: return isfinite(v.real) ? json_real(v.real) : NULL;
	case MP_STRING:
		return utf8_is_valid(v.bytes, v.count) ? json_stringn_nocheck(v.bytes, v.count)
		                                       : NULL;
	case MP_ARRAY: return unpack_array(in, v.count, depth);
	case MP_MAP: return unpack_map(in, v.count, depth);
	case MP_BINARY:
	case MP_EXT: break;
	}
	return NULL;
}

json_t *json_from_msgpack(const void *bytes, size_t length, unsigned depth)
{
	struct mp_reader in;
	json_t *value;

	mp_reader_init(&in, bytes, length);
	value = unpack(&in, depth);
	if (value && in.at != in.end) {
		json_decref(value);
		return NULL;
	}
	return value;
}

/* Goes to the value of `name` in the map that comes next. */
static bool enter(struct mp_reader *in, const char *name, unsigned depth)
{
	struct mp_value map, key;

	if (!mp_next(in, &map) || map.type != MP_MAP)
		return false;
	for (uint32_t i = 0; i < map.count; i++) {
		if (!mp_next(in, &key) || key.type != MP_STRING)
			return false;
		if (key.count == strlen(name) && memcmp(key.bytes, name, key.count) == 0)
			return true;
		if (!mp_skip(in, depth))
			return false;
	}
	return false;
}

json_t *json_from_msgpack_at(
    const void *bytes, size_t length, const char *const *path, unsigned depth)
{
	struct mp_reader in;

	mp_reader_init(&in, bytes, length);
	for (; *path; path++)
		if (!enter(&in, *path, depth))
			return NULL;
	return unpack(&in, depth);
}
