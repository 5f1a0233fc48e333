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
	double n = number_at(o, first, second);

	return n >= 0 && n < 0x1p63 ? (uint64_t)n : 0;
}
