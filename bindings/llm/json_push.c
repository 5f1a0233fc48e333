/*
 * json_push.c: reads JSON as it comes, in pieces of any size, in constant memory.
 *
 * A pushdown automaton: one state for what may come next, one byte for each open container.
 */
#include "json_push.h"
#include "base/utf8.h"
#include "json_char.h"

#include <errno.h>
#include <string.h>

enum state {
	BEFORE, /* the document */
	VALUE,
	VALUE_OR_END, /* after [ */
	KEY_OR_END,   /* after { */
	KEY,          /* after , in an object */
	COLON,
	AFTER, /* a value in a container */
	STRING,
	ESCAPE,
	UNICODE,
	MINUS,
	ZERO,
	INTEGER,
	POINT,
	FRACTION,
	EXPONENT,
	EXPONENT_SIGN,
	EXPONENT_DIGITS,
	LITERAL,
	DONE,
	MALFORMED,
	TOO_DEEP,
};

#define OBJECT 0x80

static const char replacement[] = "\xef\xbf\xbd"; /* U+FFFD */

void json_scan_init(struct json_scan *s, const struct json_plan *plan, void *data)
{
	uint8_t rule = 0;

	s->plan = plan;
	s->data = data;
	for (unsigned parent = 0; parent < JSON_PLACES_MAX; parent++) {
		while (rule < plan->count && plan->rules[rule].parent < parent)
			rule++;
		s->first_rule[parent] = rule;
	}
	json_scan_restart(s);
}

void json_scan_restart(struct json_scan *s)
{
	s->state = BEFORE;
	s->place = JSON_ROOT;
	s->in_key = false;
	s->replaced = false;
	s->depth = 0;
	s->high = 0;
	s->token_length = 0;
	s->partial_length = 0;
}

bool json_scan_is_within(const struct json_scan *s, uint8_t place)
{
	for (uint16_t i = 0; i < s->depth; i++)
		if ((s->open[i] & (OBJECT - 1)) == place)
			return true;
	return false;
}

static void tell(struct json_scan *s, enum json_event event, const char *bytes, size_t length)
{
	if (s->place != JSON_ELSEWHERE)
		s->plan->sink(s->data, s->place, event, bytes, length);
}

static void add_to_token(struct json_scan *s, const char *bytes, size_t length)
{
	if (length > (size_t)JSON_TOKEN_MAX - s->token_length) {
		s->token_length = JSON_TOKEN_MAX;
		return;
	}
	memcpy(s->token + s->token_length, bytes, length);
	s->token_length += (uint8_t)length;
}

/* The place of the member of that key (NULL: of an element) in the innermost open container. */
static uint8_t find_place(const struct json_scan *s, const char *key, uint8_t length)
{
	const struct json_rule *rule, *end = s->plan->rules + s->plan->count;
	uint8_t parent = s->open[s->depth - 1] & (OBJECT - 1);

	if (parent == JSON_ELSEWHERE)
		return JSON_ELSEWHERE;
	rule = s->plan->rules + s->first_rule[parent];
	for (; rule < end && rule->parent == parent; rule++)
		if (rule->length == length && !rule->key == !key &&
		    (length == 0 || memcmp(rule->key, key, length) == 0))
			return rule->place;
	return s->plan->otherwise;
}

/* --- Strings ---------------------------------------------------------------------------------- */

static void take_text(struct json_scan *s, const char *bytes, size_t length)
{
	if (length == 0)
		return;
	if (s->in_key)
		add_to_token(s, bytes, length);
	else
		tell(s, JSON_SAW_TEXT, bytes, length);
}

static void replace(struct json_scan *s)
{
	s->replaced = true;
	take_text(s, replacement, sizeof(replacement) - 1);
}

/* A first half that no second one follows. */
static void settle_surrogate(struct json_scan *s)
{
	if (s->high)
		replace(s);
	s->high = 0;
}

static void take_character(struct json_scan *s, uint32_t c)
{
	char utf8[4];

	take_text(s, utf8, json_char_encode(c, utf8));
}

/* A whole \u escape, RFC 8259 section 7: beyond U+FFFF two of them make a character. */
static void take_unit(struct json_scan *s)
{
	uint16_t unit = s->unit;

	s->state = STRING;
	if (s->high && unit >= 0xdc00 && unit <= 0xdfff) {
		take_character(s, 0x10000 + ((uint32_t)(s->high - 0xd800) << 10) + (unit - 0xdc00));
		s->high = 0;
		return;
	}
	settle_surrogate(s);
	if (unit >= 0xd800 && unit <= 0xdbff)
		s->high = unit;
	else if (unit == 0 || (unit >= 0xdc00 && unit <= 0xdfff))
		replace(s);
	else
		take_character(s, unit);
}

