/*
 * args.c: JavaScript values as C takes them.
 */
#include "args.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void take_arguments(napi_env env, napi_callback_info info, napi_value *arguments, size_t count)
{
	size_t given = count;

	/* It fills what was not given with undefined. */
	napi_get_cb_info(env, info, &given, arguments, NULL, NULL);
}

const char *take_text(napi_env env, napi_value value, struct text_arena *arena, size_t bytes)
{
	size_t left = sizeof(arena->bytes) - arena->used, length = 0;
	char *at = arena->bytes + arena->used;

	if (bytes > left)
		bytes = left;
	/* It writes whole characters only, and U+FFFD for half a surrogate pair. */
	if (bytes < 2 || napi_get_value_string_utf8(env, value, at, bytes, &length) != napi_ok ||
	    length == 0)
		return NULL;
	arena->used += length + 1;
	return at;
}

char *take_long_text(napi_env env, napi_value value, size_t *length)
{
	char *text;

	if (napi_get_value_string_utf8(env, value, NULL, 0, length) != napi_ok)
		return NULL;
	text = malloc(*length + 1);
	if (text && napi_get_value_string_utf8(env, value, text, *length + 1, length) == napi_ok)
		return text;
	free(text);
	return NULL;
}

double take_number(napi_env env, napi_value value)
{
	double number;

	return napi_get_value_double(env, value, &number) == napi_ok ? number : NAN;
}

int take_int(napi_env env, napi_value value)
{
	int32_t number;

	return napi_get_value_int32(env, value, &number) == napi_ok ? number : 0;
}

bool take_bool(napi_env env, napi_value value)
{
	bool b;

	return napi_get_value_bool(env, value, &b) == napi_ok && b;
}

bool take_bytes(napi_env env, napi_value value, const char **bytes, size_t *length)
{
	napi_typedarray_type type;
	void *data;

	if (napi_get_typedarray_info(env, value, &type, length, &data, NULL, NULL) != napi_ok ||
	    type != napi_uint8_array)
		return false;
	*bytes = data ? data : ""; /* an empty array may have no memory */
	return true;
}

size_t take_tags(napi_env env, napi_value value, struct text_arena *arena, struct orbus_tag *tags)
{
	size_t left = sizeof(arena->bytes) - arena->used, length = 0, count = 0;
	char *at = arena->bytes + arena->used, *end;

	if (left == 0 || napi_get_value_string_utf8(env, value, at, left, &length) != napi_ok)
		return 0;
	end = at + length;
	arena->used += length + 1;
	while (at < end && count < ORBUS_TAGS_MAX) {
		tags[count].key = at;
		at += strlen(at) + 1;
		if (at >= end)
			break; /* cut off: no room */
		tags[count++].value = at;
		at += strlen(at) + 1;
	}
	return count;
}

void *take_handle(napi_env env, napi_value value, uint32_t kind)
{
	void *data = NULL;

	if (napi_get_value_external(env, value, &data) != napi_ok || !data ||
	    *(const uint32_t *)data != kind)
		return NULL;
	return data;
}

napi_value make_int(napi_env env, int64_t n)
{
	napi_value value = NULL;

	napi_create_int64(env, n, &value);
	return value;
}

napi_value make_bool(napi_env env, bool b)
{
	napi_value value = NULL;

	napi_get_boolean(env, b, &value);
	return value;
}

napi_value make_text(napi_env env, const char *text)
{
	napi_value value = NULL;

	if (text && *text)
		napi_create_string_utf8(env, text, NAPI_AUTO_LENGTH, &value);
	return value;
}

napi_status define_functions(
    napi_env env, napi_value exports, const struct function *functions, size_t count)
{
	napi_status status = napi_ok;

	for (size_t i = 0; i < count && status == napi_ok; i++) {
		napi_value function;

		status = napi_create_function(
		    env, functions[i].name, NAPI_AUTO_LENGTH, functions[i].call, NULL, &function);
		if (status == napi_ok)
			status = napi_set_named_property(env, exports, functions[i].name, function);
	}
	return status;
}
