/*
 * test_response.c: the facts that are read from an answer, in any framing, cut anywhere.
 */
#include "llm/response.h"
#include "orbus.h"
#include "testing.h"

#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct heard {
	unsigned tokens; /* pieces of anything generated */
	char text[512];  /* content, reasoning in brackets */
	size_t used;
};

static void hear_token(void *context)
{
	((struct heard *)context)->tokens++;
}

static void hear(struct heard *h, const char *piece, size_t length)
{
	assert_true(h->used + length < sizeof(h->text));
	memcpy(h->text + h->used, piece, length);
	h->used += length;
}

static void hear_text(void *context, enum response_text kind, const char *piece, size_t length)
{
	if (kind == RESPONSE_REASONING)
		hear(context, "<", 1);
	hear(context, piece, length);
}

static const struct response_sink sink = {.token = hear_token, .text = hear_text};

/* Reads a body in two pieces, cut at `cut`. */
static struct response_facts read_cut(
    enum response_form expected, const char *body, size_t length, size_t cut, struct heard *heard)
{
	struct response a;

	memset(heard, 0, sizeof(*heard));
	assert_int_equal(response_init(&a, &sink, heard), 0);
	response_expect(&a, expected);
	response_feed(&a, body, cut);
	response_feed(&a, body + cut, length - cut);
	response_end(&a);
	response_free(&a);
	return a.facts;
}

static void assert_same(const struct response_facts *a, const struct response_facts *b)
{
	assert_string_equal(a->id, b->id);
	assert_string_equal(a->model, b->model);
	assert_string_equal(a->provider, b->provider);
	assert_string_equal(a->finish_reason, b->finish_reason);
	assert_string_equal(a->error_code, b->error_code);
	assert_string_equal(a->error_message, b->error_message);
	assert_int_equal(a->prompt_tokens, b->prompt_tokens);
	assert_int_equal(a->completion_tokens, b->completion_tokens);
	assert_int_equal(a->total_tokens, b->total_tokens);
	assert_int_equal(a->cached_tokens, b->cached_tokens);
	assert_int_equal(a->reasoning_tokens, b->reasoning_tokens);
	assert_true(a->cost_usd == b->cost_usd || (isnan(a->cost_usd) && isnan(b->cost_usd)));
	assert_int_equal(a->generated.quarters, b->generated.quarters);
	assert_int_equal(a->has_choices, b->has_choices);
	assert_int_equal(a->has_error, b->has_error);
	assert_int_equal(a->malformed, b->malformed);
	assert_int_equal(a->complete, b->complete);
}

/* The facts, which must be the same for all cuts of the body; *text is the generated text. */
static struct response_facts read_all(enum response_form expected, const char *body, char text[512])
{
	struct heard whole, heard;
	size_t length = strlen(body);
	struct response_facts facts = read_cut(expected, body, length, 0, &whole), other;

	for (size_t cut = 1; cut <= length; cut++) {
		other = read_cut(expected, body, length, cut, &heard);
		assert_same(&facts, &other);
		assert_int_equal(heard.tokens > 0, whole.tokens > 0);
		if (!strchr(whole.text, '<'))
			assert_string_equal(heard.text, whole.text);
	}
	if (text)
		memcpy(text, whole.text, sizeof(whole.text));
	return facts;
}

#define CHUNK(delta) "{\"id\":\"gen-1\",\"model\":\"m/x\",\"choices\":[{\"delta\":{" delta "}}]}"