static void take_hex(struct json_scan *s, char c)
{
	int digit = json_char_hex(c);

	if (digit < 0) {
		s->state = MALFORMED;
		return;
	}
	s->unit = (uint16_t)(s->unit << 4 | digit);
	if (++s->unit_digits == 4)
		take_unit(s);
}

static void take_escape(struct json_scan *s, char c)
{
	const char *plain = json_char_escaped(c);

	if (c == 'u') {
		s->unit = 0;
		s->unit_digits = 0;
		s->state = UNICODE;
		return;
	}
	settle_surrogate(s);
	s->state = plain ? STRING : MALFORMED;
	if (plain)
		take_text(s, plain, 1);
}

static void begin_string(struct json_scan *s, bool key)
{
	s->in_key = key;
	s->token_length = 0;
	s->state = STRING;
}

static void end_string(struct json_scan *s)
{
	if (s->in_key) {
		s->in_key = false;
		s->place = find_place(s, s->token, s->token_length);
		s->state = COLON;
		return;
	}
	tell(s, JSON_SAW_STRING, "", 0);
	s->state = s->depth ? AFTER : DONE;
}

/* Goes on with a character whose first bytes came earlier. */
static const char *finish_partial(struct json_scan *s, const char *p, const char *end)
{
	while (p < end && s->partial_length < s->partial_needed)
		s->partial[s->partial_length++] = *p++;
	if (s->partial_length < s->partial_needed)
		return p;
	s->partial_length = 0;
	if (utf8_is_valid(s->partial, s->partial_needed))
		take_text(s, s->partial, s->partial_needed);
	else
		s->state = MALFORMED;
	return p;
}

/* The bytes up to `end` are the start of a character, or of none. */
static const char *begin_partial(struct json_scan *s, const char *p, const char *end)
{
	unsigned n = json_char_bytes((unsigned char)*p);

	if (n == 0 || (size_t)(end - p) >= n) {
		s->state = MALFORMED;
		return p;
	}
	s->partial_needed = (uint8_t)n;
	s->partial_length = 0;
	return finish_partial(s, p, end);
}

/* The receiver of text may copy the scan: its state is all that is kept of what came before. */
static const char *scan_string(struct json_scan *s, const char *p, const char *end)
{
	const char *start = p;
	unsigned n;

	if (s->partial_length)
		return finish_partial(s, p, end);
	if (s->high && *p != '\\')
		settle_surrogate(s);
	while ((p = json_char_skip_plain(p, end)) < end && (unsigned char)*p >= 0x80 &&
	       (n = json_char_whole(p, end)) > 0)
		p += n;
	take_text(s, start, (size_t)(p - start));
	if (p == end)
		return p;
	if ((unsigned char)*p >= 0x80)
		return begin_partial(s, p, end);
	if (*p == '"')
		end_string(s);
	else
		s->state = *p == '\\' ? ESCAPE : MALFORMED;
	return p + 1;
}

/* --- Numbers and literals --------------------------------------------------------------------- */

/* The state after one more character of a number, or AFTER where the number has ended. */
static enum state number_step(enum state state, char c)
{
	bool digit = json_char_is_digit(c), e = c == 'e' || c == 'E';

	switch (state) {
	case MINUS: return c == '0' ? ZERO : digit ? INTEGER : MALFORMED;
	case ZERO: return c == '.' ? POINT : e ? EXPONENT : AFTER;
	case INTEGER: return digit ? INTEGER : c == '.' ? POINT : e ? EXPONENT : AFTER;
	case POINT: return digit ? FRACTION : MALFORMED;
	case FRACTION: return digit ? FRACTION : e ? EXPONENT : AFTER;
	case EXPONENT:
		return digit ? EXPONENT_DIGITS : c == '+' || c == '-' ? EXPONENT_SIGN : MALFORMED;
	case EXPONENT_SIGN: return digit ? EXPONENT_DIGITS : MALFORMED;
	default: return digit ? EXPONENT_DIGITS : AFTER;
	}
}

static void end_number(struct json_scan *s)
{
	if (s->token_length < JSON_TOKEN_MAX)
		tell(s, JSON_SAW_NUMBER, s->token, s->token_length);
	s->state = s->depth ? AFTER : DONE;
}

static const char *scan_number(struct json_scan *s, const char *p, const char *end)
{
	for (; p < end; p++) {
		enum state next = number_step(s->state, *p);

		if (next == AFTER) {
			end_number(s);
			return p;
		}
		s->state = next;
		if (next == MALFORMED)
			return p;
		add_to_token(s, p, 1);
	}
	return p;
}

