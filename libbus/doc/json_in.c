/*
 * json_in.c: walks JSON text from front to back and takes only what is asked for.
 */
#include "json_in.h"
#include "base/data_limits.h"
#include "base/utf8.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void json_cursor_init(struct json_cursor *c, const char *text, size_t length)
{
	*c = (struct json_cursor){.at = text, .end = text + length};
}

static void fail(struct json_cursor *c)
{
	c->failed = true;
	c->at = c->end;
}

static bool is_space(char s)
{
	return s == ' ' || s == '\n' || s == '\r' || s == '\t';
}

/* The next character that means something, which is not passed; 0 at the end. */
static char peek(struct json_cursor *c)
{
	while (c->at < c->end && is_space(*c->at))
		c->at++;
	return c->at < c->end ? *c->at : '\0';
}

static bool take(struct json_cursor *c, char wanted)
{
	if (peek(c) == wanted && c->at < c->end) {
		c->at++;
		return true;
	}
	fail(c);
	return false;
}

char json_cursor_kind(struct json_cursor *c)
{
	char first = peek(c);

	if (c->failed || first == '\0')
		return '\0';
	if (strchr("{[\"nt", first))
		return first;
	return first == 'f' ? 't' : first == '-' || (first >= '0' && first <= '9') ? '0' : '\0';
}

void json_cursor_open(struct json_cursor *c, char bracket)
{
	if (take(c, bracket))
		c->fresh = true;
}

/* Whether one more follows in what was entered: passes the comma, or the bracket that ends it. */
static bool go_on(struct json_cursor *c, char bracket)
{
	if (c->failed)
		return false;
	if (peek(c) == bracket) {
		c->at++;
		c->fresh = false;
		return false;
	}
	if (!c->fresh && !take(c, ','))
		return false;
	c->fresh = false;
	return true;
}

bool json_cursor_member(struct json_cursor *c, struct json_text *key)
{
	if (!go_on(c, '}'))
		return false;
	json_cursor_text(c, key);
	return take(c, ':') && !c->failed;
}

bool json_cursor_item(struct json_cursor *c)
{
	return go_on(c, ']');
}

/* The characters that may not pass unseen in a string. */
static bool is_plain(char s)
{
	return s != '"' && s != '\\' && (unsigned char)s >= 0x20;
}

void json_cursor_text(struct json_cursor *c, struct json_text *out)
{
	const char *s;

	*out = (struct json_text){"", 0};
	if (!take(c, '"'))
		return;
	for (s = c->at; s < c->end && (is_plain(*s) || *s == '\\'); s++)
		if (*s == '\\' && ++s == c->end)
			break;
	if (s >= c->end || *s != '"') {
		fail(c);
		return;
	}
	*out = (struct json_text){c->at, (size_t)(s - c->at)};
	c->at = s + 1;
}

/* Of what is passed over: as deep as jansson goes, which reads the same files. */
#define NESTING_MAX 2048

/* The bytes that a walk over brackets must stop at: these, and what JSON has in strings alone. */
static const bool is_structural[256] = {['"'] = true,
    ['{'] = true,
    ['['] = true,
    ['}'] = true,
    [']'] = true,
    [0 ... '\t' - 1] = true,
    ['\n' + 1 ... '\r' - 1] = true,
    ['\r' + 1 ... ' ' - 1] = true,
    [0x7f ... 0xff] = true};

static void skip_nested(struct json_cursor *c)
{
	struct json_text ignored;
	char open[NESTING_MAX]; /* the bracket that ends each level */
	size_t depth = 0;

	do {
		while (c->at < c->end && !is_structural[(unsigned char)*c->at])
			c->at++;
		if (c->at == c->end || depth == sizeof(open)) {
			fail(c);
			return;
		}
		switch (*c->at) {
		case '"': json_cursor_text(c, &ignored); continue;
		case '{': open[depth++] = '}'; break;
		case '[': open[depth++] = ']'; break;
		default:
			/* No bracket ends a level as a byte that no JSON has. */
			if (depth == 0 || open[--depth] != *c->at) {
				fail(c);
				return;
			}
		}
		c->at++;
	} while (depth > 0 && !c->failed);
	c->fresh = false;
}

static bool is_of_scalar(char s)
{
	return (s >= '0' && s <= '9') || (s >= 'a' && s <= 'z') || s == '-' || s == '+' ||
	       s == '.' || s == 'E';
}

/* A number or a word: as far as its characters go. */
static void skip_scalar(struct json_cursor *c)
{
	const char *start = c->at;

	while (c->at < c->end && is_of_scalar(*c->at))
		c->at++;
	if (c->at == start)
		fail(c);
}

void json_cursor_skip(struct json_cursor *c)
{
	struct json_text ignored;

	switch (peek(c)) {
	case '{':
	case '[': skip_nested(c); break;
	case '"': json_cursor_text(c, &ignored); break;
	default: skip_scalar(c);
	}
}

