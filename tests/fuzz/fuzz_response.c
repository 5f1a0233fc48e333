/*
 * fuzz_response.c: any bytes of a server, cut into any pieces: no crash, no leak, the same facts
 * for all cuts, and "ok" only for a whole answer.
 *
 * The test compares with a second reading by other means: the whole body at once, events split as
 * the standard says, JSON by jansson. Input: how the answer is announced, the length of the pieces,
 * body.
 */
#include "llm/outcome.h"
#include "llm/request_body.h"
#include "llm/response.h"
#include "must.h"

#include <jansson.h>
#include <math.h>
#include <string.h>

/* The generated text, independent of how it was cut. */
struct heard {
	bool token;
	char *text[2];
	size_t used[2];
};

static void hear_token(void *context)
{
	((struct heard *)context)->token = true;
}

/* A text is no longer than its body, but for halves of characters that become U+FFFD. */
static void hear_text(void *context, enum response_text kind, const char *piece, size_t length)
{
	struct heard *h = context;

	MUST(length > 0);
	h->text[kind] = realloc(h->text[kind], h->used[kind] + length);
	MUST(h->text[kind]);
	memcpy(h->text[kind] + h->used[kind], piece, length);
	h->used[kind] += length;
}

static void must_be_heard_the_same(struct heard *a, struct heard *b)
{
	MUST(a->token == b->token);
	for (int i = 0; i < 2; i++) {
		MUST(a->used[i] == b->used[i]);
		MUST(a->used[i] == 0 || !memcmp(a->text[i], b->text[i], a->used[i]));
		free(a->text[i]);
		free(b->text[i]);
	}
}

static const struct response_sink sink = {.token = hear_token, .text = hear_text};

static struct response read_in_pieces(
    enum response_form expected, const char *body, size_t length, size_t piece, struct heard *heard)
{
	struct response a;

	MUST(response_init(&a, &sink, heard) == 0);
	response_expect(&a, expected);
	for (size_t at = 0; at < length; at += piece) {
		size_t n = length - at < piece ? length - at : piece;
		char *copy = malloc(n); /* so that a byte too far is noticed */

		MUST(copy);
		memcpy(copy, body + at, n);
		response_feed(&a, copy, n);
		free(copy);
	}
	response_end(&a);
	response_free(&a);
	return a;
}

static void must_be_the_same(const struct response *x, const struct response *y)
{
	const struct response_facts *a = &x->facts, *b = &y->facts;

	MUST(x->form == y->form);
	MUST(!strcmp(a->id, b->id) && !strcmp(a->model, b->model));
	MUST(!strcmp(a->provider, b->provider) && !strcmp(a->finish_reason, b->finish_reason));
	MUST(!strcmp(a->error_code, b->error_code) && !strcmp(a->error_message, b->error_message));
	MUST(a->prompt_tokens == b->prompt_tokens && a->total_tokens == b->total_tokens);
	MUST(a->completion_tokens == b->completion_tokens && a->cached_tokens == b->cached_tokens);
	MUST(a->reasoning_tokens == b->reasoning_tokens);
	MUST(a->cost_usd == b->cost_usd || (isnan(a->cost_usd) && isnan(b->cost_usd)));
	MUST(a->generated.quarters == b->generated.quarters);
	MUST(a->has_choices == b->has_choices && a->has_error == b->has_error);
	MUST(a->malformed == b->malformed && a->complete == b->complete);
}

/* --- The second reading -------------------------------------------------------------------------
 */

/*
 * Whether jansson takes it; *sure is false where the two may differ: it refuses halves of surrogate
 * pairs, numbers beyond a double and \u0000 in a key, and takes a bare zero byte for the end.
 */
static bool jansson_accepts(const char *text, size_t length, bool *sure)
{
	json_error_t error;
	json_t *value = json_loadb(
	    text, length, JSON_DECODE_ANY | JSON_DECODE_INT_AS_REAL | JSON_ALLOW_NUL, &error);
	bool accepts = value != NULL;
	enum json_error_code code;

	json_decref(value);
	code = accepts ? json_error_unknown : json_error_code(&error);
	*sure = !memchr(text, '\0', length) && code != json_error_numeric_overflow &&
	        code != json_error_null_byte_in_key && (accepts || !strstr(error.text, "Unicode"));
	return accepts;
}

static bool is_blank(const char *text, size_t length)
{
	return strspn(text, " \t\n\r") == length;
}

static bool is_done(const char *text, size_t length)
{
	size_t blank = strspn(text, " \t\n\r"), left = length - blank;

	return left >= 6 && !memcmp(text + blank, "[DONE]", 6) &&
	       is_blank(text + blank + 6, left - 6);
}

