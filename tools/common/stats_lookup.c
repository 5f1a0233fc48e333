/*
 * stats_lookup.c: figures of a statistics document, by key, whatever the document holds.
 */
#include "stats_lookup.h"

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

uint64_t failed_requests(const json_t *document)
{
	const json_t *r = json_object_get(document, "requests");

	if (json_is_number(json_object_get(r, "failed")))
		return count_at(r, "failed", NULL);
	if (!json_is_object(r))
		return count_at(document, "errors", "total_errors");
	return count_at(r, "errors", NULL) + count_at(r, "timeouts", NULL) +
	       count_at(r, "orphaned", NULL);
}

/* Never read from the document, so that it cannot disagree with the counts beside it. */
double error_rate(const json_t *document)
{
	const json_t *r = json_object_get(document, "requests");
	uint64_t failed = failed_requests(document);
	uint64_t total = json_is_object(r) ? count_at(r, "total", NULL)
	                                   : count_at(document, "response_times", "count") + failed;

	return total ? 100 * (double)failed / (double)total : NAN;
}