static const char stream[] =
    ": OPENROUTER PROCESSING\n\n"
    "data: {\"id\":\"gen-7\",\"provider\":\"Acme\",\"model\":\"acme/large\",\"choices\":[{\"index\":0,"
    "\"delta\":{\"role\":\"assistant\",\"content\":\"\"},\"finish_reason\":null}]}\n\n"
    ": OPENROUTER PROCESSING\n\n"
    "data: {\"id\":\"gen-7\",\"choices\":[{\"delta\":{\"content\":\"Hello\"}}]}\n\n"
    "data: {\"id\":\"gen-7\",\"choices\":[{\"delta\":{\"content\":\" world\"},\"finish_reason\":"
    "\"stop\"}]}\n\n"
    "data: {\"id\":\"gen-7\",\"choices\":[],\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":2,"
    "\"total_tokens\":11,\"cost\":0.00014,\"prompt_tokens_details\":{\"cached_tokens\":4},"
    "\"completion_tokens_details\":{\"reasoning_tokens\":1}}}\n\n"
    "data: [DONE]\n\n";

static void assert_is_the_stream(const struct response_facts *f, const char *text)
{
	assert_string_equal(text, "Hello world");
	assert_string_equal(f->id, "gen-7");
	assert_string_equal(f->provider, "Acme");
	assert_string_equal(f->model, "acme/large");
	assert_string_equal(f->finish_reason, "stop");
	assert_int_equal(f->prompt_tokens, 9);
	assert_int_equal(f->completion_tokens, 2);
	assert_int_equal(f->total_tokens, 11);
	assert_int_equal(f->cached_tokens, 4);
	assert_int_equal(f->reasoning_tokens, 1);
	assert_true(fabs(f->cost_usd - 0.00014) < 1e-12);
	assert_true(f->complete && f->has_choices && !f->has_error && !f->malformed);
}

static void a_stream_is_read(void **state)
{
	char text[512];
	struct response_facts f = read_all(RESPONSE_EVENTS, stream, text);

	(void)state;
	assert_is_the_stream(&f, text);
}

/* The stream with other line ends. */
static char *with_line_ends(const char *end)
{
	char *out = malloc(2 * sizeof(stream)), *to = out;

	for (const char *c = stream; *c; c++) {
		if (*c == '\n')
			to = stpcpy(to, end);
		else
			*to++ = *c;
	}
	*to = '\0';
	return out;
}

static void line_ends_are_cr_lf_or_both(void **state)
{
	static const char *const ends[] = {"\r", "\r\n"};

	(void)state;
	for (int i = 0; i < 2; i++) {
		char text[512], *body = with_line_ends(ends[i]);
		struct response_facts f = read_all(RESPONSE_EVENTS, body, text);

		assert_is_the_stream(&f, text);
		free(body);
	}
}

static void data_may_take_several_lines_and_no_space(void **state)
{
	char text[512];
	struct response_facts f = read_all(RESPONSE_EVENTS,
	    "\xef\xbb\xbf"
	    "event: message\nid: 5\nretry: 10\ndata:{\"choices\":\ndata:[{\"delta\":\n"
	    "data:{\"content\":\"two lines\"}}]}\n\ndata\n\ndata: \n\ndatax: 1\ndat: 2\n: data: 3\n"
	    "data:[DONE]\n\n",
	    text);

	(void)state;
	assert_string_equal(text, "two lines");
	assert_true(f.complete && f.has_choices && !f.malformed);
}

/* The standard has it dropped; servers forget it after their last event. */
static void done_needs_no_blank_line_at_the_end(void **state)
{
	static const char *const ends[] = {"", "\n", " \r"};

	(void)state;
	for (int i = 0; i < 3; i++) {
		char body[256];
		struct response_facts f;

		snprintf(body, sizeof(body), "data: %s\n\ndata: [DONE]%s",
		    CHUNK("\"content\":\"a\""), ends[i]);
		f = read_all(RESPONSE_EVENTS, body, NULL);
		assert_true(f.complete);
		assert_false(f.malformed);
	}
	assert_false(read_all(RESPONSE_EVENTS, "data: [DONE", NULL).complete);
	assert_false(read_all(RESPONSE_EVENTS, "data: {\"choices\":[{}]}\n", NULL).complete);
}

