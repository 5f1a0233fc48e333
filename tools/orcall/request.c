/*
 * request.c: what orcall sends: address, headers, body.
 */
#include "request.h"
#include "base/utf8.h"
#include "common/print.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PROMPT_MAX_BYTES (16 << 20)

static int fail(const char *what)
{
	fprintf(stderr, "orcall: %s\n", what);
	return CLI_FAILED;
}

/* --- The prompt ------------------------------------------------------------------------------- */

static char *join(char **words)
{
	size_t bytes = 1;
	char *text, *to;

	for (char **w = words; *w; w++)
		bytes += strlen(*w) + 1;
	text = to = malloc(bytes);
	if (!text)
		return NULL;
	*to = '\0';
	for (char **w = words; *w; w++) {
		if (w != words)
			*to++ = ' ';
		to = stpcpy(to, *w);
	}
	return text;
}

/* All of standard input, without the line feed at its end. */
static int read_input(char **out)
{
	char *text = malloc(PROMPT_MAX_BYTES + 2);
	size_t length;

	*out = text;
	if (!text)
		return fail("out of memory");
	length = fread(text, 1, PROMPT_MAX_BYTES + 1, stdin);
	if (ferror(stdin)) {
		fprintf(stderr, "orcall: cannot read standard input: %s\n", strerror(errno));
		return CLI_FAILED;
	}
	if (length > PROMPT_MAX_BYTES)
		return fail("the prompt on standard input is longer than 16 MiB: shorten it");
	if (memchr(text, '\0', length))
		return fail("the prompt on standard input is not text: it holds a zero byte");
	while (length > 0 && (text[length - 1] == '\n' || text[length - 1] == '\r'))
		length--;
	text[length] = '\0';
	return CLI_PROCEED;
}

static int read_prompt(char **operands, char **out)
{
	int status = CLI_PROCEED;

	*out = NULL;
	if (*operands && !(strcmp(*operands, "-") == 0 && !operands[1]))
		*out = join(operands);
	else if (!*operands && isatty(STDIN_FILENO))
		return cli_usage_error(
		    &orcall_program, "no prompt: give it as an argument, or on standard input");
	else
		status = read_input(out);
	if (status != CLI_PROCEED)
		return status;
	if (!*out)
		return fail("out of memory");
	if (!**out)
		return cli_usage_error(&orcall_program, "the prompt is empty");
	if (!utf8_is_valid(*out, strlen(*out)))
		return cli_usage_error(&orcall_program, "the prompt is not valid UTF-8");
	return CLI_PROCEED;
}

/* --- Models and bodies ------------------------------------------------------------------------ */

static int split_models(struct orcall_request *r, const char *list)
{
	for (const char *at = list;; at++) {
		size_t length = strcspn(at, ",");

		if (length == 0)
			return cli_usage_error(&orcall_program,
			    "--model: '%.200s' names an empty model: separate names by one comma",
			    list);
		if (r->model_count == ORCALL_MODELS_MAX)
			return cli_usage_error(
			    &orcall_program, "--model: at most %d models", ORCALL_MODELS_MAX);
		r->models[r->model_count] = strndup(at, length);
		if (!r->models[r->model_count++])
			return fail("out of memory");
		at += length;
		if (!*at)
			return CLI_PROCEED;
	}
}

static json_t *message(const char *role, const char *text)
{
	return json_pack("{s:s, s:s}", "role", role, "content", text);
}

static char *make_body(const struct orcall_settings *s, const char *model, const char *prompt)
{
	json_t *messages = json_array(), *body;
	char *text = NULL;

	if (s->system)
		json_array_append_new(messages, message("system", s->system));
	json_array_append_new(messages, message("user", prompt));
	body = json_pack(
	    "{s:s, s:o, s:b}", "model", model, "messages", messages, "stream", (int)!s->no_stream);
	/* OpenRouter always reports usage; OpenAI and its kin do so in streams when asked. */
	if (body && !s->no_stream)
		json_object_set_new(body, "stream_options", json_pack("{s:b}", "include_usage", 1));
	if (body && s->max_tokens)
		json_object_set_new(body, "max_tokens", json_integer((json_int_t)s->max_tokens));
	if (body)
		text = json_dumps(body, JSON_COMPACT);
	json_decref(body);
	return text;
}