static bool take_word(struct json_cursor *c, const char *word)
{
	size_t n = strlen(word);

	if ((size_t)(c->end - c->at) < n || memcmp(c->at, word, n) != 0) {
		fail(c);
		return false;
	}
	c->at += n;
	return true;
}

void json_cursor_bool(struct json_cursor *c, bool *out)
{
	*out = peek(c) == 't';
	take_word(c, *out ? "true" : "false");
}

void json_cursor_count(struct json_cursor *c, uint64_t *out)
{
	const char *s, *start;
	uint64_t n = 0;

	peek(c);
	*out = 0;
	start = c->at;
	for (s = start; s < c->end && *s >= '0' && *s <= '9'; s++) {
		/* 18 digits fit in any case; a 19th may not. */
		if (s - start >= 18 && n > (INT64_MAX - (uint64_t)(*s - '0')) / 10) {
			fail(c);
			return;
		}
		n = n * 10 + (uint64_t)(*s - '0');
	}
	if (s == start || (*start == '0' && s - start > 1) ||
	    (s < c->end && (*s == '.' || *s == 'e' || *s == 'E'))) {
		fail(c);
		return;
	}
	c->at = s;
	*out = n;
}

void json_cursor_integer(struct json_cursor *c, int64_t *out)
{
	bool negative;
	uint64_t n;

	peek(c);
	negative = c->at < c->end && *c->at == '-';
	c->at += negative;
	/* No white space is allowed behind the sign. */
	if (negative && (c->at == c->end || *c->at < '0' || *c->at > '9'))
		fail(c);
	json_cursor_count(c, &n);
	*out = negative ? -(int64_t)n : (int64_t)n;
}

/*
 * Most of a document is such arrays: small numbers with commas between them, as we write them, are
 * taken here; json_cursor_count() takes whatever looks different.
 */
size_t json_cursor_counts(struct json_cursor *c, uint64_t *out, size_t max)
{
	size_t n = 0;

	json_cursor_open(c, '[');
	while (json_cursor_item(c)) {
		const char *s = c->at, *end = c->end;

		while (n < max && end - s > 4) {
			unsigned d = (unsigned char)s[0] - '0', e = (unsigned char)s[1] - '0';

			if (d > 9)
				break;
			if (s[1] == ',') {
				out[n++] = d;
				s += 2 + (s[2] == ' ');
			} else if (d > 0 && e <= 9 && s[2] == ',') {
				out[n++] = d * 10 + e;
				s += 3 + (s[3] == ' ');
			} else {
				break;
			}
		}
		c->at = s;
		if (n == max)
			fail(c);
		else
			json_cursor_count(c, &out[n++]);
	}
	return c->failed ? 0 : n;
}

/* A number's parts as they stand. */
struct decimal {
	uint64_t digits;
	int count; /* of digits, without leading zeros */
	int exponent;
	bool negative;
};

static const char *scan_digits(const char *s, const char *end, struct decimal *d, int shift)
{
	for (; s < end && *s >= '0' && *s <= '9'; s++) {
		if (d->count < 19)
			d->digits = d->digits * 10 + (uint64_t)(*s - '0');
		d->count += d->digits != 0;
		d->exponent -= shift;
	}
	return s;
}

static const char *scan_exponent(const char *s, const char *end, struct decimal *d)
{
	bool negative;
	int n = 0;

	if (s == end || (*s != 'e' && *s != 'E'))
		return s;
	s++;
	negative = s < end && *s == '-';
	if (s < end && (*s == '-' || *s == '+'))
		s++;
	for (; s < end && *s >= '0' && *s <= '9'; s++)
		n = n < 10000 ? n * 10 + (*s - '0') : n;
	d->exponent += negative ? -n : n;
	return s;
}

/* By the C library, for what the short way cannot do exactly. */
static double convert_slowly(const char *start, const char *end)
{
	char text[64];
	size_t n = (size_t)(end - start);

	if (n >= sizeof(text))
		return NAN;
	memcpy(text, start, n);
	text[n] = '\0';
	return strtod(text, NULL);
}

/*
 * Digits below 2^53 times or over a power of ten up to 10^22 are one exact operation on two exact
 * doubles, so the result is the nearest double (W. D. Clinger, "How to read floating point numbers
 * accurately", 1990).
 */
