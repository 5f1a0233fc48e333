/*
 * fuzz_private.c: for any request and any answer of a server, no published text repeats 12
 * characters of the request, and a text that repeats fewer is published.
 *
 * The test compares by other means: the strings of the body by jansson, each with the text by the
 * table of the longest common substring.
 *
 * Input, the whole of it: how the body and the server's text are made from the rest (see make()),
 * so that texts that repeat a part of the body, escaped or not, are as frequent as others.
 */
#include "base/utf8.h"
#include "llm/echo.h"
#include "llm/secret.h"
#include "must.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#define PADDING_MAX 1024 /* llm/echo.c looks at so much at once */
#define ASKED_MAX   (PADDING_MAX + 700)
#define SLICE_MAX   160

struct input {
	const uint8_t *at, *end;
};

static unsigned next(struct input *in)
{
	return in->at < in->end ? *in->at++ : 0;
}

/* --- What is asked and said
 * -----------------------------------------------------------------------
 */

/* Few letters, so that runs come about by chance too; of each length in UTF-8; and what escapes. */
static const char *const letters[] = {"a", "b", "A", " ", "\n", "\t", "\"", "\\", "/", "e", "c",
    "-", "\xc3\xa9", "\xc3\xa8", "\xe4\xb8\xad", "\xe4\xb8\xae", "\xf0\x9f\x98\x80",
    "\xf0\x9f\x98\x81", "n", "u", "0", "&", "%", ";", "\xe2\x80\xa6", "<", "d", "f", "1", ".",
    "\xc2\xa0", "t"};

static size_t put_letters(struct input *in, char *to, size_t count)
{
	size_t used = 0;

	for (; count > 0; count--) {
		const char *letter = letters[next(in) % (sizeof(letters) / sizeof(letters[0]))];

		memcpy(to + used, letter, strlen(letter));
		used += strlen(letter);
	}
	to[used] = '\0';
	return used;
}

/* A part of a text, of whole characters; often one that is just long enough. */
static void put_slice(struct input *in, char *to, const char *from)
{
	size_t length = strlen(from), start = next(in), n = next(in);

	if (length > PADDING_MAX)
		start = PADDING_MAX - 64 + start % 128;
	start = utf8_cut(from, length, length ? start % length : 0);
	n = utf8_cut(from + start, length - start, n % 2 ? n % SLICE_MAX : 9 + n % 16);
	memcpy(to, from + start, n);
	to[n] = '\0';
}

/* As JSON, HTML and URLs spell it; `to` has room for six times as much. */
static void spell(unsigned way, char *to, const char *from)
{
	for (; *from; from++) {
		unsigned char c = (unsigned char)*from;

		if (way % 4 == 1 && (c == '"' || c == '\\' || c == '/' || c == '\n'))
			to += sprintf(to, "\\%c", c == '\n' ? 'n' : c);
		else if (way % 4 == 1 && c < 0x80 && way & 16)
			to += sprintf(to, "\\u%04x", c);
		else if (way % 4 == 2 && (c == '"' || c == '&' || c == '<' || way & 16) && c < 0x80)
			to += sprintf(to, "&#%u;", c);
		else if (way % 4 == 3 && (c <= ' ' || c >= 0x7f || c == '%'))
			to += sprintf(to, "%%%02X", c);
		else
			*to++ = (char)(way & 32 && c >= 'a' && c <= 'z' ? c - 32 : c);
	}
	*to = '\0';
}

/* --- The second opinion
 * ---------------------------------------------------------------------------
 */

/* Characters of either text, in the form that is compared. */
struct form {
	uint32_t at[ASKED_MAX];
	size_t count;
};

static void decode_utf8(struct form *f, const char *text)
{
	const unsigned char *p = (const unsigned char *)text;

	for (f->count = 0; *p && f->count < sizeof(f->at) / sizeof(f->at[0]);) {
		unsigned n = *p < 0x80 ? 1 : *p < 0xe0 ? 2 : *p < 0xf0 ? 3 : 4;
		uint32_t c = n == 1 ? *p : *p & (0xffu >> (n + 1));

		for (unsigned i = 1; i < n; i++)
			c = c << 6 | (p[i] & 0x3f);
		f->at[f->count++] = c;
		p += n;
	}
}

static void fold(struct form *f)
{
	for (size_t i = 0; i < f->count; i++) {
		uint32_t c = f->at[i];

		f->at[i] = c >= 'A' && c <= 'Z' ? c + 32 : c >= 9 && c <= 13 ? ' ' : c;
	}
}

