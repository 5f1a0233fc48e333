/*
 * test_echo.c: what a server's text may repeat of a request and of its keys.
 *
 * fuzz_private.c compares the judge with a second one; this file says what it must mean.
 */
#include "llm/call.h"
#include "llm/call_words.h"
#include "llm/echo.h"
#include "llm/secret.h"
#include "testing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_withheld(const char *body, const char *said, bool free_form)
{
	struct echo_text t = {said, free_form, false};

	echo_judge(body, body ? strlen(body) : 0, &t, 1);
	return t.withheld;
}

/* What a chat asks, in a body that says little else. */
static bool repeats(const char *asked_as_json, const char *said)
{
	char body[4096];

	snprintf(body, sizeof(body),
	    "{\"model\": \"acme/large-2024-turbo\", \"messages\": [{\"role\": \"user\", \"content\": \"%s\"}]}",
	    asked_as_json);
	return is_withheld(body, said, true);
}

static void twelve_characters_are_the_limit(void **state)
{
	(void)state;
	assert_true(repeats("xxabcdefghijklxx", "bad: abcdefghijkl!"));
	assert_false(repeats("xxabcdefghijkxx", "bad: abcdefghijkl!"));
	assert_false(repeats("abcdefghijk", "abcdefghijk"));
	/* Characters, not bytes. */
	assert_true(repeats("日本語日本語日本語日本語", "bad: 日本語日本語日本語日本語"));
	assert_false(repeats("日本語日本語日本語日本", "bad: 日本語日本語日本語日本"));
}