static bool convert_exactly(const struct decimal *d, double *out)
{
	static const double tens[] = {1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11,
	    1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
	double value = (double)d->digits;

	if (d->count > 19 || d->digits > UINT64_C(1) << 53 || d->exponent < -22 || d->exponent > 22)
		return false;
	value = d->exponent < 0 ? value / tens[-d->exponent] : value * tens[d->exponent];
	*out = d->negative ? -value : value;
	return true;
}

void json_cursor_figure(struct json_cursor *c, double *out)
{
	struct decimal d = {0};
	const char *start, *s, *whole;

	*out = NAN;
	if (peek(c) == 'n') {
		take_word(c, "null");
		return;
	}
	start = s = c->at;
	d.negative = s < c->end && *s == '-';
	whole = s += d.negative;
	s = scan_digits(s, c->end, &d, 0);
	if (s == whole) {
		fail(c);
		return;
	}
	if (s < c->end && *s == '.')
		s = scan_digits(s + 1, c->end, &d, 1);
	s = scan_exponent(s, c->end, &d);
	if (!convert_exactly(&d, out))
		*out = convert_slowly(start, s);
	if (!isfinite(*out))
		fail(c);
	else
		c->at = s;
}

bool json_cursor_any_count(struct json_cursor *c, uint64_t *out)
{
	struct json_cursor start = *c;
	double figure;
	int64_t whole;

	json_cursor_figure(c, &figure);
	json_cursor_integer(&start, &whole);
	if (start.failed)
		*out = count_of(figure);
	else
		*out = whole > 0 ? (uint64_t)whole : 0;
	return !start.failed;
}

void json_cursor_end(struct json_cursor *c)
{
	peek(c);
	if (c->at != c->end)
		fail(c);
}

/* The character that \uXXXX, or a pair of them, stands for; 0: none. *s is moved past it. */
static uint32_t unescape_unicode(const char **s, const char *end)
{
	uint32_t unit[2] = {0, 0};

	for (int half = 0; half < 2; half++) {
		for (int i = 0; i < 4; i++, ++*s) {
			static const char digits[] = "0123456789abcdefABCDEF";
			const char *d = *s < end && **s ? strchr(digits, **s) : NULL;

			if (!d)
				return 0;
			unit[half] = unit[half] * 16 +
			             (uint32_t)((d - digits) > 15 ? d - digits - 6 : d - digits);
		}
		if (half == 0 && (unit[0] < 0xd800 || unit[0] > 0xdbff))
			return unit[0] >= 0xdc00 && unit[0] <= 0xdfff ? 0 : unit[0];
		if (half == 0 && (end - *s < 2 || *(*s)++ != '\\' || *(*s)++ != 'u'))
			return 0;
	}
	if (unit[1] < 0xdc00 || unit[1] > 0xdfff)
		return 0;
	return 0x10000 + ((unit[0] - 0xd800) << 10) + (unit[1] - 0xdc00);
}

static size_t encode_utf8(uint32_t u, char out[4])
{
	static const unsigned char lead[] = {0, 0, 0xc0, 0xe0, 0xf0};
	size_t n = u < 0x80 ? 1 : u < 0x800 ? 2 : u < 0x10000 ? 3 : 4;

	for (size_t i = n - 1; i > 0; i--, u >>= 6)
		out[i] = (char)(0x80 | (u & 0x3f));
	out[0] = (char)(lead[n] | u);
	return n;
}

/* What the escape at *s, behind its backslash, stands for; its length, 0: nothing. */
static size_t unescape(const char **s, const char *end, char out[4])
{
	static const char names[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
	const char *name = **s ? strchr(names, **s) : NULL;
	uint32_t u;

	if (name) {
		++*s;
		out[0] = values[name - names];
		return 1;
	}
	if (*(*s)++ != 'u')
		return 0;
	u = unescape_unicode(s, end);
	return u ? encode_utf8(u, out) : 0;
}

/* The next character of the text, as it is meant: its length, 0 where it is none. */
static size_t next_meant(const char **s, const char *end, char out[4])
{
	size_t n = 1;

	if (**s == '\\') {
		++*s;
		return unescape(s, end, out);
	}
	/* The bytes of one in UTF-8 together, so that it is taken whole or not at all. */
	while (*s + n < end && n < 4 && ((unsigned char)(*s)[n] & 0xc0) == 0x80 &&
	       ((unsigned char)**s & 0x80))
		n++;
	memcpy(out, *s, n);
	*s += n;
	return utf8_is_valid(out, n) ? n : 0;
}

/* As much as fits, on a character: what is behind that is judged too. False: it is no such text. */
static bool unescape_text(const struct json_text *t, char *out, size_t bytes, bool *fits)
{
	const char *s = t->at, *end = t->at + t->length;
	size_t used = 0;

	*fits = true;
	while (s < end) {
		char one[4];
		size_t n = next_meant(&s, end, one);

		if (n == 0)
			return false;
		*fits &= used + n < bytes;
		if (!*fits)
			continue;
		memcpy(out + used, one, n);
		used += n;
	}
	out[used] = '\0';
	return true;
}

bool json_text_cut(const struct json_text *t, char *out, size_t bytes)
{
	bool fits;

	return unescape_text(t, out, bytes, &fits);
}

bool json_text_copy(const struct json_text *t, char *out, size_t bytes)
{
	bool fits;

	return unescape_text(t, out, bytes, &fits) && fits;
}
