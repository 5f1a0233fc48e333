/*
 * echo.c: whether a text that a server sent repeats what the request asked.
 *
 * The texts are short and the body may be long. So the texts are indexed by each 4 bytes of them,
 * and the body is looked through once, at every 8th byte: a run of 12 bytes or more, wherever it
 * begins, holds 4 bytes at a multiple of 8. Where these are in the index, the run is followed both
 * ways and its characters are counted.
 */
#include "echo.h"
#include "json_push.h"

#include <stdint.h>
#include <string.h>
#include <strings.h>

#define GRAM   4
#define STRIDE 8
_Static_assert(
    STRIDE + GRAM - 1 <= ECHO_CHARACTERS, "each run of 12 bytes holds a gram at a stride");

/* 11 characters of 4 bytes, and more: what may be the beginning of a run that goes on later. */
#define CARRIED 48

#define INDEX_BYTES 3072
#define BUCKETS     512

/* An escape within an escape within an escape. */
#define DECODED_TIMES 3

#define VARIANTS_MAX 48

/* --- Characters
 * -----------------------------------------------------------------------------------
 */

static bool is_blank(unsigned char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* In the exact comparison. As long as before, so that places in a text stay what they are. */
static unsigned char fold(unsigned char c)
{
	return is_blank(c) ? ' ' : c >= 'A' && c <= 'Z' ? c | 0x20 : c;
}

static bool is_continuation(unsigned char c)
{
	return (c & 0xc0) == 0x80;
}

/* The bytes of the character that begins at p, 1 where none does; never beyond `end`. */
static size_t character_at(const char *p, const char *end)
{
	unsigned char c = (unsigned char)*p;
	size_t n = c < 0xc2 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : c < 0xf5 ? 4 : 1;

	if (n > (size_t)(end - p))
		return 1;
	for (size_t i = 1; i < n; i++)
		if (!is_continuation((unsigned char)p[i]))
			return 1;
	return n;
}

static bool is_long_enough(const char *text)
{
	const char *end = text + (text ? strlen(text) : 0);
	size_t count = 0;

	for (; text < end; text += character_at(text, end))
		count++;
	return count >= ECHO_CHARACTERS;
}

/* Beyond ASCII: U+0080 to U+00BF, U+2000 to U+207F, U+3000 to U+303F, U+FFFD. */
static bool is_punctuation(const char *p, size_t n)
{
	if (n == 2)
		return !memcmp(p, "\xc2", 1);
	return n == 3 && (!memcmp(p, "\xe2\x80", 2) || !memcmp(p, "\xe2\x81", 2) ||
			     !memcmp(p, "\xe3\x80", 2) || !memcmp(p, "\xef\xbf\xbd", 3));
}

/* The loose comparison's form of a piece, at most as long: returns its length. */
static size_t loosen(char *to, const char *p, size_t length)
{
	const char *end = p + length;
	size_t used = 0, n;

	for (; p < end; p += n) {
		unsigned char c = (unsigned char)*p;

		n = c < 0x80 ? 1 : character_at(p, end);
		if (c < 0x80) {
			c |= 0x20;
			to[used] = (char)c;
			used += (c >= 'a' && c <= 'z') || (*p >= '0' && *p <= '9');
		} else if (!is_punctuation(p, n)) {
			memcpy(to + used, p, n);
			used += n;
		}
	}
	return used;
}

/* --- Escapes in a text
 * ----------------------------------------------------------------------------
 */

static size_t put_character(char *to, uint32_t c)
{
	size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
	static const unsigned char first[] = {0, 0, 0xc0, 0xe0, 0xf0};

	if (c == 0 || c > 0x10ffff)
		c = '?', n = 1;
	for (size_t i = n; i-- > 1; c >>= 6)
		to[i] = (char)(0x80 | (c & 0x3f));
	to[0] = (char)(first[n] | c);
	return n;
}

/* Reads up to `most` digits; returns how many there are. */
static size_t read_number(const char *p, const char *end, unsigned base, size_t most, uint32_t *out)
{
	size_t n = 0;

	*out = 0;
	for (; n < most && p + n < end; n++) {
		char c = p[n];
		unsigned digit = c >= '0' && c <= '9' ? (unsigned)(c - '0')
		                 : (c | 0x20) >= 'a' && (c | 0x20) <= 'f'
		                     ? (unsigned)((c | 0x20) - 'a') + 10
		                     : 99;

		if (digit >= base)
			break;
		*out = *out * base + digit;
	}
	return n;
}

/* A \u escape at p, with the second half of a pair if one follows. Returns its bytes; 0: none. */
static size_t read_unit(const char *p, const char *end, uint32_t *c)
{
	uint32_t low;

	if (end - p < 6 || p[0] != '\\' || p[1] != 'u' || read_number(p + 2, end, 16, 4, c) != 4)
		return 0;
	if (*c >= 0xd800 && *c < 0xdc00 && end - p >= 12 && p[6] == '\\' && p[7] == 'u' &&
	    read_number(p + 8, end, 16, 4, &low) == 4 && low >= 0xdc00 && low < 0xe000) {
		*c = 0x10000 + ((*c - 0xd800) << 10) + (low - 0xdc00);
		return 12;
	}
	return 6;
}

/* Each of these returns the bytes that it read, 0 where there is no such escape. */
static size_t decode_json(const char *p, const char *end, char *to, size_t *used)
{
	static const char from[] = "\"\\/bfnrt'", plain[] = "\"\\/\b\f\n\r\t'";
	const char *found;
	uint32_t c;
	size_t n = read_unit(p, end, &c);

	if (n > 0) {
		*used += put_character(to + *used, c);
		return n;
	}
	found = *p == '\\' && p + 1 < end && p[1] ? strchr(from, p[1]) : NULL;
	if (!found)
		return 0;
	to[(*used)++] = plain[found - from];
	return 2;
}

static size_t decode_html(const char *p, const char *end, char *to, size_t *used)
{
	static const struct {
		const char *name;
		char c;
	} names[] = {{"&quot;", '"'}, {"&apos;", '\''}, {"&amp;", '&'}, {"&lt;", '<'},
	    {"&gt;", '>'}, {"&nbsp;", ' '}};
	size_t left = (size_t)(end - p), digits, base;
	uint32_t c;

	for (size_t i = 0, n; i < sizeof(names) / sizeof(names[0]); i++) {
		n = strlen(names[i].name);
		if (n <= left && strncasecmp(p, names[i].name, n) == 0) {
			to[(*used)++] = names[i].c;
			return n;
		}
	}
	if (left < 4 || p[1] != '#')
		return 0;
	base = (p[2] | 0x20) == 'x' ? 3 : 2;
	digits = read_number(p + base, end, base == 3 ? 16 : 10, 7, &c);
	if (digits == 0 || p + base + digits == end || p[base + digits] != ';')
		return 0;
	*used += put_character(to + *used, c);
	return base + digits + 1;
}

static size_t decode_url(const char *p, const char *end, char *to, size_t *used)
{
	uint32_t c;

	if (end - p < 3 || read_number(p + 1, end, 16, 2, &c) != 2 || c == 0)
		return 0;
	to[(*used)++] = (char)c;
	return 3;
}

enum escapes { OF_JSON = 1, OF_HTML = 2, OF_URLS = 4 };

/* `to` has room for `length`: no escape is shorter than its character. */
static size_t decode(char *to, const char *p, size_t length, unsigned escapes)
{
	const char *end = p + length;
	size_t used = 0, n;

	for (; p < end; p += n) {
		n = 0;
		if (*p == '\\' && escapes & OF_JSON)
			n = decode_json(p, end, to, &used);
		else if (*p == '&' && escapes & OF_HTML)
			n = decode_html(p, end, to, &used);
		else if (*p == '%' && escapes & OF_URLS)
			n = decode_url(p, end, to, &used);
		if (n == 0) {
			to[used++] = *p;
			n = 1;
		}
	}
	return used;
}

/* --- The texts, indexed
 * ---------------------------------------------------------------------------
 */

struct index {
	size_t used;
	size_t variants;
	uint16_t ends[VARIANTS_MAX]; /* of each variant, and whose it is */
	uint8_t owners[VARIANTS_MAX];
	uint16_t heads[BUCKETS];    /* of a bucket's chain of places; 0 ends it */
	uint16_t next[INDEX_BYTES]; /* of a place */
	char bytes[INDEX_BYTES];    /* variants between zero bytes, which no run crosses */
};

static uint32_t gram_at(const char *p)
{
	uint32_t gram;

	memcpy(&gram, p, sizeof(gram));
	return gram;
}

static size_t bucket_of(uint32_t gram)
{
	return gram * UINT32_C(2654435761) >> 23;
}
_Static_assert(BUCKETS == 1 << (32 - 23), "the hash is 9 bits");

static void index_init(struct index *x)
{
	x->used = 1;
	x->variants = 0;
	x->bytes[0] = '\0';
	memset(x->heads, 0, sizeof(x->heads));
}

/* Whether these folded bytes are the owner's already: most ways to decode a text come to the same.
 */
static bool index_has(const struct index *x, const char *bytes, size_t length, size_t owner)
{
	size_t start = 1;

	for (size_t i = 0; i < x->variants; start = x->ends[i++])
		if (x->owners[i] == owner && x->ends[i] - start == length + 1 &&
		    memcmp(x->bytes + start, bytes, length) == 0)
			return true;
	return false;
}

static void index_grams(struct index *x, size_t start, size_t end)
{
	for (size_t at = start; at + GRAM <= end; at++) {
		size_t bucket = bucket_of(gram_at(x->bytes + at));

		x->next[at] = x->heads[bucket];
		x->heads[bucket] = (uint16_t)at;
	}
}

/* False: there is no room for it. */
static bool index_add(struct index *x, const char *text, size_t length, size_t owner)
{
	size_t start = x->used;

	if (length < ECHO_CHARACTERS)
		return true;
	if (x->variants == VARIANTS_MAX || length >= INDEX_BYTES - start)
		return false;
	for (size_t i = 0; i < length; i++)
		x->bytes[start + i] = (char)fold((unsigned char)text[i]);
	if (index_has(x, x->bytes + start, length, owner))
		return true;
	index_grams(x, start, start + length);
	x->used += length;
	x->bytes[x->used++] = '\0';
	x->ends[x->variants] = (uint16_t)x->used;
	x->owners[x->variants++] = (uint8_t)owner;
	return true;
}

static size_t owner_of(const struct index *x, size_t at)
{
	size_t i = 0;

	while (x->ends[i] <= at)
		i++;
	return x->owners[i];
}

/* --- The body as it passes
 * ------------------------------------------------------------------------
 */

struct window {
	struct index index;
	size_t used;
	char bytes[1024];
};

struct judge {
	struct echo_text *texts;
	size_t count;
	size_t open;    /* texts that are compared, and not withheld */
	uint64_t steps; /* that may yet be taken along runs: 2 a byte of the body suffice for honest
	                   texts, and where they do not, all are withheld */
	bool loosely;   /* whether `loose` has texts */
	struct window exact, loose;
	char piece[1024];
};

static void withhold(struct judge *j, size_t owner)
{
	j->open -= !j->texts[owner].withheld;
	j->texts[owner].withheld = true;
}

static void withhold_all(struct judge *j)
{
	for (size_t i = 0; i < j->count; i++)
		if (is_long_enough(j->texts[i].text))
			withhold(j, i);
}

/* Follows the run that holds the gram at `p` of the window and at `at` of the index. */
static void follow(struct judge *j, const struct window *w, size_t p, size_t at)
{
	const struct index *x = &w->index;
	size_t back = 0, on = GRAM, start, count = 0, n;

	while (back < p && x->bytes[at - back - 1] &&
	       x->bytes[at - back - 1] == (char)fold((unsigned char)w->bytes[p - back - 1]))
		back++;
	while (p + on < w->used && x->bytes[at + on] &&
	       x->bytes[at + on] == (char)fold((unsigned char)w->bytes[p + on]))
		on++;
	j->steps -= j->steps < back + on ? j->steps : back + on;
	if (back + on < ECHO_CHARACTERS)
		return;
	start = at - back;
	while (start < at + on && is_continuation((unsigned char)x->bytes[start]))
		start++;
	/* Of a character at the run's end all bytes must be alike: many share the first ones. */
	for (; start < at + on; start += n, count++) {
		n = character_at(x->bytes + start, x->bytes + x->used);
		if (start + n > at + on)
			break;
	}
	if (count >= ECHO_CHARACTERS)
		withhold(j, owner_of(x, at));
}

/* Four bytes folded at once; controls, which only escapes bring, one by one. */
static uint32_t folded_gram_at(const char *p)
{
	uint32_t gram = gram_at(p), low = gram & UINT32_C(0x7f7f7f7f), upper;
	unsigned char bytes[GRAM];

	if ((gram - UINT32_C(0x20202020)) & ~gram & UINT32_C(0x80808080)) {
		for (size_t i = 0; i < GRAM; i++)
			bytes[i] = fold((unsigned char)p[i]);
		return gram_at((const char *)bytes);
	}
	/* The high bit of each byte that is A to Z: at least 'A', not beyond 'Z', ASCII. */
	upper = (low + UINT32_C(0x01010101) * (0x80 - 'A')) &
	        ~(low + UINT32_C(0x01010101) * (0x7f - 'Z')) & ~gram & UINT32_C(0x80808080);
	return gram | upper >> 2;
}

static void search(struct judge *j, const struct window *w)
{
	for (size_t p = 0; p + GRAM <= w->used; p += STRIDE) {
		uint32_t gram = folded_gram_at(w->bytes + p);
		size_t at = w->index.heads[bucket_of(gram)];

		for (; at && j->open > 0; at = w->index.next[at]) {
			j->steps -= j->steps > 0;
			if (gram_at(w->index.bytes + at) == gram)
				follow(j, w, p, at);
		}
		if (j->steps == 0)
			withhold_all(j);
	}
}

/* The end of a string: no run goes on. */
static void end_run(struct judge *j, struct window *w)
{
	if (w->used >= ECHO_CHARACTERS)
		search(j, w);
	w->used = 0;
}

static void pass(struct judge *j, struct window *w, const char *piece, size_t length)
{
	while (length > 0) {
		size_t room = sizeof(w->bytes) - w->used, n = length < room ? length : room;

		memcpy(w->bytes + w->used, piece, n);
		w->used += n;
		piece += n;
		length -= n;
		if (w->used < sizeof(w->bytes))
			return;
		search(j, w);
		memmove(w->bytes, w->bytes + w->used - CARRIED, CARRIED);
		w->used = CARRIED;
	}
}

static void pass_loosely(struct judge *j, const char *piece, size_t length)
{
	while (length > 0) {
		size_t n = length < sizeof(j->piece) ? length : sizeof(j->piece);

		/* Cut between characters: a piece is of whole ones. */
		while (n < length && n > 1 && is_continuation((unsigned char)piece[n]))
			n--;
		pass(j, &j->loose, j->piece, loosen(j->piece, piece, n));
		piece += n;
		length -= n;
	}
}

/* --- What the request asked
 * -----------------------------------------------------------------------
 */

enum place {
	ROOT = JSON_ROOT,
	ASKED,
	MESSAGES,
	MESSAGE,
	PARTS,
	PART,
	TOOL_CALLS,
	TOOL_CALL,
	TOOLS,
	TOOL,
	FUNCTION,
};

/* Where something is passed over; all else was asked. */
static const struct json_rule rules[] = {
    JSON_MEMBER(ROOT, JSON_ELSEWHERE, "model"),
    JSON_MEMBER(ROOT, JSON_ELSEWHERE, "models"),
    JSON_MEMBER(ROOT, JSON_ELSEWHERE, "provider"),
    JSON_MEMBER(ROOT, JSON_ELSEWHERE, "service_tier"),
    JSON_MEMBER(ROOT, MESSAGES, "messages"),
    JSON_MEMBER(ROOT, MESSAGES, "input"),
    JSON_MEMBER(ROOT, TOOLS, "tools"),
    JSON_MEMBER(ROOT, TOOL, "tool_choice"),
    JSON_ELEMENT(MESSAGES, MESSAGE),
    JSON_MEMBER(MESSAGE, JSON_ELSEWHERE, "role"),
    JSON_MEMBER(MESSAGE, JSON_ELSEWHERE, "type"),
    JSON_MEMBER(MESSAGE, JSON_ELSEWHERE, "id"),
    JSON_MEMBER(MESSAGE, JSON_ELSEWHERE, "call_id"),
    JSON_MEMBER(MESSAGE, JSON_ELSEWHERE, "tool_call_id"),
    JSON_MEMBER(MESSAGE, PARTS, "content"),
    JSON_MEMBER(MESSAGE, TOOL_CALLS, "tool_calls"),
    JSON_ELEMENT(PARTS, PART),
    JSON_MEMBER(PART, JSON_ELSEWHERE, "type"),
    JSON_MEMBER(PART, JSON_ELSEWHERE, "id"),
    JSON_MEMBER(PART, JSON_ELSEWHERE, "tool_use_id"),
    JSON_ELEMENT(TOOL_CALLS, TOOL_CALL),
    JSON_MEMBER(TOOL_CALL, JSON_ELSEWHERE, "type"),
    JSON_MEMBER(TOOL_CALL, JSON_ELSEWHERE, "id"),
    JSON_MEMBER(TOOL_CALL, FUNCTION, "function"),
    JSON_ELEMENT(TOOLS, TOOL),
    JSON_MEMBER(TOOL, JSON_ELSEWHERE, "type"),
    JSON_MEMBER(TOOL, JSON_ELSEWHERE, "name"),
    JSON_MEMBER(TOOL, FUNCTION, "function"),
    JSON_MEMBER(FUNCTION, JSON_ELSEWHERE, "name"),
};

static void take_event(
    void *data, uint8_t place, enum json_event event, const char *bytes, size_t length)
{
	struct judge *j = data;

	(void)place;
	if (j->open == 0)
		return;
	switch (event) {
	case JSON_SAW_TEXT:
		pass(j, &j->exact, bytes, length);
		if (j->loosely)
			pass_loosely(j, bytes, length);
		break;
	case JSON_SAW_STRING:
		end_run(j, &j->exact);
		end_run(j, &j->loose);
		break;
	/* Of a prompt that is an array of tokens. */
	case JSON_SAW_NUMBER:
		if (j->loosely)
			pass_loosely(j, bytes, length);
		break;
	default: end_run(j, &j->loose); break;
	}
}

static const struct json_plan plan = {.rules = rules,
    .count = sizeof(rules) / sizeof(rules[0]),
    .otherwise = ASKED,
    .sink = take_event};

/* Whether the whole body was read, as what it is. */
static bool read_body(struct judge *j, const char *body, size_t length)
{
	struct json_scan scan;
	size_t n;

	json_scan_init(&scan, &plan, j);
	for (; length > 0 && j->open > 0; body += n, length -= n) {
		n = length < 65536 ? length : 65536;
		if (json_scan_feed(&scan, body, n) != 0)
			return false;
	}
	if (j->open == 0)
		return true;
	if (json_scan_end(&scan) != 0)
		return false;
	end_run(j, &j->loose);
	return true;
}

/* --- The judgement
 * --------------------------------------------------------------------------------
 */

static bool is_identifier(const char *text)
{
	for (; *text; text++) {
		char c = *text, lower = c | 0x20;

		if (!(lower >= 'a' && lower <= 'z') && !(c >= '0' && c <= '9') &&
		    !strchr("-._:/@+~", c))
			return false;
	}
	return true;
}

static void judge_unseen(struct echo_text *t)
{
	if (is_long_enough(t->text))
		t->withheld |= t->free_form || !is_identifier(t->text);
}

static bool add_variant(
    struct judge *j, const char *text, size_t length, size_t owner, bool loosely)
{
	char loose[ECHO_TEXT_MAX];
	size_t n;

	if (!index_add(&j->exact.index, text, length, owner))
		return false;
	if (!loosely)
		return true;
	j->loosely = true;
	n = loosen(loose, text, length);
	return index_add(&j->loose.index, loose, n, owner);
}

/*
 * A text as it is, and with its escapes decoded, of each kind by itself and of all: what is no
 * escape in one kind may be one in another. False: there is no room for it.
 */
static bool add_text(struct judge *j, const struct echo_text *t, size_t owner)
{
	static const unsigned kinds[] = {OF_JSON, OF_HTML, OF_URLS, OF_JSON | OF_HTML | OF_URLS};
	char now[ECHO_TEXT_MAX], later[ECHO_TEXT_MAX];
	bool loosely = t->free_form || !is_identifier(t->text);
	size_t length = strlen(t->text), left, n;

	if (length > sizeof(now) || !add_variant(j, t->text, length, owner, loosely))
		return false;
	for (size_t kind = 0; kind < sizeof(kinds) / sizeof(kinds[0]); kind++) {
		memcpy(now, t->text, left = length);
		for (int times = 0; times < DECODED_TIMES; times++) {
			n = decode(later, now, left, kinds[kind]);
			if (n == left)
				break;
			memcpy(now, later, left = n);
			if (!add_variant(j, now, n, owner, loosely))
				return false;
		}
	}
	return true;
}

static void judge_seen(const char *body, size_t length, struct echo_text *texts, size_t count)
{
	struct judge j;

	j.texts = texts;
	j.count = count;
	j.open = 0;
	j.steps = (UINT64_C(1) << 20) + 2 * (uint64_t)length;
	j.loosely = false;
	j.exact.used = j.loose.used = 0;
	index_init(&j.exact.index);
	index_init(&j.loose.index);
	for (size_t i = 0; i < count; i++) {
		if (texts[i].withheld || !is_long_enough(texts[i].text))
			continue;
		j.open++;
		if (!add_text(&j, &texts[i], i))
			withhold(&j, i);
	}
	if (j.open > 0 && !read_body(&j, body, length))
		for (size_t i = 0; i < count; i++)
			judge_unseen(&texts[i]);
}

void echo_judge(const char *body, size_t length, struct echo_text *texts, size_t count)
{
	if (body)
		judge_seen(body, length, texts, count);
	for (size_t i = 0; !body && i < count; i++)
		judge_unseen(&texts[i]);
}

/* --- The words of an API
 * --------------------------------------------------------------------------
 */

bool echo_is_known_reason(const char *reason)
{
	static const char *const known[] = {"content_filter", "function_call", "stop_sequence",
	    "max_output_tokens", "model_context_window_exceeded", "malformed_function_call"};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strcasecmp(reason, known[i]) == 0)
			return true;
	return false;
}

bool echo_is_asked_model(const char *model, const char *asked)
{
	size_t n = asked ? strlen(asked) : 0;

	return n > 0 && strncasecmp(model, asked, n) == 0 && !is_long_enough(model + n);
}
