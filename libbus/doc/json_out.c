/*
 * json_out.c: a document as the JSON text of a file: each key of the whole on a line of its own.
 */
#include "base/number_text.h"
#include "writer.h"

#include <stdlib.h>
#include <string.h>

static int append(const char *bytes, size_t length, void *context)
{
	struct text_writer *t = context;

	t->too_large |= length > DOCUMENT_BYTES_MAX - t->text.length;
	if (!t->too_large && buffer_append(&t->text, bytes, length))
		return 0;
	t->writer.failed = true;
	return -1;
}

static void append_text(struct text_writer *t, const char *s)
{
	(void)append(s, strlen(s), t);
}

static void append_integer(struct text_writer *t, int64_t n)
{
	char digits[24], *at = digits + sizeof(digits);
	uint64_t rest = n < 0 ? -(uint64_t)n : (uint64_t)n;

	do
		*--at = (char)('0' + rest % 10);
	while ((rest /= 10) > 0);
	if (n < 0)
		*--at = '-';
	(void)append(at, (size_t)(digits + sizeof(digits) - at), t);
}

static void append_real(struct text_writer *t, double value)
{
	char text[FIGURE_TEXT_MAX];

	(void)append(text, figure_text(value, text), t);
}

/* Most texts are names, and need no escape. */
static bool is_plain(const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if ((unsigned char)text[i] < ' ' || text[i] == '"' || text[i] == '\\')
			return false;
	return true;
}

static void append_string(struct text_writer *t, const char *text, size_t length)
{
	json_t *value;

	if (is_plain(text, length)) {
		append_text(t, "\"");
		(void)append(text, length, t);
		append_text(t, "\"");
		return;
	}
	value = json_stringn_nocheck(text, length);
	t->writer.failed |= !value || json_dump_callback(value, append, t, JSON_ENCODE_ANY) < 0;
	json_decref(value);
}

/* What comes before a value. */
static void begin_value(struct text_writer *t, const char *key)
{
	unsigned depth = t->writer.depth;

	if (depth == 0)
		return;
	if (t->open[depth - 1].any)
		append_text(t, depth == 1 ? "," : ", ");
	if (depth == 1)
		append_text(t, "\n  ");
	t->open[depth - 1].any = true;
	if (!key)
		return;
	append_string(t, key, strlen(key));
	append_text(t, ": ");
}

static void text_open(struct writer *w, const char *key, bool is_array)
{
	struct text_writer *t = (struct text_writer *)w;

	begin_value(t, key);
	append_text(t, is_array ? "[" : "{");
	t->open[w->depth].is_array = is_array;
	t->open[w->depth].any = false;
}

static void text_close(struct writer *w)
{
	struct text_writer *t = (struct text_writer *)w;

	if (w->depth == 1)
		append_text(t, "\n");
	append_text(t, t->open[w->depth - 1].is_array ? "]" : "}");
	if (w->depth == 1)
		append_text(t, "\n");
}

static void text_value(struct writer *w, const char *key, const struct writer_value *v)
{
	struct text_writer *t = (struct text_writer *)w;

	begin_value(t, key);
	switch (v->type) {
	case WRITER_NULL: append_text(t, "null"); break;
	case WRITER_BOOLEAN: append_text(t, v->boolean ? "true" : "false"); break;
	case WRITER_INTEGER: append_integer(t, v->integer); break;
	case WRITER_REAL: append_real(t, v->real); break;
	case WRITER_TEXT: append_string(t, v->text.bytes, v->text.length); break;
	}
}

static const struct writer_form form = {text_open, text_close, text_value};

void text_writer_init(struct text_writer *t)
{
	*t = (struct text_writer){.writer.form = &form};
}

char *text_writer_take(struct text_writer *t, size_t *length)
{
	*length = t->text.length;
	if (!t->writer.failed && append("", 1, t) == 0)
		return t->text.bytes;
	free(t->text.bytes);
	return NULL;
}
