/*
 * response.c: the facts of an API's answer, read as it passes.
 */
#include "response.h"
#include "base/utf8.h"
#include "orbus.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* --- What is wanted --------------------------------------------------------------------------- */

/* Objects and arrays first, in the order of the rules below; then what they hold. */
enum place {
	ROOT = JSON_ROOT,
	ERROR,
	ERROR_METADATA,
	CHOICES,
	CHOICE,
	DELTA,
	MESSAGE,
	CONTENT,
	CONTENT_PART,
	REASONING_DETAILS,
	REASONING_PART,
	TOOL_CALLS,
	TOOL_CALL,
	FUNCTION,
	AUDIO,
	IMAGES,
	USAGE,
	PROMPT_DETAILS,
	COMPLETION_DETAILS,
	ID,
	MODEL,
	PROVIDER,
	OBJECT_NAME,
	CODE,
	COMPLAINT,
	ERROR_CODE,
	ERROR_MESSAGE,
	FINISH_REASON,
	REASONING,
	REASONING_CONTENT,
	REASONING_TEXT,
	REASONING_DATA,
	CHOICE_TEXT,
	TOOL_TEXT,
	IMAGE,
	PROMPT_TOKENS,
	COMPLETION_TOKENS,
	TOTAL_TOKENS,
	CACHED_TOKENS,
	CACHE_WRITE_TOKENS,
	REASONING_TOKENS,
	COST,
	TOOL_INDEX,
	PLACES
};

/* What a message has, whole or by parts. */
/* clang-format off */
#define MESSAGE_RULES(parent) \
    JSON_MEMBER(parent, CONTENT, "content"), \
    JSON_MEMBER(parent, REASONING, "reasoning"), \
    JSON_MEMBER(parent, REASONING_CONTENT, "reasoning_content"), \
    JSON_MEMBER(parent, REASONING_DETAILS, "reasoning_details"), \
    JSON_MEMBER(parent, TOOL_CALLS, "tool_calls"), \
    JSON_MEMBER(parent, FUNCTION, "function_call"), \
    JSON_MEMBER(parent, CONTENT, "refusal"), \
    JSON_MEMBER(parent, AUDIO, "audio"), \
    JSON_MEMBER(parent, IMAGES, "images")
/* clang-format on */

