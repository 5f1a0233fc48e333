/*
 * lines.c: what is to be printed, collected and put in the order of its times.
 */
#include "lines.h"

#include <stdlib.h>
#include <string.h>

static int by_time(const void *a, const void *b)
{
	const struct line *x = a, *y = b;

	if (x->ts != y->ts)
		return x->ts < y->ts ? -1 : 1;
	return x->order < y->order ? -1 : 1;
}

static bool make_room(struct lines *l)
{
	size_t capacity = l->capacity ? 2 * l->capacity : 64;
	struct line *all = realloc(l->all, capacity * sizeof(*all));

	if (!all)
		return false;
	l->all = all;
	l->capacity = capacity;
	return true;
}

static void line_free(const struct line *line)
{
	free(line->text);
	free(line->figures);
	free(line->fields);
}

bool lines_add(struct lines *l, const struct line *line)
{
	if (!line->text || (l->count == l->capacity && !make_room(l))) {
		line_free(line);
		return false;
	}
	l->all[l->count] = *line;
	l->all[l->count++].order = l->arrived++;
	return true;
}

void lines_sort(struct lines *l)
{
	if (l->count > 0)
		qsort(l->all, l->count, sizeof(*l->all), by_time);
}

static void free_first(struct lines *l, size_t n)
{
	for (size_t i = 0; i < n; i++)
		line_free(&l->all[i]);
}

void lines_drop_older(struct lines *l, size_t keep)
{
	size_t dropped = l->count > keep ? l->count - keep : 0;

	if (dropped == 0)
		return;
	lines_sort(l);
	free_first(l, dropped);
	memmove(l->all, l->all + dropped, keep * sizeof(*l->all));
	l->count = keep;
}

void lines_clear(struct lines *l)
{
	free_first(l, l->count);
	l->count = 0;
}

void lines_free(struct lines *l)
{
	lines_clear(l);
	free(l->all);
}