static void what_looks_like_done_is_not(void **state)
{
	(void)state;
	assert_false(read_all(RESPONSE_EVENTS, "data: [DONE\n\n", NULL).complete);
	assert_false(read_all(RESPONSE_EVENTS, "data: [DONE]]\n\n", NULL).complete);
	assert_true(read_all(RESPONSE_EVENTS, "data: [DONE]]\n\n", NULL).malformed);
	assert_false(read_all(RESPONSE_EVENTS, "data: \"[DONE]\"\n\n", NULL).complete);
	assert_false(read_all(RESPONSE_EVENTS, ": [DONE]\n\n", NULL).complete);
	assert_true(read_all(RESPONSE_EVENTS, "data: [DONE] \n\n", NULL).complete);
}

static void reasoning_and_tool_calls_are_generated_too(void **state)
{
	struct heard heard;
	char text[512];
	const char *body =
	    "data: " CHUNK("\"reasoning\":\"hm\",\"reasoning_content\":\"hm\"") "\n\n";
	struct response_facts f = read_all(RESPONSE_EVENTS, body, text);

	(void)state;
	assert_string_equal(text, "<hm");
	assert_int_equal(f.generated.quarters, 2); /* said twice, counted once */
	body = "data: " CHUNK("\"tool_calls\":[{\"index\":0,\"function\":{\"name\":\"look\","
			      "\"arguments\":\"{}\"}}]") "\n\n";
	f = read_cut(RESPONSE_EVENTS, body, strlen(body), 0, &heard);
	assert_int_equal(heard.tokens, 2);
	assert_string_equal(heard.text, "");
	assert_int_equal(f.generated.quarters, 6);
}

static void reasoning_in_parts_and_custom_tools_are_generated_too(void **state)
{
	struct heard heard;
	char text[512];
	const char *body = "data: " CHUNK(
	    "\"reasoning\":\"hm\",\"reasoning_details\":[{\"type\":\"reasoning.text\",\"text\":\"hm\"}]") "\n\n";
	struct response_facts f = read_all(RESPONSE_EVENTS, body, text);

	(void)state;
	assert_string_equal(text, "<hm");
	body = "data: " CHUNK("\"reasoning_details\":[{\"summary\":\"so\"}]") "\n\n";
	read_all(RESPONSE_EVENTS, body, text);
	assert_string_equal(text, "<so");
	body = "data: " CHUNK("\"reasoning_details\":[{\"data\":\"gAAA\"}]") "\n\n";
	f = read_cut(RESPONSE_EVENTS, body, strlen(body), 0, &heard);
	assert_int_equal(heard.tokens, 1); /* something was generated; how much is encrypted */
	assert_int_equal(f.generated.quarters, 0);
	body = "data: " CHUNK(
	    "\"tool_calls\":[{\"custom\":{\"name\":\"sh\",\"input\":\"ls\"}}]") "\n\n";
	f = read_cut(RESPONSE_EVENTS, body, strlen(body), 0, &heard);
	assert_int_equal(heard.tokens, 2);
	assert_int_equal(f.generated.quarters, 4);
}

#define BOTH(first, second) "data: {\"choices\":[{" first "," second "}]}\n\n"

static void assert_reads(const char *body, const char *wanted)
{
	char text[512];
	struct response_facts f = read_all(RESPONSE_EVENTS, body, text);

	assert_string_equal(text, wanted);
	assert_int_equal(f.generated.quarters, strlen(wanted));
}