static const struct json_rule rules[] = {
    JSON_ELEMENT(ROOT, ROOT), /* some APIs put an error into an array */
    JSON_MEMBER(ROOT, ID, "id"),
    JSON_MEMBER(ROOT, MODEL, "model"),
    JSON_MEMBER(ROOT, PROVIDER, "provider"),
    JSON_MEMBER(ROOT, OBJECT_NAME, "object"),
    JSON_MEMBER(ROOT, CHOICES, "choices"),
    JSON_MEMBER(ROOT, USAGE, "usage"),
    JSON_MEMBER(ROOT, ERROR, "error"),
    JSON_MEMBER(ROOT, CODE, "code"), /* of an error, in servers without the object */
    JSON_MEMBER(ROOT, COMPLAINT, "message"),
    JSON_MEMBER(ROOT, COMPLAINT, "detail"),
    JSON_MEMBER(ERROR, ERROR_CODE, "code"),
    JSON_MEMBER(ERROR, ERROR_MESSAGE, "message"),
    JSON_MEMBER(ERROR, ERROR_METADATA, "metadata"),
    JSON_MEMBER(ERROR_METADATA, PROVIDER, "provider_name"),
    JSON_ELEMENT(CHOICES, CHOICE),
    JSON_MEMBER(CHOICE, DELTA, "delta"),
    JSON_MEMBER(CHOICE, MESSAGE, "message"),
    JSON_MEMBER(CHOICE, CHOICE_TEXT, "text"),
    JSON_MEMBER(CHOICE, FINISH_REASON, "finish_reason"),
    JSON_MEMBER(CHOICE, ERROR, "error"),
    MESSAGE_RULES(DELTA),
    MESSAGE_RULES(MESSAGE),
    JSON_ELEMENT(CONTENT, CONTENT_PART),
    JSON_MEMBER(CONTENT_PART, CONTENT, "text"),
    JSON_ELEMENT(REASONING_DETAILS, REASONING_PART),
    JSON_MEMBER(REASONING_PART, REASONING_TEXT, "text"),
    JSON_MEMBER(REASONING_PART, REASONING_TEXT, "summary"),
    JSON_MEMBER(REASONING_PART, REASONING_DATA, "data"),
    JSON_ELEMENT(TOOL_CALLS, TOOL_CALL),
    JSON_MEMBER(TOOL_CALL, FUNCTION, "function"),
    JSON_MEMBER(TOOL_CALL, FUNCTION, "custom"),
    JSON_MEMBER(TOOL_CALL, TOOL_INDEX, "index"),
    JSON_MEMBER(FUNCTION, TOOL_TEXT, "name"),
    JSON_MEMBER(FUNCTION, TOOL_TEXT, "arguments"),
    JSON_MEMBER(FUNCTION, TOOL_TEXT, "input"),
    JSON_MEMBER(AUDIO, CONTENT, "transcript"),
    JSON_ELEMENT(IMAGES, IMAGE),
    JSON_MEMBER(USAGE, PROMPT_TOKENS, "prompt_tokens"),
    JSON_MEMBER(USAGE, COMPLETION_TOKENS, "completion_tokens"),
    JSON_MEMBER(USAGE, TOTAL_TOKENS, "total_tokens"),
    JSON_MEMBER(USAGE, COST, "cost"),
    JSON_MEMBER(USAGE, PROMPT_DETAILS, "prompt_tokens_details"),
    JSON_MEMBER(USAGE, COMPLETION_DETAILS, "completion_tokens_details"),
    JSON_MEMBER(USAGE, CACHE_WRITE_TOKENS, "cache_creation_input_tokens"), /* of LiteLLM */
    JSON_MEMBER(PROMPT_DETAILS, CACHED_TOKENS, "cached_tokens"),
    JSON_MEMBER(PROMPT_DETAILS, CACHE_WRITE_TOKENS, "cache_write_tokens"),
    JSON_MEMBER(COMPLETION_DETAILS, REASONING_TOKENS, "reasoning_tokens"),
};
_Static_assert(PLACES <= JSON_PLACES_MAX, "json_push.h");

/* --- What comes ------------------------------------------------------------------------------- */

struct name {
	char *at;
	size_t bytes;
};

/* Where the name at this place is kept. */
static struct name name_at(struct response *a, uint8_t place)
{
	struct response_facts *f = &a->facts;

	switch (place) {
	case ID: return (struct name){f->id, sizeof(f->id)};
	case MODEL: return (struct name){f->model, sizeof(f->model)};
	case PROVIDER: return (struct name){f->provider, sizeof(f->provider)};
	case OBJECT_NAME: return (struct name){a->object, sizeof(a->object)};
	case FINISH_REASON: return (struct name){f->finish_reason, sizeof(f->finish_reason)};
	case CODE:
	case ERROR_CODE: return (struct name){f->error_code, sizeof(f->error_code)};
	case ERROR:
	case COMPLAINT:
	case ERROR_MESSAGE: return (struct name){f->error_message, sizeof(f->error_message)};
	default: return (struct name){0};
	}
}

static void capture(struct response *a, uint8_t place, const char *piece, size_t length)
{
	struct name to = name_at(a, place);
	size_t n;

	if (!to.at)
		return;
	prefix_cache_doubt(&a->prefix_cache);
	if (a->capturing != place)
		a->captured = 0;
	a->capturing = place;
	n = utf8_cut(piece, length, to.bytes - 1 - a->captured);
	memcpy(to.at + a->captured, piece, n);
	a->captured += n;
	to.at[a->captured] = '\0';
	if (n < length)
		a->captured = to.bytes - 1; /* what follows the cut is left out as well */
}

static void note_token(struct response *a)
{
	a->event_generates = true;
	a->sink->token(a->context);
}

