/*
 * producer.c: a producer for JavaScript, and requests that the program times itself.
 *
 * A request under way takes no memory here: JavaScript keeps its id and start, which begin()
 * returns and end() gets back. So a request that is dropped leaves nothing to be freed.
 */
#include "producer.h"
#include "args.h"
#include "base/utf8.h"
#include "live/bus_near.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME_BYTES 128
/* Larger numbers are not exact in JavaScript, and no count of tokens. */
#define COUNT_MAX 0x1p53

/* --- Handles --------------------------------------------------------------------------------- */

static void unlink_handle(struct producer_handle *h)
{
	if (!h->addon)
		return;
	if (h->previous)
		h->previous->next = h->next;
	else
		h->addon->producers = h->next;
	if (h->next)
		h->next->previous = h->previous;
	h->addon = NULL;
}

static void close_producer(struct producer_handle *h)
{
	unlink_handle(h);
	orbus_producer_close(h->producer);
	h->producer = NULL;
}

void producer_release(struct producer_handle *h)
{
	if (--h->references > 0)
		return;
	close_producer(h);
	free(h);
}

void producers_close(struct addon *a)
{
	while (a->producers)
		close_producer(a->producers);
}

static void finalize(napi_env env, void *data, void *hint)
{
	(void)env;
	(void)hint;
	producer_release(data);
}

static struct producer_handle *new_handle(struct addon *a, struct orbus_producer *producer)
{
	struct producer_handle *h = calloc(1, sizeof(*h));

	if (!h)
		return NULL;
	h->kind = HANDLE_PRODUCER;
	h->references = 1;
	h->producer = producer;
	h->performance.last_response_ms = h->performance.last_ttft_ms = NAN;
	h->performance.last_tps = NAN;
	h->addon = a;
	h->next = a->producers;
	if (h->next)
		h->next->previous = h;
	a->producers = h;
	return h;
}

/*
 * That the bus is new and looks like a typo of another, as a warning of the process. What goes
 * wrong with that is not the bot's concern.
 */
static void warn_of_new_bus(napi_env env, const char *bus)
{
	napi_value global, process, emit, text, result;
	char what[1200];

	if (!bus_new_describe(bus, what, sizeof(what)))
		return;
	if (napi_get_global(env, &global) == napi_ok &&
	    napi_get_named_property(env, global, "process", &process) == napi_ok &&
	    napi_get_named_property(env, process, "emitWarning", &emit) == napi_ok &&
	    napi_create_string_utf8(env, what, NAPI_AUTO_LENGTH, &text) == napi_ok)
		(void)napi_call_function(env, process, emit, 1, &text, &result);
	(void)napi_get_and_clear_last_exception(env, &result);
}

/* open(bus, bot): a handle, or a negative errno. */
static napi_value open_producer(napi_env env, napi_callback_info info)
{
	napi_value arguments[2], external;
	struct text_arena arena;
	struct orbus_producer *producer;
	struct producer_handle *h;
	const char *bus, *bot;
	bool was_new;
	int err;

	arena_clear(&arena);
	take_arguments(env, info, arguments, 2);
	bus = take_text(env, arguments[0], &arena, 4096);
	bot = take_text(env, arguments[1], &arena, 256);
	was_new = bus_is_new(bus);
	err = orbus_producer_open(bus, bot, &producer);
	if (err)
		return make_int(env, err);
	h = new_handle(addon_of(env), producer);
	if (!h) {
		orbus_producer_close(producer);
		return make_int(env, -ENOMEM);
	}
	if (was_new)
		warn_of_new_bus(env, bus);
	if (napi_create_external(env, h, finalize, NULL, &external) == napi_ok)
		return external;
	producer_release(h);
	return make_int(env, -ENOMEM);
}

/* close(producer) */
static napi_value close_it(napi_env env, napi_callback_info info)
{
	struct producer_handle *h;
	napi_value argument;

	take_arguments(env, info, &argument, 1);
	h = take_handle(env, argument, HANDLE_PRODUCER);
	if (h)
		close_producer(h);
	return NULL;
}

/* --- Requests -------------------------------------------------------------------------------- */

