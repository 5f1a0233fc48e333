/*
 * line.c: a sample as one line of JSON.
 */
#include "line.h"
#include "base/clock.h"
#include "base/number_text.h"
#include "base/text_safe.h"
#include "sample/fields.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* A character becomes \u and four digits for each of its bytes at most. */
#define SPELLED_BYTES 6
/* `"` `"` `:` `,` and the longest number. */
#define NUMBER_BYTES (FIGURE_TEXT_MAX + 4)
/* ts, kind, status, the braces, tps, decode_tps, tags. */
#define HEAD_BYTES 256

static size_t text_room(const char *text)
{
	return text ? SPELLED_BYTES * strlen(text) + 8 : 0;
}

#define ROOM_STRING(f) +text_room(s->f)
#define ROOM_BOOL(f)
#define ROOM_UINT(f)
#define ROOM_DOUBLE(f)
#define ROOM(type, f) +sizeof(#f) + NUMBER_BYTES ROOM_##type(f)

size_t json_line_room(const struct orbus_sample *s)
{
	size_t room = HEAD_BYTES ORBUS_SAMPLE_FIELDS(ROOM);

	for (size_t i = 0; i < s->tag_count; i++)
		room += text_room(s->tags[i].key) + text_room(s->tags[i].value);
	return room;
}

static char *put_bytes(char *to, const char *bytes, size_t n)
{
	memcpy(to, bytes, n);
	return to + n;
}

/* In the spelling of jansson, and of print_json() for what jansson lets through. */
static char *escape(char *to, uint32_t c)
{
	static const char shorts[] = "\"\"\\\\\bb\ff\nn\rr\tt";
	const char *found = c < 0x80 ? shorts : "";

	for (; *found; found += 2) {
		if ((uint32_t)*found != c)
			continue;
		*to++ = '\\';
		*to++ = found[1];
		return to;
	}
	if (c < 0x20)
		return to + sprintf(to, "\\u%04" PRIX32, c);
	if (c < 0x10000)
		return to + sprintf(to, "\\u%04" PRIx32, c);
	return to + sprintf(to, "\\u%04" PRIx32 "\\u%04" PRIx32, 0xd7c0 + (c >> 10),
			0xdc00 + (c & 0x3ff));
}

static char *put_text(char *to, const char *text)
{
	*to++ = '"';
	while (*text) {
		uint32_t c = (unsigned char)*text;
		int length = 1;

		if (c >= 0x20 && c < 0x7f && c != '"' && c != '\\') {
			*to++ = *text++;
			continue;
		}
		if (c >= 0x80)
			length = next_character(text, &c);
		if (length < 0) { /* samples are UTF-8 */
			length = 1;
			c = 0xfffd;
		}
		if (c < 0x80 || is_unsafe_character(c) || c == 0xfffd)
			to = escape(to, c);
		else
			to = put_bytes(to, text, (size_t)length);
		text += length;
	}
	*to++ = '"';
	return to;
}

static char *put_uint(char *to, uint64_t n)
{
	char digits[20];
	int count = 0;

	do
		digits[count++] = (char)('0' + n % 10);
	while (n /= 10);
	while (count > 0)
		*to++ = digits[--count];
	return to;
}

static char *put_figure(char *to, double value)
{
	return to + figure_text(value, to);
}

#define KEY(name) (to = put_bytes(to, ",\"" name "\":", sizeof(",\"" name "\":") - 1))

#define PUT_STRING(f)                    \
	if (s->f) {                      \
		KEY(#f);                 \
		to = put_text(to, s->f); \
	}
#define PUT_BOOL(f)                            \
	if (s->f) {                            \
		KEY(#f);                       \
		to = put_bytes(to, "true", 4); \
	}
/* JSON integers are signed here; a larger value is no real count. */
#define PUT_UINT(f)                                                     \
	if (s->f != ORBUS_NONE) {                                       \
		KEY(#f);                                                \
		to = put_uint(to, s->f > INT64_MAX ? INT64_MAX : s->f); \
	}
#define PUT_DOUBLE(f)                      \
	if (isfinite(s->f)) {              \
		KEY(#f);                   \
		to = put_figure(to, s->f); \
	}
#define PUT(type, f) PUT_##type(f)

static char *put_head(char *to, const struct orbus_sample *s)
{
	const char *kind = orbus_kind_name(s->kind), *status = orbus_status_name(s->status);
	char ts[RFC3339_BYTES];

	clock_format_rfc3339(s->ts, ts);
	to = put_bytes(to, "{\"ts\":\"", 7);
	to = put_bytes(to, ts, strlen(ts));
	to = put_bytes(to, "\",\"kind\":", 9);
	to = put_text(to, kind);
	if (s->kind == ORBUS_KIND_REQUEST) {
		KEY("status");
		to = put_text(to, status);
	}
	return to;
}

/* Of a key that is there twice, the last value counts, in the first's place. */
static char *put_tags(char *to, const struct orbus_sample *s)
{
	for (size_t i = 0; i < s->tag_count; i++) {
		const struct orbus_tag *tag = &s->tags[i];
		const char *value = tag->value;
		bool again = false;

		for (size_t j = 0; j < i && !again; j++)
			again = strcmp(s->tags[j].key, tag->key) == 0;
		for (size_t j = i + 1; j < s->tag_count; j++)
			if (strcmp(s->tags[j].key, tag->key) == 0)
				value = s->tags[j].value;
		if (again)
			continue;
		to = i == 0 ? put_bytes(to, ",\"tags\":{", 9) : put_bytes(to, ",", 1);
		to = put_text(to, tag->key);
		*to++ = ':';
		to = put_text(to, value);
	}
	if (s->tag_count > 0)
		*to++ = '}';
	return to;
}

size_t json_line(const struct orbus_sample *s, char *out)
{
	double tps = orbus_sample_tps(s), decode_tps = orbus_sample_decode_tps(s);
	char *to = put_head(out, s);

	ORBUS_SAMPLE_FIELDS(PUT)
	if (isfinite(tps)) {
		KEY("tps");
		to = put_figure(to, tps);
	}
	if (isfinite(decode_tps)) {
		KEY("decode_tps");
		to = put_figure(to, decode_tps);
	}
	to = put_tags(to, s);
	*to++ = '}';
	*to++ = '\n';
	return (size_t)(to - out);
}