/* Whether it is said here for the first time; beside its deltas some streams repeat all so far. */
static bool is_new(struct response *a, uint8_t place)
{
	uint8_t source = place == CHOICE_TEXT                   ? CHOICE_TEXT
	                 : json_scan_is_within(&a->scan, DELTA) ? DELTA
	                                                        : MESSAGE;

	if (source == MESSAGE && a->form == RESPONSE_EVENTS) {
		note_token(a); /* of any role, it shows that the model answers */
		return false;
	}
	if (!a->text_source)
		a->text_source = source;
	return a->text_source == source;
}

static void generated(struct response *a, const char *piece, size_t length)
{
	a->event_responds = true;
	/* A tool call without an index is counted by its object: it must be read each time. */
	if (a->event_tools > 0)
		prefix_cache_forget(&a->prefix_cache);
	else
		prefix_cache_learn(&a->prefix_cache, &a->scan, piece);
	token_estimate_add(&a->facts.generated, piece, length);
	note_token(a);
}

static void pass_text(struct response *a, enum response_text kind, const char *piece, size_t length)
{
	generated(a, piece, length);
	if (a->sink->text)
		a->sink->text(a->context, kind, piece, length);
}

static void pass_reasoning(struct response *a, uint8_t place, const char *piece, size_t length)
{
	if (!a->reasoning_place)
		a->reasoning_place = place;
	if (a->reasoning_place == place)
		pass_text(a, RESPONSE_REASONING, piece, length);
}

/* A piece of a string that is of the generated ones. */
static void take_generated(struct response *a, uint8_t place, const char *piece, size_t length)
{
	if (!is_new(a, place))
		return;
	switch (place) {
	case CONTENT:
	case CHOICE_TEXT: pass_text(a, RESPONSE_CONTENT, piece, length); break;
	case TOOL_TEXT: generated(a, piece, length); break;
	case REASONING_DATA: generated(a, piece, 0); break; /* encrypted: its length says nothing */
	default: pass_reasoning(a, place, piece, length); break;
	}
}

static void take_piece(struct response *a, uint8_t place, const char *piece, size_t length)
{
	switch (place) {
	case CONTENT:
	case CHOICE_TEXT:
	case REASONING:
	case REASONING_CONTENT:
	case REASONING_TEXT:
	case REASONING_DATA:
	case TOOL_TEXT: take_generated(a, place, piece, length); break;
	default: capture(a, place, piece, length); break;
	}
}

/* Whether the string that has just ended at `place` is "error". */
static bool says_error(struct response *a, uint8_t place)
{
	return a->capturing == place && strcmp(name_at(a, place).at, "error") == 0;
}

static void take_string_end(struct response *a, uint8_t place)
{
	if (place == ERROR)
		a->facts.has_error = true;
	else if (place == FINISH_REASON || place == OBJECT_NAME)
		a->facts.has_error |= says_error(a, place);
	else if (place == CODE || place == COMPLAINT)
		a->event_accuses |= a->capturing == place;
	if (place == OBJECT_NAME && a->capturing == place)
		a->facts.is_text_completion = strcmp(a->object, "text_completion") == 0;
	a->capturing = JSON_ELSEWHERE;
}

static uint64_t *figure_at(struct response_facts *f, uint8_t place)
{
	switch (place) {
	case PROMPT_TOKENS: return &f->prompt_tokens;
	case COMPLETION_TOKENS: return &f->completion_tokens;
	case TOTAL_TOKENS: return &f->total_tokens;
	case CACHED_TOKENS: return &f->cached_tokens;
	case CACHE_WRITE_TOKENS: return &f->cache_write_tokens;
	case REASONING_TOKENS: return &f->reasoning_tokens;
	default: return NULL;
	}
}

/*
 * Streams send a tool call in parts, each with the call's index; whole answers, and some streams,
 * send each call at once, with an index or without. Beside its deltas a stream may repeat the
 * whole.
 */
static bool counts_tools(const struct response *a)
{
	return a->form == RESPONSE_JSON || json_scan_is_within(&a->scan, DELTA);
}

static void take_tool(struct response *a, uint8_t place)
{
	if (!counts_tools(a))
		return;
	if (place == TOOL_CALL)
		a->event_tools++;
	else
		a->has_function_call |= !json_scan_is_within(&a->scan, TOOL_CALL);
}