/* Some APIs send `text` beside the delta; some all that was said so far as `message`. */
static void what_is_said_under_two_names_counts_once(void **state)
{
	static const char only_message[] =
	    "data: {\"choices\":[{\"message\":{\"content\":\"hi\"}}]}\n\n";
	struct heard heard;

	(void)state;
	read_cut(RESPONSE_EVENTS, only_message, strlen(only_message), 0, &heard);
	assert_int_equal(heard.tokens, 1);
	assert_reads(BOTH("\"delta\":{\"content\":\"Hel\"}", "\"text\":\"Hel\"")
			 BOTH("\"delta\":{\"content\":\"lo\"}", "\"text\":\"lo\""),
	    "Hello");
	assert_reads(BOTH("\"text\":\"Hel\"", "\"delta\":{\"content\":\"Hel\"}")
			 BOTH("\"text\":\"lo\"", "\"delta\":{\"content\":\"lo\"}"),
	    "Hello");
	assert_reads(
	    BOTH("\"message\":{\"content\":\"Hel\"}", "\"delta\":{\"content\":\"Hel\"}")
		BOTH("\"message\":{\"content\":\"Hello\"}", "\"delta\":{\"content\":\"lo\"}"),
	    "Hello");
	assert_reads(
	    BOTH("\"delta\":{\"content\":\"Hello\"}", "\"message\":{\"content\":\"Hello\"}"),
	    "Hello");
	assert_reads(
	    "{\"choices\":[{\"message\":{\"content\":\"Hello\"},\"text\":\"Hello\"}]}", "Hello");
}

static void nothing_is_generated_by_a_role_or_a_comment(void **state)
{
	struct heard heard;
	const char *body =
	    ": PROCESSING\n\ndata: " CHUNK("\"role\":\"assistant\",\"content\":\"\","
					   "\"reasoning\":null,\"tool_calls\":[]") "\n\n";

	(void)state;
	read_cut(RESPONSE_EVENTS, body, strlen(body), 0, &heard);
	assert_int_equal(heard.tokens, 0);
}

static void a_whole_completion_is_read(void **state)
{
	char text[512];
	struct response_facts f = read_all(RESPONSE_UNKNOWN,
	    "\n \n{\"id\":\"gen-2\",\"object\":\"chat.completion\",\"model\":\"m\",\"choices\":[{"
	    "\"finish_reason\":\"length\",\"message\":{\"content\":[{\"type\":\"text\",\"text\":\"in "
	    "parts\"}]}}],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":5,\"cost\":null}}\n",
	    text);

	(void)state;
	assert_string_equal(text, "in parts");
	assert_string_equal(f.finish_reason, "length");
	assert_int_equal(f.completion_tokens, 5);
	assert_int_equal(f.total_tokens, ORBUS_NONE);
	assert_true(isnan(f.cost_usd));
	assert_true(f.complete && f.has_choices && !f.has_error);
}

static void a_cut_off_completion_is_malformed(void **state)
{
	struct response_facts f =
	    read_all(RESPONSE_UNKNOWN, "{\"choices\":[{\"message\":{\"content\":\"Hel", NULL);

	(void)state;
	assert_true(f.malformed && !f.complete);
}

static void assert_error(const char *body, const char *code, const char *message)
{
	struct response_facts f = read_all(RESPONSE_EVENTS, body, NULL);

	assert_true(f.has_error);
	assert_string_equal(f.error_code, code);
	assert_string_equal(f.error_message, message);
}

