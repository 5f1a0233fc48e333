/*
 * threshold.c: ranges as monitoring plugins write them.
 */
#include "threshold.h"
#include "base/parse.h"

#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

struct threshold threshold_none(void)
{
	return (struct threshold){.start = -INFINITY, .end = INFINITY};
}

/* `length` bytes of a number, which may be negative, or of a time. */
static int parse_bound(const char *text, size_t length, bool is_time, double *out)
{
	char number[64];
	bool negative = length > 0 && text[0] == '-';
	uint64_t ns;
	int err;

	text += negative;
	length -= negative;
	if (length >= sizeof(number))
		return -EINVAL;
	memcpy(number, text, length);
	number[length] = '\0';
	if (is_time) {
		err = parse_duration(number, 0, INT64_MAX, &ns);
		*out = (double)ns / 1e9;
	} else {
		err = parse_figure(number, out);
	}
	if (negative)
		*out = -*out;
	return err ? -EINVAL : 0;
}

int threshold_parse(const char *text, bool is_time, struct threshold *out)
{
	const char *colon;
	int err = 0;

	*out = (struct threshold){.start = 0, .end = INFINITY, .inside = *text == '@'};
	text += out->inside;
	colon = strchr(text, ':');
	if (colon && colon - text == 1 && *text == '~')
		out->start = -INFINITY;
	else if (colon && colon > text)
		err = parse_bound(text, (size_t)(colon - text), is_time, &out->start);
	text = colon ? colon + 1 : text;
	if (!err && (*text || !colon))
		err = parse_bound(text, strlen(text), is_time, &out->end);
	return !err && out->start > out->end ? -ERANGE : err;
}

bool threshold_alerts(const struct threshold *t, double value)
{
	return !isnan(value) && (value >= t->start && value <= t->end) == t->inside;
}

void threshold_format(const struct threshold *t, char *out, size_t bytes)
{
	char start[32] = "", end[32] = "";

	if (isinf(t->start) && isinf(t->end) && !t->inside) {
		*out = '\0';
		return;
	}
	if (isinf(t->start))
		strcpy(start, "~:");
	else if (t->start != 0 || isinf(t->end))
		snprintf(start, sizeof(start), "%.6g:", t->start);
	if (!isinf(t->end))
		snprintf(end, sizeof(end), "%.6g", t->end);
	snprintf(out, bytes, "%s%s%s", t->inside ? "@" : "", start, end);
}