struct second_reading {
	char *data; /* of the event under way, with a NUL */
	size_t length;
	bool has_data, malformed, complete, sure;
};

static void end_event(struct second_reading *r)
{
	bool sure = true;

	if (!r->has_data || r->complete)
		goto out;
	r->data[r->length] = '\0';
	if (is_blank(r->data, r->length))
		goto out;
	r->complete = is_done(r->data, r->length);
	if (!r->complete && !jansson_accepts(r->data, r->length, &sure))
		r->malformed = true;
	r->sure &= sure;
out:
	r->has_data = false;
	r->length = 0;
}

static void take_line(struct second_reading *r, const char *line, size_t length)
{
	if (length == 0) {
		end_event(r);
	} else if (length >= 4 && !memcmp(line, "data", 4) && (length == 4 || line[4] == ':')) {
		size_t skip = length == 4 ? 4 : length > 5 && line[5] == ' ' ? 6 : 5;

		if (r->has_data)
			r->data[r->length++] = '\n';
		r->has_data = true;
		memcpy(r->data + r->length, line + skip, length - skip);
		r->length += length - skip;
	}
}

static struct second_reading read_again(const char *body, size_t length)
{
	struct second_reading r = {.data = malloc(length + 1), .sure = true};
	size_t start = 0;

	MUST(r.data);
	/* White space before the first byte that says anything is left out: it is no event. */
	while (start < length && strchr(" \t\n\r", body[start]) && body[start])
		start++;
	if (length - start >= 3 && !memcmp(body + start, "\xef\xbb\xbf", 3))
		start += 3;
	for (size_t at = start; at < length; at++) {
		if (body[at] != '\n' && body[at] != '\r')
			continue;
		take_line(&r, body + start, at - start);
		if (body[at] == '\r' && at + 1 < length && body[at + 1] == '\n')
			at++;
		start = at + 1;
	}
	if (start < length)
		take_line(&r, body + start, length - start);
	r.data[r.length] = '\0';
	r.complete |= r.has_data && is_done(r.data, r.length);
	free(r.data);
	return r;
}

/* Deeper nesting is malformed here, and well there. */
static bool may_be_too_deep(const char *body, size_t length)
{
	size_t opened = 0;

	for (size_t i = 0; i < length; i++)
		opened += body[i] == '[' || body[i] == '{';
	return opened > JSON_DEPTH_MAX;
}

static void must_agree(const struct response *a, const char *body, size_t length)
{
	bool deep = may_be_too_deep(body, length), sure;

	if (a->form == RESPONSE_JSON) {
		bool accepts = jansson_accepts(body, length, &sure);

		MUST(!a->facts.complete || accepts || !sure);
		MUST(a->facts.complete || !accepts || !sure || deep);
	} else if (a->form == RESPONSE_EVENTS) {
		struct second_reading r = read_again(body, length);

		MUST(a->facts.complete == r.complete);
		MUST(a->facts.malformed == r.malformed || !r.sure || deep);
	}
}

/* --- The verdict --------------------------------------------------------------------------------
 */

static void must_be_judged_well(const struct response *a)
{
	struct evidence e = {.http_status = 200, .response = a};
	struct outcome v;

	outcome_reach(&e, &v);
	MUST(v.status == ORBUS_STATUS_OK || v.status == ORBUS_STATUS_ERROR);
	MUST((v.status == ORBUS_STATUS_OK) == (v.error_type == NULL));
	if (v.status == ORBUS_STATUS_OK)
		MUST(a->facts.complete && a->facts.has_choices && !a->facts.has_error &&
		     !a->facts.malformed);
	e.failure = FAILURE_LOST;
	e.http_status = 500;
	outcome_reach(&e, &v);
	MUST(v.status == ORBUS_STATUS_ERROR);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct request_body asked;
	struct heard in_whole = {0}, in_pieces = {0};
	struct response whole, pieces;
	const char *body;
	enum response_form expected;
	size_t piece;

	if (size < 2)
		return 0;
	expected = data[0] % 2 ? RESPONSE_EVENTS : RESPONSE_UNKNOWN;
	piece = (size_t)data[1] + 1;
	body = (const char *)data + 2;
	size -= 2;
	whole = read_in_pieces(expected, body, size, size + 1, &in_whole);
	pieces = read_in_pieces(expected, body, size, piece, &in_pieces);
	must_be_the_same(&whole, &pieces);
	must_be_heard_the_same(&in_whole, &in_pieces);
	must_agree(&whole, body, size);
	must_be_judged_well(&whole);
	request_body_read(&asked, body, size);
	return 0;
}