static void errors_are_understood_in_every_shape(void **state)
{
	static const char cut[] = "data: {\"code\":7,\"message\":\"x\",\"cho";
	struct heard heard;

	(void)state;
	assert_error("{\"error\":{\"code\":429,\"message\":\"slow down\"}}", "429", "slow down");
	assert_error("{\"error\":\"no such model\"}", "", "no such model");
	assert_error("[{\"error\":{\"code\":\"401\",\"message\":\"who?\"}}]", "401", "who?");
	assert_error(
	    "data: {\"error\":{\"code\":\"server_error\",\"message\":\"gone\"},\"choices\":[{"
	    "\"delta\":{\"content\":\"\"},\"finish_reason\":\"error\"}]}\n\n",
	    "server_error", "gone");
	assert_error("data: {\"choices\":[{\"finish_reason\":\"error\"}]}\n\n", "", "");
	assert_error(
	    "data: {\"choices\":[{\"error\":{\"code\":502,\"message\":\"up\"}}]}\n\n", "502", "up");
	assert_error("data: {\"object\":\"error\",\"message\":\"full\",\"code\":40303}\n\n",
	    "40303", "full");
	assert_error("data: {\"code\":500,\"message\":\"boom\"}\n\n", "500", "boom");
	assert_error("data: {\"detail\":\"boom\"}", "", "boom");
	assert_error("event: error\ndata: {\"message\":\"boom\",\"usage\":{}}\n\n", "", "boom");
	assert_error("event:x\nevent:error\ndata: Internal Server Error\n\n", "", "");
	assert_error("data: [{\"error\":{\"code\":400,\"message\":\"no\"}}]\n\n", "400", "no");
	assert_error("{\"code\":\"limit\",\"message\":\"boom\"}", "limit", "boom");
	assert_false(
	    read_all(RESPONSE_UNKNOWN, "{\"error\":null,\"choices\":[{}]}", NULL).has_error);
	assert_false(read_all(RESPONSE_EVENTS,
	    "event: errors\ndata: {\"choices\":[],\"code\":7}\n\nevent: error\n\ndata: {\"code\":0}\n\n"
	    "data: {\"message\":\"done\",\"usage\":{\"prompt_tokens\":1}}\n\ndata: {\"code\":200}\n\n",
	    NULL)
			 .has_error);
	assert_false(read_all(RESPONSE_EVENTS, "data: [{\"choices\":[]}]\n\n", NULL).malformed);
	assert_false(read_all(RESPONSE_EVENTS,
	    "data: {\"code\":0,\"message\":\"Success\"}\n\n"
	    "data: {\"message\":\"Success\",\"code\":200}\n\n",
	    NULL)
			 .has_error);
	/* Cut off before it came to its choices. */
	assert_false(read_cut(RESPONSE_EVENTS, cut, strlen(cut), 0, &heard).has_error);
	assert_false(read_cut(RESPONSE_UNKNOWN, cut + 6, strlen(cut) - 6, 0, &heard).has_error);
}

static void usage_may_come_more_than_once_and_with_choices(void **state)
{
	struct response_facts f = read_all(RESPONSE_EVENTS,
	    "data: {\"usage\":{\"completion_tokens\":1}}\n\n"
	    "data: {\"choices\":[{\"delta\":{\"content\":\"\"},\"finish_reason\":\"stop\"}],"
	    "\"usage\":{\"completion_tokens\":12}}\n\n"
	    "data: {\"choices\":[],\"usage\":null}\n\n",
	    NULL);

	(void)state;
	assert_int_equal(f.completion_tokens, 12);
}

static void absurd_figures_are_absent(void **state)
{
	struct response_facts f = read_all(RESPONSE_UNKNOWN,
	    "{\"usage\":{\"prompt_tokens\":-1,\"completion_tokens\":1e300,\"total_tokens\":1.5,"
	    "\"cost\":-0.1,\"prompt_tokens_details\":{\"cached_tokens\":\"7\"}}}",
	    NULL);

	(void)state;
	assert_int_equal(f.prompt_tokens, ORBUS_NONE);
	assert_int_equal(f.completion_tokens, ORBUS_NONE);
	assert_int_equal(f.total_tokens, ORBUS_NONE);
	assert_int_equal(f.cached_tokens, ORBUS_NONE);
	assert_true(isnan(f.cost_usd));
}

static void long_names_are_cut_on_a_character(void **state)
{
	char body[512] = "{\"provider\":\"", *to = body + strlen(body);
	struct response_facts f;

	(void)state;
	for (int i = 0; i < 50; i++)
		to = stpcpy(to, "\xc3\xa9");
	strcpy(to, "\"}");
	f = read_all(RESPONSE_UNKNOWN, body, NULL);
	assert_int_equal(strlen(f.provider), 62);
}

