/*
 * call.c: one request that the instrumented fetch makes, from request to outcome.
 *
 * bindings/llm does the work. The tags and keys that it borrows are kept here beside it.
 */
#include "call.h"
#include "args.h"
#include "base/now.h"
#include "llm/call.h"
#include "llm/call_words.h"
#include "llm/nesting.h"
#include "producer.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct measured {
	uint32_t kind;
	bool is_over;
	struct producer_handle *producer;
	struct llm_call call;
	struct orbus_tag tags[ORBUS_TAGS_MAX];
	struct text_arena arena;
	char *secrets, *url; /* NULL: there are none */
};

static void dispose(struct measured *m)
{
	free(m->secrets);
	free(m->url);
	free(m);
}

static void finalize(napi_env env, void *data, void *hint)
{
	struct measured *m = data;

	(void)env;
	(void)hint;
	llm_call_free(&m->call);
	producer_release(m->producer);
	dispose(m);
}

/* The clock started when the program asked, which may be a moment ago. */
static void start_earlier(struct llm_call *x, double elapsed_ms)
{
	uint64_t ns = elapsed_ms > 0 && elapsed_ms < 1e9 ? (uint64_t)(elapsed_ms * 1e6) : 0;

	if (ns < x->request.start_ns)
		x->request.start_ns -= ns;
}

/*
 * Begins with a body that is a string, a Uint8Array, which the program may change, or unknown.
 */
static int begin_with(
    napi_env env, struct measured *m, struct llm_call_options *options, napi_value body)
{
	char *text;
	int err;

	if (take_bytes(env, body, &options->request, &options->request_bytes))
		return llm_call_begin(&m->call, m->producer->producer, options);
	text = take_long_text(env, body, &options->request_bytes);
	options->request = text;
	options->request_life = REQUEST_GIVEN;
	err = llm_call_begin(&m->call, m->producer->producer, options);
	if (err)
		free(text);
	return err;
}

/* False: there is none. */
static bool take_id(napi_env env, napi_value high, napi_value low, char *id, size_t size)
{
	double h = take_number(env, high), l = take_number(env, low);

	if (!(h >= 0 && h <= UINT32_MAX && l >= 0 && l <= UINT32_MAX))
		return false;
	snprintf(id, size, "%016" PRIx64, (uint64_t)h << 32 | (uint32_t)l);
	return true;
}

static void tell_id(napi_env env, const struct llm_call *x)
{
	double *figures = addon_of(env)->figures;
	uint64_t id = strtoull(x->request.id, NULL, 16);

	figures[FIGURE_idHigh] = (double)(id >> 32);
	figures[FIGURE_idLow] = (double)(uint32_t)id;
}

/* What is borrowed until the end lies in *m: the tags, the keys that may not be published, the URL.
 */
static void take_options(
    napi_env env, const napi_value *a, struct measured *m, struct llm_call_options *options)
{
	double attempt = take_number(env, a[3]);
	size_t unused;

	arena_clear(&m->arena);
	options->attempt = attempt >= 1 && attempt < 1e6 ? (uint64_t)attempt : 0;
	options->tag_count = take_tags(env, a[4], &m->arena, m->tags);
	options->tags = m->tags;
	options->secrets = m->secrets = take_long_text(env, a[5], &unused);
	options->url = m->url = take_long_text(env, a[6], &unused);
}

/*
 * callBegin(producer, body, elapsed_ms, attempt, tags, secrets, url, outer_high, outer_low, key): a
 * handle, or a negative errno. The last two are the id of the layer whose place it takes, if any
 * (llm/nesting.h). Its own id is among the figures.
 */
static napi_value begin(napi_env env, napi_callback_info info)
{
	struct llm_call_options options = {0};
	struct producer_handle *h;
	struct measured *m;
	napi_value a[10], external;
	char id[sizeof(((struct orbus_request *)0)->id)], *key;
	size_t unused;
	int err;

	take_arguments(env, info, a, 10);
	h = take_handle(env, a[0], HANDLE_PRODUCER);
	if (!h || !h->producer)
		return make_int(env, -EBADF);
	m = malloc(sizeof(*m));
	if (!m)
		return make_int(env, -ENOMEM);
	m->kind = HANDLE_MEASURED;
	m->is_over = false;
	m->producer = h;
	take_options(env, a, m, &options);
	if (take_id(env, a[7], a[8], id, sizeof(id)))
		options.within_id = id;
	options.key = key = take_long_text(env, a[9], &unused);
	err = begin_with(env, m, &options, a[1]);
	free(key);
	if (err) {
		dispose(m);
		return make_int(env, err);
	}
	start_earlier(&m->call, take_number(env, a[2]));
	tell_id(env, &m->call);
	h->references++;
	if (napi_create_external(env, m, finalize, NULL, &external) == napi_ok)
		return external;
	finalize(env, m, NULL);
	return make_int(env, -ENOMEM);
}