#define TOOLS_MAX 1024 /* beyond is no index */

static void take_tool_index(struct response *a, uint64_t index)
{
	if (a->event_tools == 0 || !counts_tools(a))
		return;
	a->event_tools--;
	if (a->tools_by_index <= index)
		a->tools_by_index = index + 1;
}

/* A document is over. */
static void count_event(struct response *a)
{
	a->tools_without_index += a->event_tools;
	a->event_tools = 0;
	a->facts.tool_calls =
	    a->tools_by_index + a->tools_without_index + (a->has_function_call ? 1 : 0);
	if (a->form == RESPONSE_EVENTS && a->event_generates)
		a->facts.chunks++;
	a->event_generates = false;
}

static void take_number(struct response *a, uint8_t place, const char *text, size_t length)
{
	uint64_t *figure = figure_at(&a->facts, place);
	char number[JSON_TOKEN_MAX + 1];
	double value;

	prefix_cache_doubt(&a->prefix_cache);
	memcpy(number, text, length);
	number[length] = '\0';
	value = strtod_l(number, NULL, a->c_locale);
	/* A count beyond 2^53 is no count of tokens. */
	if (figure && value >= 0 && value <= 0x1p53 && value == floor(value))
		*figure = (uint64_t)value;
	else if (place == COST && value >= 0 && isfinite(value))
		a->facts.cost_usd = value;
	else if (place == TOOL_INDEX && value >= 0 && value < TOOLS_MAX)
		take_tool_index(a, (uint64_t)value);
	else if (place == ERROR)
		a->facts.has_error = true;
	else if (place == ERROR_CODE || place == CODE)
		capture(a, place, text, length);
	/* Some APIs send code 0 or 200 with a good answer. */
	if (place == CODE && (value == 0 || value == 200))
		a->event_excuses = true;
	else if (place == CODE)
		a->event_accuses = true;
	a->capturing = JSON_ELSEWHERE;
}

static void take_event(
    void *data, uint8_t place, enum json_event event, const char *bytes, size_t length)
{
	struct response *a = data;

	switch (event) {
	case JSON_SAW_OBJECT:
		a->facts.has_choices |= place == CHOICE;
		a->facts.has_error |= place == ERROR;
		a->event_responds |= place == CHOICE || place == USAGE;
		if (place == IMAGE && is_new(a, place))
			note_token(a);
		else if (place == TOOL_CALL || place == FUNCTION)
			take_tool(a, place);
		break;
	case JSON_SAW_TEXT: take_piece(a, place, bytes, length); break;
	case JSON_SAW_STRING: take_string_end(a, place); break;
	case JSON_SAW_NUMBER: take_number(a, place, bytes, length); break;
	case JSON_SAW_LITERAL: a->facts.has_error |= place == ERROR && *bytes == 't'; break;
	case JSON_SAW_ARRAY: a->event_responds |= place == CHOICES; break;
	}
}

static const struct json_plan plan = {
    .rules = rules, .count = sizeof(rules) / sizeof(rules[0]), .sink = take_event};

/* --- Events ----------------------------------------------------------------------------------- */

static const char done[] = "[DONE]";

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static void begin_event(struct response *a)
{
	a->event_is_blank = true;
	a->event_may_be_done = a->event_is_done = false;
	a->event_responds = a->event_accuses = a->event_excuses = a->event_generates = false;
	a->event_tools = 0;
	a->done_matched = 0;
	a->capturing = JSON_ELSEWHERE;
	json_scan_restart(&a->scan);
}

/* What begins like [DONE] and is not is a JSON array, if anything. */
static void take_done_or_json(struct response *a, const char *bytes, size_t length)
{
	for (; length > 0 && a->done_matched < sizeof(done) - 1; bytes++, length--)
		if (*bytes != done[a->done_matched++]) {
			a->done_matched--;
			break;
		}
	a->event_is_done = a->done_matched == sizeof(done) - 1;
	for (; a->event_is_done && length > 0 && is_space(*bytes); length--)
		bytes++;
	if (length == 0)
		return;
	a->event_may_be_done = a->event_is_done = false;
	json_scan_feed(&a->scan, done, a->done_matched);
	json_scan_feed(&a->scan, bytes, length);
}

