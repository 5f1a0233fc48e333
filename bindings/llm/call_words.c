/*
 * call_words.c: which words of a server enter a call's sample.
 */
#include "call_words.h"
#include "base/utf8.h"
#include "echo.h"
#include "secret.h"

#include <string.h>

static const char *or_absent(const char *text)
{
	return *text ? text : NULL;
}

/* The id by which OpenRouter knows this request, also where the body does not come to its id. */
static const char *copy_generation_id(struct llm_call *x, const char *header)
{
	size_t length = header ? strlen(header) : 0;

	if (length == 0 || !utf8_is_valid(header, length))
		return NULL;
	length = utf8_cut(header, length, sizeof(x->generation_id) - 1);
	memcpy(x->generation_id, header, length);
	x->generation_id[length] = '\0';
	return x->generation_id;
}

/* --- What of a server's words may be published ---------------------------------------------------
 */

enum word { ID, HEADER_ID, MODEL, PROVIDER, FINISH_REASON, MESSAGE, WORDS };
_Static_assert(WORDS <= ECHO_TEXTS_MAX, "echo.h");
_Static_assert(OUTCOME_MESSAGE_BYTES <= ECHO_TEXT_MAX, "echo.h");

/* Names that hold a key are no names; of a message the rest stays. */
static void hide_keys(struct echo_text words[WORDS], char *message, const char *secrets)
{
	for (int i = 0; i < WORDS; i++)
		if (i != MESSAGE && words[i].text && secret_is_in(words[i].text, secrets))
			words[i].text = NULL;
	if (words[MESSAGE].text)
		secret_mask(message, secrets);
}

/* Withholds what repeats the request, but for words that are public. */
static void hide_echoes(struct llm_call *x, struct echo_text words[WORDS])
{
	struct echo_text compared[WORDS];

	memcpy(compared, words, sizeof(compared));
	if (words[FINISH_REASON].text && echo_is_known_reason(words[FINISH_REASON].text))
		compared[FINISH_REASON].text = NULL;
	if (words[MODEL].text && echo_is_asked_model(words[MODEL].text, x->options.model))
		compared[MODEL].text = NULL;
	echo_judge(
	    x->body.is_read ? x->options.request : NULL, x->options.request_bytes, compared, WORDS);
	for (int i = 0; i < WORDS; i++)
		if (compared[i].withheld)
			words[i].text = NULL;
}

/* The header's id, where the body's is none or must not be published. */
static const char *find_generation_id(
    struct llm_call *x, const struct llm_call_result *result, const char *of_url)
{
	struct echo_text words[WORDS] = {
	    [HEADER_ID] = {
		.text = copy_generation_id(x, result->find_generation_id(result->context))}};

	hide_keys(words, NULL, x->options.secrets);
	hide_keys(words, NULL, of_url);
	hide_echoes(x, words);
	return words[HEADER_ID].text;
}

void call_fill_in_words(
    struct llm_call *x, struct orbus_sample *s, const struct llm_call_result *result)
{
	const struct response_facts *f = &x->response.facts;
	struct outcome *v = &x->outcome;
	struct echo_text words[WORDS] = {[ID] = {.text = or_absent(f->id)},
	    [HEADER_ID] = {.text = copy_generation_id(x, result->generation_id)},
	    [MODEL] = {.text = or_absent(f->model)},
	    [PROVIDER] = {.text = or_absent(f->provider)},
	    [FINISH_REASON] = {.text = or_absent(f->finish_reason)},
	    [MESSAGE] = {.text = v->quotes ? v->error_message : NULL, .free_form = true}};
	char of_url[SECRET_URL_BYTES];

	secret_of_url(result->url ? result->url : x->options.url, of_url);
	hide_keys(words, v->error_message, x->options.secrets);
	hide_keys(words, v->error_message, of_url);
	hide_echoes(x, words);
	if (!words[ID].text && result->find_generation_id)
		words[HEADER_ID].text = find_generation_id(x, result, of_url);
	if (v->quotes && !words[MESSAGE].text)
		outcome_withhold(
		    v, x->body.is_read ? "it repeats the request" : "the request was not seen");
	outcome_add_retry(v, result->retry_after);
	s->request_id = words[ID].text          ? words[ID].text
	                : words[HEADER_ID].text ? words[HEADER_ID].text
	                                        : x->request.id;
	/* Who is shown the sample sees what is published. */
	s->begin_id = strcmp(s->request_id, x->request.id) != 0 ? x->request.id : NULL;
	s->model = words[MODEL].text;
	s->provider = words[PROVIDER].text;
	s->finish_reason = words[FINISH_REASON].text;
	s->error_message = or_absent(v->error_message);
}

bool llm_call_quote(
    const struct llm_call_options *asked, const char *said, char out[OUTCOME_MESSAGE_BYTES])
{
	struct echo_text message = {.text = out, .free_form = true};
	char of_url[SECRET_URL_BYTES];
	/* Longer than what is published, so that a key which the end would cut is still known. */
	size_t length = utf8_cut(said, strlen(said), OUTCOME_MESSAGE_BYTES - 1);

	memcpy(out, said, length);
	out[length] = '\0';
	secret_of_url(asked->url, of_url);
	secret_mask(out, asked->secrets);
	secret_mask(out, of_url);
	echo_judge(asked->request, asked->request_bytes, &message, 1);
	return !message.withheld;
}
