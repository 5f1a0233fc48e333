/*
 * msgpack_tree.c: JSON values from msgpack.
 */
#include "msgpack_tree.h"
#include "base/msgpack_in.h"
#include "base/utf8.h"

#include <errno.h>
#include <math.h>
#include <string.h>

struct unpacking {
	struct mp_reader in;
	bool out_of_memory; /* that is why there is no value */
};

static json_t *unpack(struct unpacking *u, unsigned depth);

/* What jansson has made of a value that can be made: NULL is for want of memory. */
static json_t *made(struct unpacking *u, json_t *value)
{
	u->out_of_memory |= !value;
	return value;
}

static json_t *unpack_array(struct unpacking *u, uint32_t count, unsigned depth)
{
	json_t *array = depth ? made(u, json_array()) : NULL;

	for (uint32_t i = 0; array && i < count; i++) {
		json_t *item = unpack(u, depth - 1);

		if (!item || json_array_append_new(array, item) < 0) {
			u->out_of_memory |= item != NULL;
			json_decref(array);
			return NULL;
		}
	}
	return array;
}

static json_t *unpack_map(struct unpacking *u, uint32_t count, unsigned depth)
{
	json_t *map = depth ? made(u, json_object()) : NULL;

	for (uint32_t i = 0; map && i < count; i++) {
		struct mp_value key;
		json_t *value = NULL;

		if (mp_next(&u->in, &key) && key.type == MP_STRING &&
		    utf8_is_valid(key.bytes, key.count))
			value = unpack(u, depth - 1);
		if (!value || json_object_setn_new_nocheck(map, key.bytes, key.count, value) < 0) {
			u->out_of_memory |= value != NULL;
			json_decref(map);
			return NULL;
		}
	}
	return map;
}

static json_t *unpack(struct unpacking *u, unsigned depth)
{
	struct mp_value v;

	if (!mp_next(&u->in, &v))
		return NULL;
	switch (v.type) {
	case MP_NIL: return json_null();
	case MP_BOOL: return json_boolean(v.boolean);
	case MP_UINT: return v.uint <= INT64_MAX ? made(u, json_integer((json_int_t)v.uint)) : NULL;
	case MP_INT: return made(u, json_integer(v.sint));
	case MP_DOUBLE: return isfinite(v.real) ? made(u, json_real(v.real)) : NULL;
	case MP_STRING:
		return utf8_is_valid(v.bytes, v.count)
		           ? made(u, json_stringn_nocheck(v.bytes, v.count))
		           : NULL;
	case MP_ARRAY: return unpack_array(u, v.count, depth);
	case MP_MAP: return unpack_map(u, v.count, depth);
	case MP_BINARY:
	case MP_EXT: break;
	}
	return NULL;
}

json_t *json_from_msgpack(const void *bytes, size_t length, unsigned depth)
{
	struct unpacking u = {.out_of_memory = false};
	json_t *value;

	mp_reader_init(&u.in, bytes, length);
	value = unpack(&u, depth);
	if (value && u.in.at == u.in.end)
		return value;
	json_decref(value);
	errno = u.out_of_memory ? ENOMEM : EBADMSG;
	return NULL;
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
	struct unpacking u = {.out_of_memory = false};
	json_t *value;

	mp_reader_init(&u.in, bytes, length);
	for (; *path; path++) {
		if (!enter(&u.in, *path, depth)) {
			errno = EBADMSG;
			return NULL;
		}
	}
	value = unpack(&u, depth);
	if (!value)
		errno = u.out_of_memory ? ENOMEM : EBADMSG;
	return value;
}