static void event_data(void *context, const char *bytes, size_t length)
{
	struct response *a = context;

	if (a->facts.complete)
		return;
	for (; a->event_is_blank && length > 0 && is_space(*bytes); length--)
		bytes++;
	if (length == 0)
		return;
	if (a->event_is_blank) {
		size_t known;

		a->event_is_blank = false;
		known = prefix_cache_begin(&a->prefix_cache, &a->scan, bytes, length);
		a->event_may_be_done = known == 0 && *bytes == '[';
		a->event_responds = known > 0; /* text is in choices */
		bytes += known;
		length -= known;
	}
	if (a->event_may_be_done)
		take_done_or_json(a, bytes, length);
	else
		json_scan_feed(&a->scan, bytes, length);
	prefix_cache_end(&a->prefix_cache);
}

/* A whole document that is no part of an answer may be an error all the same. */
static void look_for_error(struct response *a)
{
	bool accused = a->event_accuses && !a->event_excuses && !a->event_responds;

	a->facts.has_error |= accused && json_scan_end(&a->scan) == 0;
	a->facts.has_error |= !a->event_is_blank && strcmp(a->events.type, "error") == 0;
}

static void event_end(void *context)
{
	struct response *a = context;

	if (a->facts.complete)
		return;
	look_for_error(a);
	count_event(a);
	if (a->event_is_done)
		a->facts.complete = true;
	else if (!a->event_is_blank && json_scan_end(&a->scan) != 0)
		a->facts.malformed = true;
	begin_event(a);
}

static const struct event_sink event_sink = {.data = event_data, .end = event_end};

/* --- The whole -------------------------------------------------------------------------------- */

int response_init(struct response *a, const struct response_sink *sink, void *context)
{
	memset(a, 0, sizeof(*a));
	a->sink = sink;
	a->context = context;
	a->facts.prompt_tokens = a->facts.completion_tokens = a->facts.total_tokens = ORBUS_NONE;
	a->facts.cached_tokens = a->facts.reasoning_tokens = ORBUS_NONE;
	a->facts.cache_write_tokens = ORBUS_NONE;
	a->facts.cost_usd = NAN;
	a->c_locale = newlocale(LC_NUMERIC_MASK, "C", (locale_t)0);
	if (!a->c_locale)
		return -ENOMEM;
	json_scan_init(&a->scan, &plan, a);
	event_stream_init(&a->events, &event_sink, a);
	begin_event(a);
	return 0;
}

void response_expect(struct response *a, enum response_form form)
{
	a->expected = form;
}

void response_feed(struct response *a, const char *bytes, size_t length)
{
	while (a->form == RESPONSE_UNKNOWN && length > 0) {
		if (*bytes == '{' || *bytes == '[' || *bytes == '<')
			a->form = RESPONSE_JSON;
		else if (!is_space(*bytes))
			a->form = a->expected == RESPONSE_EVENTS ? RESPONSE_EVENTS : RESPONSE_JSON;
		else
			bytes++, length--; /* sent to keep the connection alive */
	}
	if (a->form == RESPONSE_EVENTS)
		event_stream_feed(&a->events, bytes, length);
	else if (a->form == RESPONSE_JSON)
		json_scan_feed(&a->scan, bytes, length);
}

void response_end(struct response *a)
{
	if (a->form == RESPONSE_UNKNOWN || a->facts.complete)
		return;
	look_for_error(a);
	count_event(a);
	/* Servers forget the blank line after their last event. */
	a->facts.complete = a->event_is_done;
	if (a->form != RESPONSE_JSON)
		return;
	a->facts.complete = json_scan_end(&a->scan) == 0;
	a->facts.malformed = !a->facts.complete;
}

void response_free(struct response *a)
{
	if (a->c_locale)
		freelocale(a->c_locale);
	a->c_locale = (locale_t)0;
}
