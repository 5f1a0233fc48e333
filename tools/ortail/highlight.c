/*
 * highlight.c: emphasis in lines that are about to be printed.
 *
 * The lines may hold colours already. Patterns see the text without them. Reverse video is switched
 * on and off by itself, so that it leaves the colours around it as they are; the end of a colour
 * ends it too, and it is switched on again.
 */
#include "highlight.h"
#include "base/ere.h"

#include <ctype.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EMPHASIS     "\033[7m"
#define EMPHASIS_END "\033[27m"

struct highlight {
	regex_t patterns[CLI_LIST_MAX];
	size_t count;
	/* Grow with the longest line: its text alone, and which of its bytes are emphasised. */
	char *plain;
	bool *marked;
	size_t capacity;
};

static bool has_capitals(const char *s)
{
	while (*s && !isupper((unsigned char)*s))
		s++;
	return *s;
}

int highlight_make(
    struct highlight **out, const struct cli_program *program, const struct cli_list *patterns)
{
	struct highlight *h = calloc(1, sizeof(*h));

	*out = h;
	if (!h) {
		fprintf(stderr, "%s: out of memory\n", program->name);
		return CLI_FAILED;
	}
	for (; h->count < patterns->count; h->count++) {
		const char *pattern = patterns->items[h->count];
		int flags = REG_NEWLINE | (has_capitals(pattern) ? 0 : REG_ICASE);
		char why[256] = "out of memory";
		int err = ere_compile(pattern, flags, &h->patterns[h->count], why, sizeof(why));

		if (err == 0)
			continue;
		return cli_usage_error(
		    program, "--highlight: '%.200s' is no regular expression: %s", pattern, why);
	}
	return CLI_PROCEED;
}

void highlight_free(struct highlight *h)
{
	if (!h)
		return;
	while (h->count > 0)
		regfree(&h->patterns[--h->count]);
	free(h->plain);
	free(h->marked);
	free(h);
}

static bool make_room(struct highlight *h, size_t bytes)
{
	char *plain;
	bool *marked;

	if (bytes <= h->capacity)
		return true;
	plain = realloc(h->plain, bytes);
	if (plain)
		h->plain = plain;
	marked = realloc(h->marked, bytes * sizeof(*marked));
	if (marked)
		h->marked = marked;
	if (!plain || !marked)
		return false;
	h->capacity = bytes;
	return true;
}

/* Length of the colour sequence there. Texts are sanitised, so ESC starts nothing but these. */
static size_t colour_bytes(const char *s)
{
	size_t n = *s == '\033' ? strcspn(s, "m") : 0;

	return n > 0 && s[n] ? n + 1 : n;
}

static void strip_colours(const char *text, char *out)
{
	for (size_t n; *text; text += n) {
		n = colour_bytes(text);
		if (n > 0)
			continue;
		*out++ = *text;
		n = 1;
	}
	*out = '\0';
}

/* Marks what a pattern matches. False: it matches nowhere. */
static bool mark(struct highlight *h, const regex_t *pattern)
{
	bool found = false;
	regmatch_t match;
	size_t at = 0;
	int flags = 0;

	while (regexec(pattern, h->plain + at, 1, &match, flags) == 0) {
		for (regoff_t i = match.rm_so; i < match.rm_eo; i++)
			h->marked[at + (size_t)i] = found = true;
		at += (size_t)match.rm_eo;
		/* An empty match: go on after the next character. */
		if (match.rm_so == match.rm_eo) {
			if (!h->plain[at])
				break;
			at++;
			while (((unsigned char)h->plain[at] & 0xc0) == 0x80)
				at++;
		}
		flags = h->plain[at - 1] == '\n' ? 0 : REG_NOTBOL;
	}
	return found;
}

static char *emphasise(const struct highlight *h, const char *text)
{
	size_t length;
	char *result = NULL;
	FILE *out = open_memstream(&result, &length);
	bool on = false;

	if (!out)
		return NULL;
	for (size_t n, i = 0; *text; text += n) {
		n = colour_bytes(text);
		if (n > 0) {
			fwrite(text, 1, n, out);
			fputs(on ? EMPHASIS : "", out);
			continue;
		}
		if (h->marked[i] != on)
			fputs(on ? EMPHASIS_END : EMPHASIS, out);
		on = h->marked[i++];
		fputc(*text, out);
		n = 1;
	}
	fputs(on ? EMPHASIS_END : "", out);
	if (fclose(out) == 0)
		return result;
	free(result);
	return NULL;
}

char *highlight_text(struct highlight *h, const char *text)
{
	size_t bytes = strlen(text) + 1;
	bool found = false;

	if (!make_room(h, bytes))
		return NULL;
	strip_colours(text, h->plain);
	memset(h->marked, 0, bytes * sizeof(*h->marked));
	for (size_t i = 0; i < h->count; i++)
		found |= mark(h, &h->patterns[i]);
	return found ? emphasise(h, text) : strdup(text);
}
