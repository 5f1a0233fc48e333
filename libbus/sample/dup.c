/*
 * dup.c: a copy of a sample that outlives the reader whose strings it points to.
 */
#include "dup.h"
#include "fields.h"

#include <stdlib.h>
#include <string.h>

static size_t text_bytes(const char *text)
{
	return text ? strlen(text) + 1 : 0;
}

#define BYTES_STRING(f) bytes += text_bytes(s->f);
#define BYTES_BOOL(f)
#define BYTES_UINT(f)
#define BYTES_DOUBLE(f)
#define BYTES_OF(type, f) BYTES_##type(f)

/* Behind the tags. */
static size_t texts_bytes(const struct orbus_sample *s)
{
	size_t bytes = 0;

	ORBUS_SAMPLE_FIELDS(BYTES_OF)
	for (size_t i = 0; i < s->tag_count; i++)
		bytes += text_bytes(s->tags[i].key) + text_bytes(s->tags[i].value);
	return bytes;
}

/* Copies a text to *at, and goes beyond it. */
static const char *put_text(char **at, const char *text)
{
	const char *copy = text ? *at : NULL;

	if (text)
		*at = stpcpy(*at, text) + 1;
	return copy;
}

#define PUT_STRING(f) copy->f = put_text(&at, s->f);
#define PUT_BOOL(f)
#define PUT_UINT(f)
#define PUT_DOUBLE(f)
#define PUT(type, f) PUT_##type(f)

struct orbus_sample *sample_dup(const struct orbus_sample *s)
{
	size_t tags_bytes = s->tag_count * sizeof(struct orbus_tag);
	struct orbus_sample *copy = malloc(sizeof(*copy) + tags_bytes + texts_bytes(s));
	struct orbus_tag *tags;
	char *at;

	if (!copy)
		return NULL;
	*copy = *s;
	tags = (struct orbus_tag *)(copy + 1);
	at = (char *)(tags + s->tag_count);
	ORBUS_SAMPLE_FIELDS(PUT)
	for (size_t i = 0; i < s->tag_count; i++) {
		tags[i].key = put_text(&at, s->tags[i].key);
		tags[i].value = put_text(&at, s->tags[i].value);
	}
	copy->tags = s->tag_count ? tags : NULL;
	return copy;
}