static const char *literal_of(char first)
{
	return first == 't' ? "true" : first == 'f' ? "false" : "null";
}

static const char *scan_literal(struct json_scan *s, const char *p, const char *end)
{
	const char *word = literal_of(s->token[0]);

	while (p < end && word[s->token_length]) {
		if (*p != word[s->token_length]) {
			s->state = MALFORMED;
			return p;
		}
		add_to_token(s, p++, 1);
	}
	if (!word[s->token_length]) {
		tell(s, JSON_SAW_LITERAL, s->token, s->token_length);
		s->state = s->depth ? AFTER : DONE;
	}
	return p;
}

/* --- Structure -------------------------------------------------------------------------------- */

static void open_container(struct json_scan *s, bool object)
{
	if (s->depth == JSON_DEPTH_MAX) {
		s->state = TOO_DEEP;
		return;
	}
	tell(s, object ? JSON_SAW_OBJECT : JSON_SAW_ARRAY, "", 0);
	s->open[s->depth++] = object ? s->place | OBJECT : s->place;
	s->state = object ? KEY_OR_END : VALUE_OR_END;
	if (!object)
		s->place = find_place(s, NULL, 0);
}

static void close_container(struct json_scan *s, bool object)
{
	if (s->depth == 0 || !(s->open[s->depth - 1] & OBJECT) == object) {
		s->state = MALFORMED;
		return;
	}
	s->depth--;
	s->state = s->depth ? AFTER : DONE;
}

static void begin_value(struct json_scan *s, char c)
{
	s->token_length = 0;
	switch (c) {
	case '{': open_container(s, true); return;
	case '[': open_container(s, false); return;
	case '"': begin_string(s, false); return;
	case '-': s->state = MINUS; break;
	case '0': s->state = ZERO; break;
	case 't':
	case 'f':
	case 'n': s->state = LITERAL; break;
	default: s->state = json_char_is_digit(c) ? INTEGER : MALFORMED; break;
	}
	add_to_token(s, &c, 1);
}

static void after_value(struct json_scan *s, char c)
{
	bool object = s->open[s->depth - 1] & OBJECT;

	if (c != ',') {
		if (c == '}' || c == ']')
			close_container(s, c == '}');
		else
			s->state = MALFORMED;
		return;
	}
	s->state = object ? KEY : VALUE;
	if (!object)
		s->place = find_place(s, NULL, 0);
}

static void take_structure(struct json_scan *s, char c)
{
	switch ((enum state)s->state) {
	case VALUE_OR_END:
		if (c == ']')
			close_container(s, false);
		else
			begin_value(s, c);
		break;
	case BEFORE:
	case VALUE: begin_value(s, c); break;
	case KEY_OR_END:
		if (c == '}') {
			close_container(s, true);
			break;
		}
		/* fall through */
	case KEY:
		if (c == '"')
			begin_string(s, true);
		else
			s->state = MALFORMED;
		break;
	case COLON: s->state = c == ':' ? VALUE : MALFORMED; break;
	case AFTER: after_value(s, c); break;
	default: s->state = MALFORMED; break;
	}
}

static int failure(const struct json_scan *s)
{
	return s->state == TOO_DEEP ? -E2BIG : s->state == MALFORMED ? -EBADMSG : 0;
}

int json_scan_feed(struct json_scan *s, const char *bytes, size_t length)
{
	const char *p = bytes, *end = bytes + length;

	while (p < end) {
		switch ((enum state)s->state) {
		case STRING: p = scan_string(s, p, end); break;
		case ESCAPE: take_escape(s, *p++); break;
		case UNICODE: take_hex(s, *p++); break;
		case MINUS:
		case ZERO:
		case INTEGER:
		case POINT:
		case FRACTION:
		case EXPONENT:
		case EXPONENT_SIGN:
		case EXPONENT_DIGITS: p = scan_number(s, p, end); break;
		case LITERAL: p = scan_literal(s, p, end); break;
		case MALFORMED:
		case TOO_DEEP: return failure(s);
		default:
			if (!json_char_is_space(*p))
				take_structure(s, *p);
			p++;
		}
	}
	return failure(s);
}

int json_scan_end(struct json_scan *s)
{
	/* A number at the top has no other end. */
	if (s->state >= MINUS && s->state <= EXPONENT_DIGITS && s->depth == 0 &&
	    number_step(s->state, ' ') == AFTER)
		end_number(s);
	if (s->state == TOO_DEEP)
		return -E2BIG;
	return s->state == DONE ? 0 : -EBADMSG;
}