static void a_copy_is_found_however_it_is_spelled(void **state)
{
	static const struct {
		const char *asked, *said;
	} cases[] = {
	    {"Caf\\u00e9 \\u00e0 Lyon?", "no: Café à Lyon?"},
	    {"Café à Lyon?", "no: Caf\\u00e9 \\u00E0 Lyon?"},
	    {"Café à Lyon?", "no: {\\\"content\\\": \\\"Caf\\\\u00e9 \\\\u00e0 Lyon?\\\"}"},
	    {"one\\ntwo\\tthree", "no: one two three"},
	    {"one\\ntwo\\tthree", "no: one\\ntwo\\tthree"},
	    {"one two three four", "no: ONE  TWO\n  THREE FOUR"},
	    {"http:\\/\\/a.b\\/c?d", "no: http://a.b/c?d"},
	    {"http://a.b/c/d/e/f", "no: http:\\/\\/a.b\\/c\\/d\\/e\\/f"},
	    {"a \\\"b\\\" <c> & d's", "no: a &quot;b&quot; &lt;c&gt; &amp; d&#39;s"},
	    {"my private prompt", "no: my%20private%20prompt"},
	    {"my private prompt", "no: my+private+prompt"},
	    {"\\ud83d\\ude00 smile for me", "no: 😀 smile for me"},
	    {"😀 smile for me", "no: \\ud83d\\ude00 smile for me"},
	    {"C:\\\\new\\\\table\\\\x", "no: C:\\new\\table\\x"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (!repeats(cases[i].asked, cases[i].said))
			fail_msg("%s: %s", cases[i].asked, cases[i].said);
}

static void all_that_a_request_says_counts(void **state)
{
	static const char *const bodies[] = {
	    "{\"prompt\": \"my private prompt\"}",
	    "{\"prompt\": [\"a\", \"my private prompt\"]}",
	    "{\"input\": \"my private prompt\"}",
	    "{\"input\": [\"my private prompt\"]}",
	    "{\"input\": [{\"role\": \"user\", \"content\": [{\"type\": \"input_text\", \"text\": \"my private prompt\"}]}]}",
	    "{\"instructions\": \"my private prompt\"}",
	    "{\"system\": [{\"type\": \"text\", \"text\": \"my private prompt\"}]}",
	    "{\"messages\": [{\"role\": \"assistant\", \"tool_calls\": [{\"id\": \"1\", \"function\": {\"name\": "
	    "\"f\", \"arguments\": \"{\\\"a\\\": \\\"my private prompt\\\"}\"}}]}]}",
	    "{\"messages\": [{\"content\": [{\"type\": \"tool_use\", \"input\": {\"type\": \"my private prompt\"}}]}]}",
	    "{\"messages\": [{\"content\": [{\"type\": \"image_url\", \"image_url\": {\"url\": \"my private prompt\"}}]}]}",
	    "{\"tools\": [{\"function\": {\"name\": \"f\", \"description\": \"my private prompt\"}}]}",
	    "{\"user\": \"my private prompt\"}",
	    "{\"metadata\": {\"name\": \"my private prompt\"}}",
	    "{\"prediction\": {\"model\": \"my private prompt\"}}",
	    "[\"my private prompt\"]",
	    "\"my private prompt\"",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++)
		if (!is_withheld(bodies[i], "your my private prompt is bad", true))
			fail_msg("%s", bodies[i]);
	assert_true(is_withheld("{\"prompt\": [15496, 11, 616, 2839, 6152]}",
	    "bad tokens [15496, 11, 616, 2839]", true));
}

static void an_honest_error_is_kept(void **state)
{
	static const char body[] =
	    "{\"model\": \"acme/large-2024-turbo\", \"models\": [\"acme/other-2024\"], \"max_tokens\": 128000,"
	    "\"provider\": {\"order\": [\"Amazon Bedrock\"]}, \"response_format\": {\"type\": \"json_schema\"},"
	    "\"tools\": [{\"type\": \"function\", \"function\": {\"name\": \"get_current_weather\","
	    "\"parameters\": {\"type\": \"object\"}}}], \"messages\": [{\"role\": \"assistant\", \"tool_calls\":"
	    "[{\"id\": \"call_0123456789abcdef\", \"type\": \"function\", \"function\": {\"name\":"
	    "\"get_current_weather\"}}]}, {\"role\": \"tool\", \"tool_call_id\": \"call_0123456789abcdef\","
	    "\"content\": \"Rain.\"}, {\"role\": \"user\", \"content\": \"Is that an error, or not? Rate it.\"}]}";
	static const char *const errors[] = {
	    "The model `acme/large-2024-turbo` does not exist or you do not have access to it.",
	    "acme/other-2024 is not a valid model ID",
	    "No allowed providers are available: Amazon Bedrock",
	    "Invalid schema for function 'get_current_weather': object",
	    "No tool call found for call_0123456789abcdef.",
	    "Invalid parameter: 'response_format.type' must be 'json_schema'",
	    "Unsupported value: 'max_tokens' is 128000 at most.",
	    "Rate limit reached for requests. Limit: 60 / min. Please try again in 1s.",
	    "This endpoint's maximum context length is 128000 tokens. However, you requested about 130000",
	    "Provider returned error",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
		if (is_withheld(body, errors[i], true))
			fail_msg("%s", errors[i]);
	assert_false(is_withheld(body, "Amazon Bedrock", false));
	assert_false(is_withheld(body, "call_0123456789abcdef", false));
}

static void what_was_not_seen_lets_identifiers_pass(void **state)
{
	static const char *const unseen[] = {
	    NULL, "", "model=m&prompt=x", "{\"prompt\": \"cut off"};

	(void)state;
	for (size_t i = 0; i < sizeof(unseen) / sizeof(unseen[0]); i++) {
		assert_true(is_withheld(unseen[i], "some words of a server", true));
		assert_true(is_withheld(unseen[i], "an-identifier-of-a-server", true));
		assert_true(is_withheld(unseen[i], "some words of a server", false));
		assert_true(is_withheld(unseen[i], "日本語日本語日本語日本語", false));
		assert_false(is_withheld(unseen[i], "openai/gpt-4o-2024-08-06:free", false));
		assert_false(is_withheld(unseen[i], "short words", true));
		assert_false(is_withheld(unseen[i], NULL, true));
	}
}

static void words_of_the_apis_pass(void **state)
{
	(void)state;
	assert_true(echo_is_known_reason("content_filter"));
	assert_false(echo_is_known_reason("my private prompt"));
	assert_true(echo_is_asked_model("openai/gpt-4-turbo", "openai/gpt-4-turbo"));
	assert_true(echo_is_asked_model("openai/gpt-4-turbo-2024-04-09", "OpenAI/gpt-4-turbo"));
	assert_false(
	    echo_is_asked_model("openai/gpt-4-turbo my private prompt", "openai/gpt-4-turbo"));
	assert_false(echo_is_asked_model("openai/gpt-4-turbo", ""));
	assert_false(echo_is_asked_model("openai/gpt-4-turbo", NULL));
}

/* The end of a body of megabytes is looked at as its beginning is, wherever a piece of it ends. */
static void a_run_is_found_wherever_it_is(void **state)
{
	size_t length = 200000;
	char *body = malloc(length);

	(void)state;
	assert_non_null(body);
	for (size_t at = 14; at < 2200; at++) {
		memset(body, 'x', 2300);
		memcpy(body, "{\"prompt\": \"", 12);
		memcpy(body + at, "abcdefghijkl", 12);
		memcpy(body + 2298, "\"}", 3);
		assert_true(is_withheld(body, "no: abcdefghijkl", true));
		assert_false(is_withheld(body, "no: abcdefghijkmnop", false));
	}
	for (size_t at = 65480; at < 65560; at++) {
		memset(body, 'x', length);
		memcpy(body, "{\"prompt\": \"", 12);
		memcpy(body + at, "abcdef\\u0067hijkl", 17);
		memcpy(body + length - 3, "\"}", 3);
		assert_true(is_withheld(body, "no: abcdefghijkl", true));
	}
	free(body);
}

/*
 * A server that knows a long request chooses its text so that each comparison goes on for long and
 * finds nothing. What took minutes without a bound is given up, and the text withheld.
 */
static void the_time_is_bounded(void **state)
{
	size_t length = 8 << 20;
	char *body = malloc(length + 1), said[320];

	(void)state;
	assert_non_null(body);
	memset(body, 'a', length);
	memcpy(body, "{\"prompt\": \"", 12);
	for (size_t i = 22; i < length - 2; i += 11)
		body[i] = 'b' + (char)(i / 11 % 2);
	memcpy(body + length - 2, "\"}", 3);
	for (size_t i = 0; i < sizeof(said) - 1; i++)
		said[i] = i % 11 == 10 ? (i % 3 ? 'x' : 'y') : 'a';
	said[sizeof(said) - 1] = '\0';
	/* Within the time limit of the whole test. */
	for (int i = 0; i < 20; i++)
		is_withheld(body, said, true);
	free(body);
}

/* --- Keys ------------------------------------------------------------------------------------- */

static void assert_masked(const char *secrets, const char *text, const char *wanted)
{
	char copy[256];

	snprintf(copy, sizeof(copy), "%s", text);
	secret_mask(copy, secrets);
	assert_string_equal(copy, wanted);
}

/* These hung for ever. */
static void a_key_of_asterisks_is_masked_in_time(void **state)
{
	char secret[64];

	(void)state;
	for (size_t n = 1; n < sizeof(secret); n++) {
		char text[256];

		memset(secret, '*', n);
		secret[n] = '\0';
		snprintf(text, sizeof(text), "no such key: %s.", secret);
		assert_masked(secret, text, text);
		assert_masked(secret, secret, secret);
	}
	assert_masked("sk-****************", "bad sk-****************", "bad *******************");
	assert_masked("", "text", "text");
	assert_masked("\n\n", "text", "text");
}

static void keys_are_masked(void **state)
{
	(void)state;
	assert_masked("abcdefghijkl", "no abcdefghijkl here", "no ************ here");
	assert_masked("abcdefghijkl", "no cdefghij here", "no ******** here");
	assert_masked("abcdefghijkl", "no cdefghi here", "no cdefghi here");
	assert_masked("abcdefghijkl", "cut off: abcde", "cut off: *****");
	assert_masked("abcdefghijkl", "cut off: abc", "cut off: abc");
	assert_masked("one-key-1\ntwo-key-2", "one-key-1, two-key-2", "*********, *********");
	assert_masked("abcd", "no abcd", "no ****");
	assert_masked("abc", "no abc", "no abc");
	assert_masked("ababababab", "abababababab", "**********ab");
	assert_masked(NULL, "another's sk-or-v1-0123, task-0123456789",
	    "another's *************, task-0123456789");
	assert_true(secret_is_in("gen-abcdefghijkl", "abcdefghijkl"));
	assert_false(secret_is_in("gen-abcdefghijk", "abcdefghijkl"));
	assert_false(secret_is_in("ollama/llama3", "ollama"));
	assert_true(secret_is_in("sk-or-v1-0123", NULL));
}

/* Keys that no program of ours has sent, as their vendors write them. None of these is one. */
static void keys_of_any_vendor_are_masked(void **state)
{
	static const char *const keys[] = {"sk-proj-Ab1_c-2DefGh", "sk-ant-api03-Zz_9-Yy8Xx7",
	    "sk-or-v1-0123456789abcdef", "AIzaSyD-0123456789abcdefghijklmnopq_rs",
	    "hf_AbCdEfGhIjKlMnOpQrStUvWxYz012345", "gsk_0123456789abcdefghijWGdyb3FY",
	    "xai-0123456789abcdefghijABCDEFGHIJ", "r8_0123456789abcdefghijABCDEF",
	    "pplx-0123456789abcdef0123", "nvapi-0123_456789-abcdefg", "csk-0123456789abcdef0123",
	    "tgp_v1_0123456789abc-defg", "fw_0123456789abcdefgh", "sk_0123456789abcdef0123",
	    "ghp_0123456789abcdefghij", "github_pat_0123456789_abcdefghij", "AKIA0123456789ABCDEF",
	    "ya29.a0123456789abcdefgh", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
	    "dapi0123456789abcdef0123456789abcdef"};
	static const char *const around[][2] = {{"", ""}, {"bad key: ", "."}, {"(", ")"},
	    {"key=", "&x"}, {"\\n", "\\n"}, {"a%20", "%20b"}, {"OPENAI_KEY_", " "}, {"日本", "語"}};

	(void)state;
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		for (size_t j = 0; j < sizeof(around) / sizeof(around[0]); j++) {
			char text[256], wanted[256], stars[128];
			/*
			 * Characters that may belong to a key of this vendor are taken as part of
			 * it.
			 */
			const char *after =
			    around[j][1][0] == '.' && strchr(keys[i], '.') ? "!" : around[j][1];

			memset(stars, '*', sizeof(stars));
			stars[strlen(keys[i])] = '\0';
			snprintf(text, sizeof(text), "%s%s%s", around[j][0], keys[i], after);
			snprintf(wanted, sizeof(wanted), "%s%s%s", around[j][0], stars, after);
			assert_masked(NULL, text, wanted);
			assert_true(secret_is_in(text, NULL));
		}
	}
	assert_masked(NULL, "Authorization: Bearer abc12345xyz, bearer: Qq==/+~9-_.",
	    "Authorization: Bearer ***********, bearer: ***********");
	assert_masked(NULL, "Basic dXNlcjpwYXNz and Bearer%20tok12345",
	    "Basic ************ and Bearer%20********");
	/* Ours has 8 characters in common with another's. */
	assert_masked(
	    "sk-test-0123456789", "no AIzaSyD-0123456789abcdef", "no ************************");
	assert_masked(NULL, "two: hf_AbCdEfGhIjKlMnOp,gsk_AbCdEfGhIjKlMnOp",
	    "two: *******************,********************");
}

static void what_looks_like_no_key_stays(void **state)
{
	static const char *const texts[] = {"xai-grok-4-0709", "x-ai/grok-4", "hf_some_model",
	    "task-0123456789", "risk-free-0123456789", "pplx-7b-online",
	    "Bearer authentication is required", "Bearer Authentication.", "Basic realm=\"x\"",
	    "no bearer", "Bearer", "gen-1700000000-abc", "acme/large-2024", "AIza", "eyJ",
	    "chatcmpl-AbCdEfGhIjKlMnOpQrStUv", "msg_01AbCdEfGhIjKlMnOpQrStUv"};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		assert_masked(NULL, texts[i], texts[i]);
		assert_false(secret_is_in(texts[i], NULL));
	}
}

/* Masking and the cut to what is published go together: no rest of a key is left at the end. */
static void a_key_at_the_end_of_a_long_message_is_masked(void **state)
{
	const struct llm_call_options asked = {.request = "{}", .request_bytes = 2};
	char out[OUTCOME_MESSAGE_BYTES];

	(void)state;
	for (size_t before = 0; before < 2 * ORBUS_ERROR_MESSAGE_MAX; before++) {
		char said[1024];

		memset(said, '-', before);
		strcpy(said + before, " sk-or-v1-0123456789abcdef");
		assert_true(llm_call_quote(&asked, said, out));
		out[strlen(out) < ORBUS_ERROR_MESSAGE_MAX ? strlen(out) : ORBUS_ERROR_MESSAGE_MAX] =
		    '\0';
		assert_null(strstr(out, "sk-"));
	}
}

static void assert_secrets(const char *url, const char *wanted)
{
	char secrets[SECRET_URL_BYTES];

	secret_of_url(url, secrets);
	assert_string_equal(secrets, wanted);
}

static void keys_in_urls_are_known(void **state)
{
	char url[2 * SECRET_URL_BYTES], secrets[SECRET_URL_BYTES];

	(void)state;
	assert_secrets("https://openrouter.ai/api/v1/chat/completions?a=b", "");
	assert_secrets("https://user:pass%2Fword@host/?x", "pass%2Fword\npass/word\n");
	assert_secrets("https://token@host:80", "token\n");
	assert_secrets("https://host/?a=b@c&key=AIza1&api-version=2024&sig=s%2Bg#key=no",
	    "AIza1\ns%2Bg\ns+g\n");
	assert_secrets("https://host/?key&key=&%", "");
	assert_secrets("no URL", "");
	assert_secrets(NULL, "");
	memset(url, 'k', sizeof(url));
	memcpy(url, "http://h/?key=", 14);
	url[sizeof(url) - 1] = '\0';
	secret_of_url(url, secrets);
	assert_true(strlen(secrets) >= SECRET_URL_BYTES - 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(twelve_characters_are_the_limit),
	    cmocka_unit_test(a_copy_is_found_however_it_is_spelled),
	    cmocka_unit_test(all_that_a_request_says_counts),
	    cmocka_unit_test(an_honest_error_is_kept),
	    cmocka_unit_test(what_was_not_seen_lets_identifiers_pass),
	    cmocka_unit_test(words_of_the_apis_pass),
	    cmocka_unit_test(a_run_is_found_wherever_it_is),
	    cmocka_unit_test(the_time_is_bounded),
	    cmocka_unit_test(a_key_of_asterisks_is_masked_in_time),
	    cmocka_unit_test(keys_are_masked),
	    cmocka_unit_test(keys_of_any_vendor_are_masked),
	    cmocka_unit_test(what_looks_like_no_key_stays),
	    cmocka_unit_test(a_key_at_the_end_of_a_long_message_is_masked),
	    cmocka_unit_test(keys_in_urls_are_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
