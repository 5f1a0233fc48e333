/*
 * writer.c: the steps in which a document is written.
 */
#include "writer.h"

#include <math.h>
#include <string.h>

static void begin(struct writer *w, const char *key, bool is_array)
{
	if (w->depth == DOCUMENT_DEPTH_MAX)
		w->failed = w->too_deep = true;
	if (!w->failed)
		w->form->open(w, key, is_array);
	w->depth++;
}

void writer_object(struct writer *w, const char *key)
{
	begin(w, key, false);
}

void writer_array(struct writer *w, const char *key)
{
	begin(w, key, true);
}

void writer_end(struct writer *w)
{
	if (!w->failed)
		w->form->close(w);
	w->depth--;
}

static void put(struct writer *w, const char *key, const struct writer_value *value)
{
	if (!w->failed)
		w->form->value(w, key, value);
}

void writer_null(struct writer *w, const char *key)
{
	put(w, key, &(struct writer_value){.type = WRITER_NULL});
}

void writer_boolean(struct writer *w, const char *key, bool value)
{
	put(w, key, &(struct writer_value){.type = WRITER_BOOLEAN, .boolean = value});
}

void writer_integer(struct writer *w, const char *key, int64_t value)
{
	put(w, key, &(struct writer_value){.type = WRITER_INTEGER, .integer = value});
}

void writer_bytes(struct writer *w, const char *key, const char *text, size_t length)
{
	put(w, key, &(struct writer_value){.type = WRITER_TEXT, .text = {text, length}});
}

void writer_text(struct writer *w, const char *key, const char *text)
{
	if (text)
		writer_bytes(w, key, text, strlen(text));
	else
		writer_null(w, key);
}

void writer_count(struct writer *w, const char *key, uint64_t n)
{
	writer_integer(w, key, (int64_t)(n > COUNT_MAX ? COUNT_MAX : n));
}

void writer_figure(struct writer *w, const char *key, double value)
{
	if (isnan(value))
		writer_null(w, key);
	else
		put(w, key,
		    &(struct writer_value){.type = WRITER_REAL, .real = figure_bound(value)});
}

static void put_members(struct writer *w, const char *key, const json_t *value)
{
	const char *name;
	json_t *item;
	size_t i;

	begin(w, key, json_is_array(value));
	if (w->failed)
		;
	else if (json_is_array(value))
		json_array_foreach(value, i, item) writer_json(w, NULL, item);
	else
		json_object_foreach((json_t *)(uintptr_t)value, name, item)
		{
			writer_json(w, name, item);
		}
	writer_end(w);
}

void writer_json(struct writer *w, const char *key, const json_t *value)
{
	w->failed |= !value;
	if (w->failed)
		return;
	switch (json_typeof(value)) {
	case JSON_OBJECT:
	case JSON_ARRAY: put_members(w, key, value); break;
	case JSON_STRING:
		writer_bytes(w, key, json_string_value(value), json_string_length(value));
		break;
	case JSON_INTEGER: writer_integer(w, key, json_integer_value(value)); break;
	case JSON_REAL: writer_figure(w, key, json_real_value(value)); break;
	case JSON_TRUE:
	case JSON_FALSE: writer_boolean(w, key, json_is_true(value)); break;
	case JSON_NULL: writer_null(w, key); break;
	}
}
