/*
 * notes.c: notes on a report: skipped files, figures that could not be merged.
 */
#include "notes.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Takes over `text`. */
static void append(struct report_notes *n, bool wrong, char *text)
{
	struct report_note *items;

	for (size_t i = 0; text && i < n->count; i++) {
		if (strcmp(n->items[i].text, text) != 0)
			continue;
		n->items[i].wrong |= wrong;
		free(text);
		return;
	}
	items = text ? realloc(n->items, (n->count + 1) * sizeof(*items)) : NULL;
	if (!items) {
		free(text);
		n->out_of_memory = true;
		return;
	}
	n->items = items;
	items[n->count++] = (struct report_note){text, wrong};
}

void notes_add(struct report_notes *n, bool wrong, const char *format, ...)
{
	va_list args;
	char *text;

	va_start(args, format);
	if (vasprintf(&text, format, args) < 0)
		text = NULL;
	va_end(args);
	append(n, wrong, text);
}

void notes_move(struct report_notes *to, struct report_notes *from)
{
	for (size_t i = 0; i < from->count; i++)
		append(to, from->items[i].wrong, from->items[i].text);
	to->out_of_memory |= from->out_of_memory;
	free(from->items);
	*from = (struct report_notes){0};
}

bool notes_are_wrong(const struct report_notes *n)
{
	bool wrong = n->out_of_memory;

	for (size_t i = 0; i < n->count; i++)
		wrong |= n->items[i].wrong;
	return wrong;
}

void notes_free(struct report_notes *n)
{
	for (size_t i = 0; i < n->count; i++)
		free(n->items[i].text);
	free(n->items);
	*n = (struct report_notes){0};
}
