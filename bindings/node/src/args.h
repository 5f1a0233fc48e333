/*
 * args.h: JavaScript values as C takes them.
 *
 * The module's functions are called by lib/ only, which has looked at what its users gave; what is
 * of another type all the same is absent, never an error.
 */
#ifndef ORBUS_NODE_SRC_ARGS_H
#define ORBUS_NODE_SRC_ARGS_H

#include "addon.h"
#include "orbus.h"

#include <stdbool.h>
#include <stddef.h>

#define ARGUMENTS_MAX 12

/* The arguments of a call; those that were not given are undefined. */
void take_arguments(napi_env env, napi_callback_info info, napi_value *arguments, size_t count);

/* Room for the strings of one call; a longer one is cut on a character. */
struct text_arena {
	size_t used;
	char bytes[6144];
};

/* Its bytes need no clearing. */
static inline void arena_clear(struct text_arena *arena)
{
	arena->used = 0;
}

/* Of at most `bytes` bytes with its NUL. NULL: no string, an empty one, or no room for it. */
const char *take_text(napi_env env, napi_value value, struct text_arena *arena, size_t bytes);

/* The whole string, malloc'ed; NULL: no string, or out of memory. */
char *take_long_text(napi_env env, napi_value value, size_t *length);

double take_number(napi_env env, napi_value value); /* NaN: none */
int take_int(napi_env env, napi_value value);       /* 0: none */
bool take_bool(napi_env env, napi_value value);

/* The memory of a Uint8Array, until JavaScript runs again. False: it is none. */
bool take_bytes(napi_env env, napi_value value, const char **bytes, size_t *length);

/*
 * A string of keys and values, each ended by a NUL: one call for all of them. Returns how many tags
 * there are, at most ORBUS_TAGS_MAX.
 */
size_t take_tags(napi_env env, napi_value value, struct text_arena *arena, struct orbus_tag *tags);

/* The first word of a handle: what kind it is. */
#define HANDLE_PRODUCER 0x6f727062
#define HANDLE_MEASURED 0x6f72786d
#define HANDLE_TAIL     0x6f72746c

/* What an external holds, if it begins with this kind; NULL. */
void *take_handle(napi_env env, napi_value value, uint32_t kind);

napi_value make_int(napi_env env, int64_t n);
napi_value make_bool(napi_env env, bool b);
napi_value make_text(napi_env env, const char *text); /* undefined for NULL and "" */

struct function {
	const char *name;
	napi_callback call;
};
napi_status define_functions(
    napi_env env, napi_value exports, const struct function *functions, size_t count);

#endif