static void loosen(struct form *f)
{
	size_t used = 0;

	fold(f);
	for (size_t i = 0; i < f->count; i++) {
		uint32_t c = f->at[i];

		if (c < 0x80 ? (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z')
			     : c > 0xbf && !(c >= 0x2000 && c <= 0x207f) &&
				   !(c >= 0x3000 && c <= 0x303f) && c != 0xfffd)
			f->at[used++] = c;
	}
	f->count = used;
}

static size_t longest_common(const struct form *a, const struct form *b)
{
	static size_t row[2][ASKED_MAX + 1];
	size_t best = 0;

	memset(row, 0, sizeof(row));
	for (size_t i = 0; i < a->count; i++)
		for (size_t k = 0; k < b->count; k++) {
			size_t *now = &row[i % 2][k + 1];

			*now = a->at[i] == b->at[k] ? row[(i + 1) % 2][k] + 1 : 0;
			best = *now > best ? *now : best;
		}
	return best;
}

enum comparison { AS_IT_IS, FOLDED, LOOSE };

/* The longest run that the text shares with any string that was asked. */
static size_t longest_echo(json_t *asked, const char *text, enum comparison how)
{
	static struct form said, one;
	size_t best = 0, i;
	json_t *value;

	decode_utf8(&said, text);
	how == LOOSE ? loosen(&said) : how == FOLDED ? fold(&said) : (void)0;
	json_array_foreach(asked, i, value)
	{
		size_t n;

		decode_utf8(&one, json_string_value(value));
		how == LOOSE ? loosen(&one) : how == FOLDED ? fold(&one) : (void)0;
		n = longest_common(&one, &said);
		best = n > best ? n : best;
	}
	return best;
}

/* --- The test
 * -------------------------------------------------------------------------------------
 */

/* The same strings in one of the shapes of a request, written in one of two ways. */
static char *write_body(json_t *asked, unsigned shape)
{
	size_t flags = shape & 4 ? JSON_ENSURE_ASCII | JSON_ESCAPE_SLASH : JSON_COMPACT;
	json_t *body = shape % 4 == 0 ? json_pack("{s:s, s:[{s:s, s:O}]}", "model", "m/x", "input",
					    "role", "user", "content", asked)
	               : shape % 4 == 1
	                   ? json_pack("{s:[{s:s, s:[{s:s, s:O}]}], s:s}", "messages", "role",
				 "user", "content", "type", "text", "text", asked, "model", "m/x")
	               : shape % 4 == 2 ? json_pack("{s:O, s:b}", "prompt", asked, "stream", 1)
	                                : json_pack("{s:{s:{s:O}}}", "metadata", "a", "b", asked);
	char *text = json_dumps(body, flags);

	json_decref(body);
	MUST(text);
	return text;
}

static bool is_identifier(const char *text)
{
	return text[strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				 "-._:/@+~")] == '\0';
}

static void must_be_judged_well(json_t *asked, unsigned shape, const char *said, bool free_form)
{
	struct echo_text t[2] = {{said, free_form, false}, {"other words", free_form, false}};
	bool loosely = free_form || !is_identifier(said);
	char *body = write_body(asked, shape);

	echo_judge(body, strlen(body), t, 2);
	free(body);
	if (longest_echo(asked, said, AS_IT_IS) >= ECHO_CHARACTERS ||
	    longest_echo(asked, said, FOLDED) >= ECHO_CHARACTERS ||
	    (loosely && longest_echo(asked, said, LOOSE) >= ECHO_CHARACTERS))
		MUST(t[0].withheld);
	else if (!strpbrk(said, "\\&%")) /* which may hold escapes, whose characters repeat more */
		MUST(!t[0].withheld);
	MUST(!t[1].withheld);
}

/*
 * When the body cannot be compared: no messages are published, and only names that are identifiers.
 */
static void must_be_judged_unseen(const char *said, bool free_form)
{
	struct echo_text t[2] = {{said, free_form, false}, {said, free_form, false}};
	static struct form characters;

	decode_utf8(&characters, said);
	echo_judge(NULL, 0, &t[0], 1);
	echo_judge("{\"cut\": \"", 9, &t[1], 1);
	for (int i = 0; i < 2; i++)
		MUST(t[i].withheld ==
		     (characters.count >= ECHO_CHARACTERS && (free_form || !is_identifier(said))));
}

/* An exact copy is found however it is spelled. */
static void must_find_spelled(json_t *asked, unsigned shape, const char *slice, unsigned way)
{
	char said[6 * SLICE_MAX + 1];
	struct echo_text t = {said, true, false};
	char *body;

	spell(way, said, slice);
	if (strlen(said) > ECHO_TEXT_MAX || longest_echo(asked, slice, FOLDED) < ECHO_CHARACTERS)
		return;
	body = write_body(asked, shape);
	echo_judge(body, strlen(body), &t, 1);
	MUST(t.withheld);
	free(body);
}

/* No run of 8 bytes of the secret is left, and it ends. */
static void must_mask(const char *secret, const char *said)
{
	char copy[ECHO_TEXT_MAX + 1];
	size_t n = strlen(secret);

	snprintf(copy, sizeof(copy), "%s", said);
	secret_mask(copy, secret);
	MUST(strlen(copy) == strlen(said) || strlen(said) > ECHO_TEXT_MAX);
	for (size_t i = 0; i + SECRET_RUN <= n && !strpbrk(secret, "*\n"); i++) {
		char run[SECRET_RUN + 1];

		memcpy(run, secret + i, SECRET_RUN);
		run[SECRET_RUN] = '\0';
		MUST(!strstr(copy, run));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = {data, data + size};
	unsigned shape = next(&in), strings = next(&in) % 3 + 1, way = next(&in), n;
	char text[ASKED_MAX], said[ECHO_TEXT_MAX + 1], slice[SLICE_MAX + 1];
	json_t *asked = json_array();
	size_t used;

	for (unsigned i = 0; i < strings; i++) {
		used = shape & 8 ? PADDING_MAX - next(&in) % 64 : 0;
		memset(text, 'z', used);
		n = next(&in) % 170;
		put_letters(&in, text + used, n);
		json_array_append_new(asked, json_string(text));
	}
	n = next(&in) % strings;
	put_slice(&in, slice, json_string_value(json_array_get(asked, n)));
	must_find_spelled(asked, shape, slice, way);
	/* Letters, a slice, letters: what a server makes of a request. */
	used = put_letters(&in, said, next(&in) % 10);
	memcpy(said + used, slice, strlen(slice) + 1);
	used += strlen(slice);
	put_letters(&in, said + used, next(&in) % 30);
	must_be_judged_well(asked, shape, said, way & 64);
	must_be_judged_unseen(said, way & 64);
	must_mask(json_string_value(json_array_get(asked, 0)), said);
	json_decref(asked);
	return 0;
}
