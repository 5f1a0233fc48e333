/*
 * echo.c: whether a text that a server sent repeats what the request asked.
 *
 * The texts are short and the body may be long. So the texts are indexed by each 4 bytes of them,
 * and the body is looked through once, at every 8th byte: a run of 12 bytes or more, wherever it
 * begins, holds 4 bytes at a multiple of 8. Where these are in the index, the run is followed both
 * ways and its characters are counted.
 */
#include "echo.h"
#include "echo_index.h"
#include "echo_text.h"
#include "json_push.h"

#include <stdint.h>
#include <string.h>
#include <strings.h>

#define STRIDE 8
_Static_assert(
    STRIDE + ECHO_GRAM - 1 <= ECHO_CHARACTERS, "each run of 12 bytes holds a gram at a stride");

/* 11 characters of 4 bytes, and more: what may be the beginning of a run that goes on later. */
#define CARRIED 48

/* An escape within an escape within an escape. */
#define DECODED_TIMES 3

/* --- The body as it passes ---------------------------------------------------------------------
 */

struct window {
	struct echo_index index;
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
		if (echo_is_long_enough(j->texts[i].text))
			withhold(j, i);
}

/* Follows the run that holds the gram at `p` of the window and at `at` of the index. */
static void follow(struct judge *j, const struct window *w, size_t p, size_t at)
{
	const struct echo_index *x = &w->index;
	size_t back = 0, on = ECHO_GRAM, start, count = 0, n;

	while (back < p && x->bytes[at - back - 1] &&
	       x->bytes[at - back - 1] == (char)echo_fold((unsigned char)w->bytes[p - back - 1]))
		back++;
	while (p + on < w->used && x->bytes[at + on] &&
	       x->bytes[at + on] == (char)echo_fold((unsigned char)w->bytes[p + on]))
		on++;
	j->steps -= j->steps < back + on ? j->steps : back + on;
	if (back + on < ECHO_CHARACTERS)
		return;
	start = at - back;
	while (start < at + on && echo_is_continuation((unsigned char)x->bytes[start]))
		start++;
	/* Of a character at the run's end all bytes must be alike: many share the first ones. */
	for (; start < at + on; start += n, count++) {
		n = echo_character_at(x->bytes + start, x->bytes + x->used);
		if (start + n > at + on)
			break;
	}
	if (count >= ECHO_CHARACTERS)
		withhold(j, echo_index_owner(x, at));
}

/* Four bytes folded at once; controls, which only escapes bring, one by one. */
static uint32_t folded_gram_at(const char *p)
{
	uint32_t gram = echo_gram_at(p), low = gram & UINT32_C(0x7f7f7f7f), upper;
	unsigned char bytes[ECHO_GRAM];

	if ((gram - UINT32_C(0x20202020)) & ~gram & UINT32_C(0x80808080)) {
		for (size_t i = 0; i < ECHO_GRAM; i++)
			bytes[i] = echo_fold((unsigned char)p[i]);
		return echo_gram_at((const char *)bytes);
	}
	/* The high bit of each byte that is A to Z: at least 'A', not beyond 'Z', ASCII. */
	upper = (low + UINT32_C(0x01010101) * (0x80 - 'A')) &
	        ~(low + UINT32_C(0x01010101) * (0x7f - 'Z')) & ~gram & UINT32_C(0x80808080);
	return gram | upper >> 2;
}

static void search(struct judge *j, const struct window *w)
{
	for (size_t p = 0; p + ECHO_GRAM <= w->used; p += STRIDE) {
		uint32_t gram = folded_gram_at(w->bytes + p);
		size_t at = w->index.heads[echo_bucket_of(gram)];

		for (; at && j->open > 0; at = w->index.next[at]) {
			j->steps -= j->steps > 0;
			if (echo_gram_at(w->index.bytes + at) == gram)
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
		while (n < length && n > 1 && echo_is_continuation((unsigned char)piece[n]))
			n--;
		pass(j, &j->loose, j->piece, echo_loosen(j->piece, piece, n));
		piece += n;
		length -= n;
	}
}

/* --- What the request asked --------------------------------------------------------------------
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

/* --- The judgement -----------------------------------------------------------------------------
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
	if (echo_is_long_enough(t->text))
		t->withheld |= t->free_form || !is_identifier(t->text);
}

static bool add_variant(
    struct judge *j, const char *text, size_t length, size_t owner, bool loosely)
{
	char loose[ECHO_TEXT_MAX];
	size_t n;

	if (!echo_index_add(&j->exact.index, text, length, owner))
		return false;
	if (!loosely)
		return true;
	j->loosely = true;
	n = echo_loosen(loose, text, length);
	return echo_index_add(&j->loose.index, loose, n, owner);
}

/*
 * A text as it is, and with its escapes decoded, of each kind by itself and of all: what is no
 * escape in one kind may be one in another. False: there is no room for it.
 */
static bool add_text(struct judge *j, const struct echo_text *t, size_t owner)
{
	static const unsigned kinds[] = {
	    ECHO_OF_JSON, ECHO_OF_HTML, ECHO_OF_URLS, ECHO_OF_JSON | ECHO_OF_HTML | ECHO_OF_URLS};
	char now[ECHO_TEXT_MAX], later[ECHO_TEXT_MAX];
	bool loosely = t->free_form || !is_identifier(t->text);
	size_t length = strlen(t->text), left, n;

	if (length > sizeof(now) || !add_variant(j, t->text, length, owner, loosely))
		return false;
	for (size_t kind = 0; kind < sizeof(kinds) / sizeof(kinds[0]); kind++) {
		memcpy(now, t->text, left = length);
		for (int times = 0; times < DECODED_TIMES; times++) {
			n = echo_decode(later, now, left, kinds[kind]);
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
	echo_index_init(&j.exact.index);
	echo_index_init(&j.loose.index);
	for (size_t i = 0; i < count; i++) {
		if (texts[i].withheld || !echo_is_long_enough(texts[i].text))
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

/* --- The words of an API -----------------------------------------------------------------------
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

	return n > 0 && strncasecmp(model, asked, n) == 0 && !echo_is_long_enough(model + n);
}
