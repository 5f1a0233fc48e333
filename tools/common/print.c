/*
 * print.c: columns, cells, wrapped text, JSON.
 */
#include "print.h"
#include "base/number_text.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <locale.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wchar.h>

/* What jansson must write for a real to be read back as it was; it shows 0.1 in 17 digits then. */
#define JSON_DIGITS 17

int character_width(uint32_t c)
{
	int width = wcwidth((wchar_t)c);

	return width < 0 ? 1 : width;
}

/* Bytes of the longest start of the text that takes at most `columns`; *used tells how many. */
static size_t fitting_bytes(const char *text, int columns, int *used)
{
	size_t n = 0;
	uint32_t c;
	int length;

	*used = 0;
	while ((length = next_character(text + n, &c)) > 0) {
		int width = character_width(c);

		if (*used + width > columns)
			break;
		*used += width;
		n += (size_t)length;
	}
	return n;
}

int text_width(const char *text)
{
	int used;

	fitting_bytes(text, INT32_MAX / 2, &used);
	return used;
}

size_t text_fitting(const char *text, int columns)
{
	int used;

	return fitting_bytes(text, columns, &used);
}

void print_cell(FILE *out, const char *text, int width, bool to_the_right)
{
	int used;
	size_t n = fitting_bytes(text, width, &used);
	const char *ellipsis = "";

	if (text[n] && width > 0) {
		n = fitting_bytes(text, width - 1, &used);
		ellipsis = "\u2026";
		used++;
	}
	if (to_the_right)
		fprintf(out, "%*s", width - used, "");
	fwrite(text, 1, n, out);
	fputs(ellipsis, out);
	if (!to_the_right)
		fprintf(out, "%*s", width - used, "");
}

/* Where to break the text to fit in `columns`: the length of the line; words that do not fit are
 * cut. */
static size_t line_length(const char *text, int columns)
{
	size_t n = text_fitting(text, columns), space = n;

	if (text[n] == '\0' || text[n] == ' ')
		return n;
	while (space > 0 && text[space] != ' ')
		space--;
	return space > 0 ? space : n;
}

void print_wrapped(FILE *out, const char *text, int indent)
{
	for (;;) {
		size_t n = line_length(text, OUTPUT_COLUMNS - indent);

		if (n == 0)
			break;
		fwrite(text, 1, n, out);
		fputc('\n', out);
		text += n;
		text += strspn(text, " ");
		if (!*text)
			break;
		fprintf(out, "%*s", indent, "");
	}
}

/*
 * A number of JSON text as it is, or, where it is a real, in as few digits as it needs: jansson
 * writes all in as many as one asks for. Returns its length.
 */
static size_t print_json_number(FILE *out, const char *text)
{
	size_t n = strspn(text, "+-.0123456789eE"), length = n;
	char shortest[FIGURE_TEXT_MAX];

	if (memchr(text, '.', n) || memchr(text, 'e', n)) {
		length = figure_text(strtod(text, NULL), shortest);
		text = shortest;
	}
	fwrite(text, 1, length, out);
	return n;
}

/* In JSON text all that is unsafe and not ASCII white space lies within strings. */
static void print_json_text(FILE *out, const char *text)
{
	const char *safe = text; /* from here on it is printed as it is */
	bool in_string = false;
	uint32_t c;
	int length;

	for (; (length = next_character(text, &c)) > 0; text += length) {
		if (c == '"')
			in_string = !in_string;
		if (in_string && c == '\\')
			length = 2;
		if (!in_string && (c == '-' || (c >= '0' && c <= '9'))) {
			fwrite(safe, 1, (size_t)(text - safe), out);
			length = (int)print_json_number(out, text);
			safe = text + length;
		}
		if (c == '\n' || !is_unsafe_character(c))
			continue;
		fwrite(safe, 1, (size_t)(text - safe), out);
		safe = text + length;
		if (c < 0x10000)
			fprintf(out, "\\u%04" PRIx32, c);
		else
			fprintf(out, "\\u%04" PRIx32 "\\u%04" PRIx32, 0xd7c0 + (c >> 10),
			    0xdc00 + (c & 0x3ff));
	}
	fwrite(safe, 1, (size_t)(text - safe), out);
}

int print_json(FILE *out, const json_t *value, size_t flags)
{
	char *text = json_dumps(value, flags | JSON_REAL_PRECISION(JSON_DIGITS));

	if (!text)
		return -ENOMEM;
	print_json_text(out, text);
	free(text);
	return 0;
}