/* begin(producer, model, stream): 0 or a negative errno; id and start are among the figures. */
static napi_value begin(napi_env env, napi_callback_info info)
{
	struct text_arena arena;
	struct producer_handle *h;
	struct orbus_request r;
	napi_value arguments[3];
	double *figures;
	uint64_t id;
	int err;

	arena_clear(&arena);
	take_arguments(env, info, arguments, 3);
	h = take_handle(env, arguments[0], HANDLE_PRODUCER);
	if (!h || !h->producer)
		return make_int(env, -EBADF);
	err = orbus_request_begin(h->producer, &r, take_text(env, arguments[1], &arena, NAME_BYTES),
	    take_bool(env, arguments[2]));
	id = strtoull(r.id, NULL, 16);
	figures = addon_of(env)->figures;
	figures[FIGURE_idHigh] = (double)(id >> 32);
	figures[FIGURE_idLow] = (double)(uint32_t)id;
	figures[FIGURE_startNs] = (double)r.start_ns;
	return make_int(env, err);
}

static uint64_t count_of(double figure)
{
	return figure >= 0 && figure <= COUNT_MAX && figure == floor(figure) ? (uint64_t)figure
	                                                                     : ORBUS_NONE;
}

/* The request as begin() made it. */
static void restore(struct orbus_request *r, struct producer_handle *h, const double *figures)
{
	uint64_t id = (uint64_t)figures[FIGURE_idHigh] << 32 | (uint32_t)figures[FIGURE_idLow];

	memset(r, 0, sizeof(*r));
	r->producer = h->producer;
	r->start_ns = (uint64_t)figures[FIGURE_startNs];
	snprintf(r->id, sizeof(r->id), "%016" PRIx64, id);
	orbus_sample_init(&r->sample);
}

static void fill_in_figures(struct orbus_sample *s, const double *figures)
{
	double cost = figures[FIGURE_costUsd];

	if (s->stream)
		s->ttft_ms = figures[FIGURE_ttftMs];
	s->http_status = count_of(figures[FIGURE_httpStatus]);
	s->attempt = count_of(figures[FIGURE_attempt]);
	s->cost_usd = cost >= 0 && isfinite(cost) ? cost : NAN;
	s->prompt_tokens = count_of(figures[FIGURE_promptTokens]);
	s->completion_tokens = count_of(figures[FIGURE_completionTokens]);
	s->total_tokens = count_of(figures[FIGURE_totalTokens]);
	s->cached_tokens = count_of(figures[FIGURE_cachedTokens]);
	s->reasoning_tokens = count_of(figures[FIGURE_reasoningTokens]);
	s->cache_write_tokens = count_of(figures[FIGURE_cacheWriteTokens]);
	s->tokens_estimated = figures[FIGURE_tokensEstimated] == 1;
	if (s->total_tokens == ORBUS_NONE && s->prompt_tokens != ORBUS_NONE &&
	    s->completion_tokens != ORBUS_NONE)
		s->total_tokens = s->prompt_tokens + s->completion_tokens;
}

/* What makes a sample too large is its tags: the request counts without them all the same. */
static int end_request(struct orbus_request *r, enum orbus_status status)
{
	int err = orbus_request_end(r, status);

	if (err != -EMSGSIZE || r->sample.tag_count == 0)
		return err;
	r->sample.tag_count = 0;
	return orbus_request_end(r, status) ? err : -E2BIG;
}

/*
 * end(producer, status, stream, requested_model, model, provider, finish_reason, request_id,
 *     error_type, error_message, tags): 0, -E2BIG where it was published without its tags, or
 * another negative errno.
 */
