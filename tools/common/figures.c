/*
 * figures.c: figures of a statistics document, by key, whatever the document holds.
 */
#include "figures.h"

#include <math.h>

double number_at(const json_t *o, const char *first, const char *second)
{
	const json_t *v = json_object_get(o, first);

	if (second)
		v = json_object_get(v, second);
	return json_is_number(v) ? json_number_value(v) : NAN;
}

uint64_t count_at(const json_t *o, const char *first, const char *second)
{
	const json_t *v = json_object_get(o, first);
	double n = number_at(o, first, second);

	if (second)
		v = json_object_get(v, second);
	/* Counts end at the largest integer, which no double is. */
	if (json_is_integer(v))
		return json_integer_value(v) > 0 ? (uint64_t)json_integer_value(v) : 0;
	return n >= 0 && n < 0x1p63 ? (uint64_t)n : 0;
}
