/*
 * hour_lines.c: the lines of one hour, in the order of their times.
 */
#include "hour_lines.h"
#include "base/clock.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

struct hour_line {
	uint64_t ts;
	size_t text; /* offset in the texts */
	size_t length;
};

/* The agent writes the time first; other lines are read whole. */
bool hour_line_ts(const char *line, size_t length, uint64_t *ts)
{
	static const char head[] = "{\"ts\":\"";
	char text[RFC3339_BYTES];
	const char *start = line + sizeof(head) - 1, *end;
	json_t *o;
	bool found;

	if (strncmp(line, head, sizeof(head) - 1) == 0 && (end = strchr(start, '"')) &&
	    (size_t)(end - start) < sizeof(text)) {
		memcpy(text, start, (size_t)(end - start));
		text[end - start] = '\0';
		if (clock_parse_rfc3339(text, ts))
			return true;
	}
	o = json_loadb(line, length, 0, NULL);
	start = json_string_value(json_object_get(o, "ts"));
	found = start && clock_parse_rfc3339(start, ts);
	json_decref(o);
	return found;
}

static int grow(void **array, size_t *capacity, size_t needed, size_t item_bytes)
{
	size_t larger = *capacity ? *capacity : 1024;
	void *moved;

	while (larger < needed)
		larger *= 2;
	if (larger == *capacity)
		return 0;
	moved = realloc(*array, larger * item_bytes);
	if (!moved)
		return -ENOMEM;
	*array = moved;
	*capacity = larger;
	return 0;
}

int hour_lines_add(struct hour_lines *h, uint64_t ts, const char *line, size_t length)
{
	int err = grow((void **)&h->texts, &h->text_capacity, h->text_bytes + length, 1);

	if (!err)
		err = grow((void **)&h->lines, &h->capacity, h->count + 1, sizeof(*h->lines));
	if (err)
		return err;
	memcpy(h->texts + h->text_bytes, line, length);
	h->lines[h->count++] = (struct hour_line){ts, h->text_bytes, length};
	h->text_bytes += length;
	return 0;
}

static int by_time(const void *a, const void *b)
{
	const struct hour_line *x = a, *y = b;

	if (x->ts != y->ts)
		return x->ts < y->ts ? -1 : 1;
	return x->text < y->text ? -1 : 1;
}

void hour_lines_sort(struct hour_lines *h)
{
	if (h->count > 0)
		qsort(h->lines, h->count, sizeof(*h->lines), by_time);
}

const char *hour_lines_next(struct hour_lines *h, size_t *length)
{
	const struct hour_line *line;

	if (h->at == h->count)
		return NULL;
	line = &h->lines[h->at++];
	*length = line->length;
	return h->texts + line->text;
}

void hour_lines_clear(struct hour_lines *h)
{
	h->at = h->count = h->text_bytes = 0;
}

void hour_lines_free(struct hour_lines *h)
{
	free(h->texts);
	free(h->lines);
	*h = (struct hour_lines){0};
}