static int make_bodies(
    struct orcall_request *r, const struct orcall_settings *s, const char *prompt)
{
	for (size_t i = 0; i < r->model_count; i++) {
		r->bodies[i] = make_body(s, r->models[i], prompt);
		if (!r->bodies[i])
			return fail("out of memory");
	}
	return CLI_PROCEED;
}

/* --- Address and headers ---------------------------------------------------------------------- */

static int make_url(struct orcall_request *r, const char *base)
{
	size_t length = strlen(base);

	if (strncmp(base, "https://", 8) != 0 && strncmp(base, "http://", 7) != 0)
		return cli_usage_error(&orcall_program,
		    "--url: '%.200s' is no address: give one such as https://openrouter.ai/api/v1",
		    base);
	while (length > 0 && base[length - 1] == '/')
		length--;
	if (asprintf(&r->url, "%.*s/chat/completions", (int)length, base) < 0) {
		r->url = NULL;
		return fail("out of memory");
	}
	return CLI_PROCEED;
}

/* A key is one word of visible ASCII: anything else would end the header, or is a mistake. */
static bool is_key(const char *key)
{
	for (; *key; key++)
		if (*key <= ' ' || *key >= 0x7f)
			return false;
	return true;
}

static bool add_header(struct orcall_request *r, const char *header)
{
	struct curl_slist *longer = curl_slist_append(r->headers, header);

	if (longer)
		r->headers = longer;
	return longer;
}

static int add_key(struct orcall_request *r)
{
	char *header = NULL;
	bool added;

	if (asprintf(&header, "Authorization: Bearer %s", r->key) < 0)
		return fail("out of memory");
	added = add_header(r, header);
	explicit_bzero(header, strlen(header));
	free(header);
	return added ? CLI_PROCEED : fail("out of memory");
}

static int make_headers(struct orcall_request *r)
{
	const char *key = getenv("OPENROUTER_API_KEY");

	if (!add_header(r, "Content-Type: application/json"))
		return fail("out of memory");
	if (!key || !*key) {
		if (strstr(r->url, "://openrouter.ai/"))
			return cli_usage_error(&orcall_program,
			    "$OPENROUTER_API_KEY is not set: get a key at https://openrouter.ai/keys, or "
			    "give --url of a server that needs none");
		return CLI_PROCEED;
	}
	if (!is_key(key))
		return cli_usage_error(&orcall_program,
		    "$OPENROUTER_API_KEY holds a character that no key has: set it again");
	r->key = key;
	return add_key(r);
}

int orcall_request_make(struct orcall_request *r, const struct orcall_settings *s, char **operands)
{
	char *prompt = NULL;
	int status;

	*r = (struct orcall_request){.stream = !s->no_stream};
	if (s->stream && s->no_stream)
		return cli_usage_error(
		    &orcall_program, "--stream and --no-stream: give one of them");
	status = make_url(r, s->url);
	if (status == CLI_PROCEED)
		status = make_headers(r);
	if (status == CLI_PROCEED)
		status = split_models(r, s->models);
	if (status == CLI_PROCEED)
		status = cli_tags_make(&r->tags, &orcall_program, &s->tags);
	if (status == CLI_PROCEED)
		status = read_prompt(operands, &prompt);
	if (status == CLI_PROCEED)
		status = make_bodies(r, s, prompt);
	free(prompt);
	return status;
}

void orcall_request_free(struct orcall_request *r)
{
	for (size_t i = 0; i < r->model_count; i++) {
		free(r->models[i]);
		free(r->bodies[i]);
	}
	cli_tags_free(&r->tags);
	curl_slist_free_all(r->headers);
	free(r->url);
}
