/*
 * document_text.c: a document as the text of a file.
 */
#include "document.h"

#include <stdlib.h>
#include <string.h>

/* Enough to tell apart any two figures that people care about, and to print 3245.8 as such. */
#define REAL_DIGITS 15

/* A text that grows. */
struct text {
	char *bytes;
	size_t length, capacity;
};

static int append(const char *bytes, size_t length, void *context)
{
	struct text *t = context;

	if (length > t->capacity - t->length) {
		size_t capacity = 2 * t->capacity + length + 4096;
		char *grown = realloc(t->bytes, capacity);

		if (!grown)
			return -1;
		t->bytes = grown;
		t->capacity = capacity;
	}
	memcpy(t->bytes + t->length, bytes, length);
	t->length += length;
	return 0;
}

static int append_text(struct text *t, const char *s)
{
	return append(s, strlen(s), t);
}

static int append_count(struct text *t, json_int_t n)
{
	char digits[24], *at = digits + sizeof(digits);
	uint64_t rest = n < 0 ? -(uint64_t)n : (uint64_t)n;

	do
		*--at = (char)('0' + rest % 10);
	while ((rest /= 10) > 0);
	if (n < 0)
		*--at = '-';
	return append(at, (size_t)(digits + sizeof(digits) - at), t);
}

static int dump(struct text *t, const json_t *value);

static int dump_array(struct text *t, const json_t *array)
{
	int failed = append_text(t, "[");
	const json_t *item;
	size_t i;

	json_array_foreach(array, i, item)
	{
		if (i > 0)
			failed |= append(", ", 2, t);
		failed |= dump(t, item);
	}
	return failed | append_text(t, "]");
}

static int dump_object(struct text *t, const json_t *object)
{
	const char *key, *separator = "{";
	int failed = 0;
	json_t *value;

	json_object_foreach((json_t *)(uintptr_t)object, key, value)
	{
		json_t *text = json_string_nocheck(key);

		failed |= append_text(t, separator) | !text | dump(t, text) | append_text(t, ": ") |
		          dump(t, value);
		separator = ", ";
		json_decref(text);
	}
	return failed | append_text(t, *separator == '{' ? "{}" : "}");
}

/*
 * What json_dump_callback() writes, in a quarter of its time: a document is ten thousands of
 * counts, and that spells each by snprintf(). All but the structure and the integers is left to it.
 */
static int dump(struct text *t, const json_t *value)
{
	if (json_is_integer(value))
		return append_count(t, json_integer_value(value));
	if (json_is_array(value))
		return dump_array(t, value);
	if (json_is_object(value))
		return dump_object(t, value);
	return json_dump_callback(
	    value, append, t, JSON_ENCODE_ANY | JSON_REAL_PRECISION(REAL_DIGITS));
}

char *document_to_text(const json_t *document, size_t *length)
{
	const char *key, *separator = "{\n  \"";
	struct text t = {NULL, 0, 0};
	json_t *value;
	int failed = 0;

	json_object_foreach((json_t *)(uintptr_t)document, key, value)
	{
		failed |= append_text(&t, separator) | append_text(&t, key) |
		          append_text(&t, "\": ") | dump(&t, value);
		separator = ",\n  \"";
	}
	/* With the NUL. */
	failed |= append("\n}\n", sizeof("\n}\n"), &t);
	if (failed) {
		free(t.bytes);
		return NULL;
	}
	*length = t.length - 1;
	return t.bytes;
}
