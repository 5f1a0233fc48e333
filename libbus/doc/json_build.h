/*
 * json_build.h: JSON values put together step by step, given up as a whole when memory runs out.
 *
 * A step that fails, or that is handed the NULL of a part that failed, fails the value; taking a
 * failed value gives NULL. So a document is complete or not there, without a check at each step.
 */
#ifndef ORBUS_DOC_JSON_BUILD_H
#define ORBUS_DOC_JSON_BUILD_H

#include <jansson.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>

struct json_build {
	json_t *value;
	bool failed;
};

static inline struct json_build json_build_object(void)
{
	return (struct json_build){.value = json_object()};
}

static inline struct json_build json_build_array(void)
{
	return (struct json_build){.value = json_array()};
}

/* Both take over `part`. */
static inline void json_build_set(struct json_build *b, const char *key, json_t *part)
{
	b->failed |= json_object_set_new_nocheck(b->value, key, part) < 0;
}

static inline void json_build_append(struct json_build *b, json_t *part)
{
	b->failed |= json_array_append_new(b->value, part) < 0;
}

/* The value, or NULL after any failure. */
static inline json_t *json_build_take(struct json_build *b)
{
	if (!b->failed)
		return b->value;
	json_decref(b->value);
	return NULL;
}

/* A figure that is not finite is null: unknown is never 0. */
static inline json_t *json_figure(double value)
{
	return isfinite(value) ? json_real(value) : json_null();
}

static inline json_t *json_count(uint64_t n)
{
	return json_integer(n > INT64_MAX ? INT64_MAX : (json_int_t)n);
}

#endif