static napi_value end(napi_env env, napi_callback_info info)
{
	const double *figures = addon_of(env)->figures;
	struct orbus_tag tags[ORBUS_TAGS_MAX];
	struct text_arena arena;
	struct producer_handle *h;
	struct orbus_request r;
	napi_value a[11];
	int err;

	arena_clear(&arena);
	take_arguments(env, info, a, 11);
	h = take_handle(env, a[0], HANDLE_PRODUCER);
	if (!h || !h->producer)
		return make_int(env, -EBADF);
	restore(&r, h, figures);
	r.sample.stream = take_bool(env, a[2]);
	r.sample.requested_model = take_text(env, a[3], &arena, NAME_BYTES);
	r.sample.model = take_text(env, a[4], &arena, NAME_BYTES);
	r.sample.provider = take_text(env, a[5], &arena, NAME_BYTES);
	r.sample.finish_reason = take_text(env, a[6], &arena, NAME_BYTES);
	r.sample.request_id = take_text(env, a[7], &arena, NAME_BYTES);
	r.sample.error_type = take_text(env, a[8], &arena, NAME_BYTES);
	r.sample.error_message = take_text(env, a[9], &arena, 2 * ORBUS_ERROR_MESSAGE_MAX);
	r.sample.tags = tags;
	r.sample.tag_count = take_tags(env, a[10], &arena, tags);
	fill_in_figures(&r.sample, figures);
	err = end_request(&r, (enum orbus_status)take_int(env, a[1]));
	producer_note(h, &r.sample);
	return make_int(env, err);
}

/* metric(producer, kind, name, value): 0 or a negative errno. */
static napi_value metric(napi_env env, napi_callback_info info)
{
	struct text_arena arena;
	struct producer_handle *h;
	struct orbus_sample s;
	napi_value arguments[4];

	arena_clear(&arena);
	take_arguments(env, info, arguments, 4);
	h = take_handle(env, arguments[0], HANDLE_PRODUCER);
	if (!h || !h->producer)
		return make_int(env, -EBADF);
	orbus_sample_init(&s);
	s.kind = (enum orbus_kind)take_int(env, arguments[1]);
	s.name = take_text(env, arguments[2], &arena, NAME_BYTES);
	s.value = take_number(env, arguments[3]);
	return make_int(env, orbus_publish(h->producer, &s));
}

/* --- How it went so far ---------------------------------------------------------------------- */

void producer_note(struct producer_handle *h, const struct orbus_sample *s)
{
	struct performance *p = &h->performance;
	const char *model = s->model ? s->model : s->requested_model;
	size_t length;

	if (s->status != ORBUS_STATUS_OK)
		return;
	p->requests++;
	p->last_response_ms = s->response_ms;
	p->response_sum_ms += s->response_ms;
	p->last_tps = orbus_sample_tps(s);
	if (s->completion_tokens != ORBUS_NONE)
		p->tokens += s->completion_tokens;
	p->last_ttft_ms = s->ttft_ms;
	if (!isnan(s->ttft_ms)) {
		p->ttft_sum_ms += s->ttft_ms;
		p->with_ttft++;
	}
	if (!model)
		return;
	length = utf8_cut(model, strlen(model), sizeof(p->model) - 1);
	memcpy(p->model, model, length);
	p->model[length] = '\0';
}

/* performance(producer): the model of its last request that went well; the rest as figures. */
static napi_value tell_performance(napi_env env, napi_callback_info info)
{
	double *figures = addon_of(env)->figures;
	const struct performance *p;
	struct producer_handle *h;
	napi_value argument;

	take_arguments(env, info, &argument, 1);
	h = take_handle(env, argument, HANDLE_PRODUCER);
	if (!h)
		return NULL;
	p = &h->performance;
	figures[FIGURE_lastResponseMs] = p->last_response_ms;
	figures[FIGURE_lastTtftMs] = p->last_ttft_ms;
	figures[FIGURE_lastTps] = p->last_tps;
	figures[FIGURE_averageResponseMs] =
	    p->requests ? p->response_sum_ms / (double)p->requests : NAN;
	figures[FIGURE_averageTtftMs] = p->with_ttft ? p->ttft_sum_ms / (double)p->with_ttft : NAN;
	figures[FIGURE_requests] = (double)p->requests;
	figures[FIGURE_tokens] = (double)p->tokens;
	return make_text(env, p->model);
}

napi_status producer_define(napi_env env, napi_value exports)
{
	static const struct function functions[] = {
	    {"open", open_producer},
	    {"close", close_it},
	    {"begin", begin},
	    {"end", end},
	    {"metric", metric},
	    {"performance", tell_performance},
	};

	return define_functions(env, exports, functions, sizeof(functions) / sizeof(functions[0]));
}