static void tokens_are_estimated_by_script(void **state)
{
	struct token_estimate t = {0};

	(void)state;
	token_estimate_add(&t, "Hello world!", 12);
	assert_int_equal(token_estimate_tokens(&t), 3);
	token_estimate_add(&t, "\xe4\xbd\xa0\xe5\xa5\xbd", 6);
	assert_int_equal(token_estimate_tokens(&t), 5);
	token_estimate_add(&t, "\xd0\xb4\xd0\xb0", 4);
	assert_int_equal(token_estimate_tokens(&t), 6);
}

/* The prefix that is not read again must not be taken for more than it is. */
static void events_that_begin_alike_are_read_alike(void **state)
{
	char text[512];
	struct response_facts f = read_all(RESPONSE_EVENTS,
	    "data: " CHUNK("\"content\":\"a\"") "\n\ndata: " CHUNK(
		"\"content\":\"\\nb\"") "\n\n"
					"data: " CHUNK("\"content\":\"bad \xff\"") "\n\ndata: " CHUNK(
					    "\"content\":\"c\"") "\n\n"
								 "data: " CHUNK("\"content\":\"\"") "\n\ndata: " CHUNK(
								     "\"content\":\"\\ud83d d\"") "\n\n"
												  "data: " CHUNK(
												      "\"content\":\"e\"") "\n\n"
															   "data: {\"id\":\"gen-2\",\"usage\":{\"completion_tokens\":7}}\n\n"
															   "data: " CHUNK(
															       "\"content\":\"f\"},\"finish_reason\":\"stop\",\"x\":{") "\n\n"
																							"data: [DONE]\n\n",
	    text);

	(void)state;
	assert_string_equal(text, "a\nbbad c\xef\xbf\xbd def");
	assert_string_equal(f.id, "gen-1");
	assert_string_equal(f.finish_reason, "stop");
	assert_int_equal(f.completion_tokens, 7);
	assert_true(f.malformed && f.complete);
}

static void a_gigabyte_without_an_end_takes_no_memory(void **state)
{
	size_t piece = 1 << 20;
	char *bytes = malloc(piece);
	struct heard heard = {0};
	struct response_sink silent = {.token = hear_token};
	struct response a;

	(void)state;
	memset(bytes, 'x', piece);
	assert_int_equal(response_init(&a, &silent, &heard), 0);
	response_expect(&a, RESPONSE_EVENTS);
	response_feed(&a, "data: {\"choices\":[{\"delta\":{\"content\":\"", 39);
	for (int i = 0; i < 1024; i++)
		response_feed(&a, bytes, piece);
	response_feed(&a, "\"}}]}\n\ndata: [DONE]\n\n", 21);
	response_end(&a);
	assert_true(a.facts.complete && !a.facts.malformed);
	assert_int_equal(a.facts.generated.quarters, UINT64_C(1) << 30);
	response_free(&a);
	free(bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_stream_is_read),
	    cmocka_unit_test(line_ends_are_cr_lf_or_both),
	    cmocka_unit_test(data_may_take_several_lines_and_no_space),
	    cmocka_unit_test(done_needs_no_blank_line_at_the_end),
	    cmocka_unit_test(what_looks_like_done_is_not),
	    cmocka_unit_test(reasoning_and_tool_calls_are_generated_too),
	    cmocka_unit_test(reasoning_in_parts_and_custom_tools_are_generated_too),
	    cmocka_unit_test(what_is_said_under_two_names_counts_once),
	    cmocka_unit_test(nothing_is_generated_by_a_role_or_a_comment),
	    cmocka_unit_test(a_whole_completion_is_read),
	    cmocka_unit_test(a_cut_off_completion_is_malformed),
	    cmocka_unit_test(errors_are_understood_in_every_shape),
	    cmocka_unit_test(usage_may_come_more_than_once_and_with_choices),
	    cmocka_unit_test(absurd_figures_are_absent),
	    cmocka_unit_test(long_names_are_cut_on_a_character),
	    cmocka_unit_test(tokens_are_estimated_by_script),
	    cmocka_unit_test(events_that_begin_alike_are_read_alike),
	    cmocka_unit_test(a_gigabyte_without_an_end_takes_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