/* callContentType(call, type) */
static napi_value content_type(napi_env env, napi_callback_info info)
{
	struct text_arena arena;
	napi_value arguments[2];
	struct measured *m;

	arena_clear(&arena);
	take_arguments(env, info, arguments, 2);
	m = take_handle(env, arguments[0], HANDLE_MEASURED);
	if (!m || m->is_over)
		return NULL;
	llm_call_content_type(&m->call, take_text(env, arguments[1], &arena, 256));
	return NULL;
}

/* callGiveWay(call): a call within publishes it, with its begin. */
static napi_value give_way(napi_env env, napi_callback_info info)
{
	struct measured *m;
	napi_value argument;

	take_arguments(env, info, &argument, 1);
	m = take_handle(env, argument, HANDLE_MEASURED);
	if (!m || m->is_over)
		return NULL;
	m->is_over = true;
	llm_call_free(&m->call);
	return NULL;
}

/* callFeed(call, bytes): whether [DONE] has come: nothing that follows matters. */
static napi_value feed(napi_env env, napi_callback_info info)
{
	napi_value arguments[2];
	struct measured *m;
	const char *bytes;
	size_t length;

	take_arguments(env, info, arguments, 2);
	m = take_handle(env, arguments[0], HANDLE_MEASURED);
	if (!m || m->is_over || !take_bytes(env, arguments[1], &bytes, &length))
		return make_bool(env, m && m->is_over);
	llm_call_feed(&m->call, bytes, length);
	return make_bool(env, m->call.complete_ns != 0);
}

/* callLimitOfSilence(call): the limit that it is when nothing comes any more. */
static napi_value limit_of_silence(napi_env env, napi_callback_info info)
{
	struct measured *m;
	napi_value argument;

	take_arguments(env, info, &argument, 1);
	m = take_handle(env, argument, HANDLE_MEASURED);
	return make_int(env, m ? llm_call_limit_of_silence(&m->call) : LIMIT_IDLE);
}

/*
 * callEnd(call, http_status, retry_after, limit, is_aborted, failure, message,
 *     generation_id, is_unread, is_abandoned): 0 or a negative errno. Once; later calls do nothing.
 */
static napi_value end(napi_env env, napi_callback_info info)
{
	struct llm_call_result result = {0};
	struct text_arena arena;
	struct measured *m;
	napi_value a[10];
	int err;

	arena_clear(&arena);
	take_arguments(env, info, a, 10);
	m = take_handle(env, a[0], HANDLE_MEASURED);
	if (!m || m->is_over)
		return make_int(env, 0);
	m->is_over = true;
	if (!m->producer->producer)
		return make_int(env, -EBADF);
	result.http_status = take_int(env, a[1]);
	result.retry_after = take_int(env, a[2]);
	result.limit = (enum limit)take_int(env, a[3]);
	result.program_aborted = take_bool(env, a[4]);
	result.failure = (enum failure)take_int(env, a[5]);
	result.failure_message = take_text(env, a[6], &arena, OUTCOME_MESSAGE_BYTES);
	result.generation_id = take_text(env, a[7], &arena, 256);
	result.unread = take_bool(env, a[8]);
	result.abandoned = take_bool(env, a[9]);
	err = llm_call_end(&m->call, &result);
	producer_note(m->producer, &m->call.request.sample);
	llm_call_free(&m->call); /* with its copy of the body; the garbage collector may be late */
	return make_int(env, err);
}

/*
 * quote(text, body, secrets, url): what of a server's message may be published; undefined where
 * nothing may. `body` undefined: it cannot be seen.
 */
static napi_value quote(napi_env env, napi_callback_info info)
{
	struct llm_call_options asked = {0};
	char out[OUTCOME_MESSAGE_BYTES], *text, *body, *secrets, *url;
	napi_value a[4], result = NULL;
	size_t unused;

	take_arguments(env, info, a, 4);
	text = take_long_text(env, a[0], &unused);
	asked.request = body = take_long_text(env, a[1], &asked.request_bytes);
	asked.secrets = secrets = take_long_text(env, a[2], &unused);
	asked.url = url = take_long_text(env, a[3], &unused);
	if (text && llm_call_quote(&asked, text, out))
		result = make_text(env, out);
	free(text);
	free(body);
	free(secrets);
	free(url);
	return result;
}

/* isSameBus(a, b): whether two names, undefined for the default one, mean one bus. */
static napi_value is_same_bus(napi_env env, napi_callback_info info)
{
	napi_value arguments[2];
	size_t unused;
	char *a, *b;
	bool same;

	take_arguments(env, info, arguments, 2);
	a = take_long_text(env, arguments[0], &unused);
	b = take_long_text(env, arguments[1], &unused);
	same = nesting_is_same_bus(a, b);
	free(a);
	free(b);
	return make_bool(env, same);
}

napi_status call_define(napi_env env, napi_value exports)
{
	static const struct function functions[] = {
	    {"callBegin", begin},
	    {"callContentType", content_type},
	    {"callFeed", feed},
	    {"callGiveWay", give_way},
	    {"callLimitOfSilence", limit_of_silence},
	    {"callEnd", end},
	    {"quote", quote},
	    {"isSameBus", is_same_bus},
	};

	return define_functions(env, exports, functions, sizeof(functions) / sizeof(functions[0]));
}
