/*
 * call.c: one call to an LLM, measured as it passes.
 */
#include "call.h"
#include "base/now.h"
#include "call_words.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define NS_PER_MS UINT64_C(1000000)

/* --- Limits that transports do not know ---------------------------------------------------------
 */

static bool has_limits(const struct llm_call *x)
{
	return x->options.first_token_timeout_ms || x->options.idle_timeout_ms;
}

/* When the first-token or idle limit will be hit, by CLOCK_MONOTONIC; 0: there is none. */
static uint64_t deadline_ns(const struct llm_call *x, enum limit *which)
{
	uint64_t from = x->waiting_ns, limit_ms = x->options.idle_timeout_ms;

	*which = LIMIT_IDLE;
	if (!x->request.first_token_ns) {
		*which = LIMIT_FIRST_TOKEN;
		limit_ms = x->options.first_token_timeout_ms;
	}
	if (!limit_ms || limit_ms > UINT64_MAX / NS_PER_MS - from / NS_PER_MS - 1 || !x->streamed ||
	    x->response.facts.complete || x->paused_ns)
		return 0;
	return from + limit_ms * NS_PER_MS;
}

/* Whether a limit had been hit at `now_ns`; the first one is remembered. */
static bool is_out_of_time_at(struct llm_call *x, uint64_t now_ns)
{
	enum limit which;
	uint64_t deadline = deadline_ns(x, &which);

	if (x->limit == LIMIT_NONE && deadline && now_ns >= deadline)
		x->limit = which;
	return x->limit != LIMIT_NONE;
}

bool llm_call_is_out_of_time(struct llm_call *x)
{
	return is_out_of_time_at(x, now_ns_of(CLOCK_MONOTONIC));
}

long llm_call_timeout_ms(const struct llm_call *x)
{
	enum limit which;
	uint64_t deadline = deadline_ns(x, &which), now = now_ns_of(CLOCK_MONOTONIC);

	if (!deadline)
		return -1;
	return deadline <= now ? 0 : (long)((deadline - now + NS_PER_MS - 1) / NS_PER_MS);
}

enum limit llm_call_limit_of_silence(const struct llm_call *x)
{
	if (!x->streamed)
		return LIMIT_TOTAL;
	return x->request.first_token_ns ? LIMIT_IDLE : LIMIT_FIRST_TOKEN;
}

void llm_call_hold(struct llm_call *x)
{
	if (has_limits(x))
		x->paused_ns = now_ns_of(CLOCK_MONOTONIC);
}

static void go_on_at(struct llm_call *x, uint64_t now_ns)
{
	x->waiting_ns += now_ns - x->paused_ns;
	x->paused_ns = 0;
}

void llm_call_go_on(struct llm_call *x)
{
	if (x->paused_ns)
		go_on_at(x, now_ns_of(CLOCK_MONOTONIC));
}

/* --- The answer as it passes --------------------------------------------------------------------
 */

static void note_token(void *context)
{
	struct llm_call *x = context;

	if (x->token_ns && x->arrival_ns - x->token_ns > x->max_gap_ns)
		x->max_gap_ns = x->arrival_ns - x->token_ns;
	x->token_ns = x->waiting_ns = x->arrival_ns;
	if (!x->request.first_token_ns)
		x->request.first_token_ns = x->arrival_ns;
}

static void pass_text(void *context, enum response_text kind, const char *piece, size_t length)
{
	struct llm_call *x = context;

	x->options.text(x->options.context, kind, piece, length);
}

static const struct response_sink sink = {.token = note_token};
static const struct response_sink sink_with_text = {.token = note_token, .text = pass_text};

/* Is it a stream of events? A body that is none after all shows. */
void llm_call_content_type(struct llm_call *x, const char *type)
{
	static const char events[] = "text/event-stream";

	x->body_seen = true;
	x->arrival_ns = now_ns_of(CLOCK_MONOTONIC);
	if (type && strncasecmp(type, events, sizeof(events) - 1) == 0)
		x->streamed = true;
	if (x->streamed)
		response_expect(&x->response, RESPONSE_EVENTS);
}

#define PROGRESS_EVERY_NS (2 * NS_PER_SECOND)

void llm_call_begun_as(struct llm_call *x, const char *id)
{
	snprintf(x->begun_as, sizeof(x->begun_as), "%s", id);
}

/* A progress that cannot be published is no error: the next one may be, and the end has all
 * figures. */
static void publish_progress(struct llm_call *x)
{
	const struct response_facts *f = &x->response.facts;
	struct orbus_sample s;

	x->progress_ns = x->arrival_ns;
	orbus_sample_init(&s);
	s.kind = ORBUS_KIND_PROGRESS;
	s.request_id = x->begun_as;
	s.stream = true;
	s.ttft_ms = (double)(x->request.first_token_ns - x->request.start_ns) / 1e6;
	/* The event under way is not counted yet. */
	s.chunks = f->chunks + (x->response.event_generates ? 1 : 0);
	if (f->generated.quarters > 0) {
		s.completion_tokens = token_estimate_tokens(&f->generated);
		s.tokens_estimated = true;
	}
	orbus_publish(x->request.producer, &s);
}

/* A token came with the last bytes, and none was told of for so long. */
static bool is_progress_due(const struct llm_call *x)
{
	return x->token_ns == x->arrival_ns && x->response.form == RESPONSE_EVENTS &&
	       !x->response.facts.complete && x->request.producer &&
	       (x->progress_ns == 0 || x->arrival_ns - x->progress_ns >= PROGRESS_EVERY_NS);
}

/*
 * The clock is read once a piece: it may bring the first token, follow a gap, or be the last one
 * before the program drops the answer, which is only known later. tests/bench/bench_feed.c tells
 * what that costs.
 */
bool llm_call_feed(struct llm_call *x, const char *bytes, size_t length)
{
	uint64_t now_ns = now_ns_of(CLOCK_MONOTONIC);

	if (x->paused_ns)
		go_on_at(x, now_ns);
	if (!x->body_seen)
		llm_call_content_type(x, NULL);
	x->arrival_ns = now_ns;
	response_feed(&x->response, bytes, length);
	if (is_progress_due(x))
		publish_progress(x);
	if (x->response.facts.complete && !x->complete_ns)
		x->complete_ns = now_ns_of(CLOCK_MONOTONIC);
	return !has_limits(x) || !is_out_of_time_at(x, now_ns);
}

/* --- Begin --------------------------------------------------------------------------------------
 */

/* Keeps the body for the end, and reads what it asks for. False: out of memory. */
static bool take_request(struct llm_call *x)
{
	struct llm_call_options *o = &x->options;

	if (!o->request)
		return true;
	if (o->request_life == REQUEST_COPIED) {
		x->kept = malloc(o->request_bytes + 1);
		if (!x->kept)
			return false;
		memcpy(x->kept, o->request, o->request_bytes);
		o->request = x->kept;
	}
	request_body_read(&x->body, o->request, o->request_bytes);
	return true;
}

/* Within another measurement: all that orbus_request_begin() does but publish. */
static void begin(struct llm_call *x, struct orbus_producer *p)
{
	const char *id = x->options.within_id;

	orbus_request_begin(id ? NULL : p, &x->request, x->options.model, x->streamed);
	if (!id)
		return;
	x->request.producer = p;
	snprintf(x->request.id, sizeof(x->request.id), "%s", id);
	x->options.within_id = x->request.id;
}

int llm_call_begin(
    struct llm_call *x, struct orbus_producer *p, const struct llm_call_options *options)
{
	struct llm_call_options *o = &x->options;

	memset(x, 0, sizeof(*x));
	*o = *options;
	if (response_init(&x->response, o->text ? &sink_with_text : &sink, x) != 0)
		return -ENOMEM;
	if (!take_request(x)) {
		response_free(&x->response);
		return -ENOMEM;
	}
	if (o->request_life == REQUEST_GIVEN)
		x->kept = (char *)(uintptr_t)o->request;
	if (!o->model && x->body.model[0])
		o->model = x->body.model;
	x->streamed = o->stream || x->body.stream;
	if (o->key && *o->key)
		key_id_of(o->key, strcspn(o->key, "\n"), x->key_id);
	o->key = NULL;
	begin(x, p);
	llm_call_begun_as(x, x->request.id);
	x->waiting_ns = x->request.start_ns;
	return 0;
}

/* --- End ----------------------------------------------------------------------------------------
 */

/*
 * The tokens that were generated, by the API; some report 0 all along until the end, which for a
 * stream that broke never came.
 */
static uint64_t reported_completion(const struct response_facts *f)
{
	bool is_final = f->complete || f->completion_tokens >= token_estimate_tokens(&f->generated);

	return is_final ? f->completion_tokens : ORBUS_NONE;
}

/* The API's own count, else an estimate where there is something to estimate from. */
static uint64_t count_or_estimate(
    uint64_t reported, const struct token_estimate *text, bool *estimated)
{
	if (reported != ORBUS_NONE || text->quarters == 0)
		return reported;
	*estimated = true;
	return token_estimate_tokens(text);
}

static void fill_in_tokens(struct llm_call *x, struct orbus_sample *s)
{
	const struct response_facts *f = &x->response.facts;
	bool estimated = false;

	s->completion_tokens = count_or_estimate(reported_completion(f), &f->generated, &estimated);
	s->prompt_tokens = f->prompt_tokens;
	if (s->completion_tokens != ORBUS_NONE)
		s->prompt_tokens = count_or_estimate(f->prompt_tokens, &x->body.prompt, &estimated);
	s->total_tokens =
	    s->completion_tokens == f->completion_tokens ? f->total_tokens : ORBUS_NONE;
	if (s->total_tokens == ORBUS_NONE && s->prompt_tokens != ORBUS_NONE &&
	    s->completion_tokens != ORBUS_NONE)
		s->total_tokens = s->prompt_tokens + s->completion_tokens;
	s->tokens_estimated = estimated;
	s->cached_tokens = f->cached_tokens;
	s->reasoning_tokens = f->reasoning_tokens;
	s->cost_usd = f->cost_usd;
	if (f->cache_write_tokens != 0)
		s->cache_write_tokens = f->cache_write_tokens;
	if (f->tool_calls > 0)
		s->tool_calls = f->tool_calls;
}

/* The pieces of a stream, and the pauses between them. */
static void fill_in_chunks(const struct llm_call *x, struct orbus_sample *s)
{
	uint64_t chunks = x->response.facts.chunks;

	if (!s->stream || chunks == 0)
		return;
	s->chunks = chunks;
	if (chunks > 1)
		s->max_gap_ms = (double)x->max_gap_ns / 1e6;
}

static bool is_text_completion(const struct llm_call *x)
{
	if (x->body.is_read)
		return x->body.has_prompt && !x->body.has_messages;
	return x->response.facts.is_text_completion;
}

/* --- Times, and the whole ------------------------------------------------------------------------
 */

/*
 * An answer ends when all of it was there. One that was abandoned is dropped some time later, when
 * nothing happens to it any more: it ends with what came last.
 */
static void fill_in_times(struct llm_call *x, struct orbus_sample *s, bool abandoned)
{
	uint64_t now_ns = now_ns_of(CLOCK_MONOTONIC), end_ns = now_ns;

	if (x->complete_ns)
		end_ns = x->complete_ns;
	else if (abandoned && x->arrival_ns)
		end_ns = x->arrival_ns;
	s->response_ms = (double)(end_ns - x->request.start_ns) / 1e6;
	s->ts = now_ns_of(CLOCK_REALTIME);
	if (abandoned)
		s->ts -= now_ns - end_ns;
	if (s->stream && x->request.first_token_ns)
		s->ttft_ms = (double)(x->request.first_token_ns - x->request.start_ns) / 1e6;
}

static void fill_in(struct llm_call *x, const struct llm_call_result *result)
{
	struct orbus_sample *s = &x->request.sample;

	call_fill_in_words(x, s, result);
	s->http_status = result->http_status > 0 ? (uint64_t)result->http_status : ORBUS_NONE;
	s->error_type = x->outcome.error_type;
	/* Who asks for a stream may get one document: that has no first token. */
	s->stream = x->streamed &&
	            (x->response.form != RESPONSE_JSON || x->outcome.status != ORBUS_STATUS_OK);
	fill_in_times(x, s, result->abandoned);
	s->attempt = x->options.attempt ? x->options.attempt : ORBUS_NONE;
	s->operation = is_text_completion(x) ? "text_completion" : NULL;
	s->key_id = x->key_id[0] ? x->key_id : NULL;
	if (result->retry_after > 0)
		s->retry_after_s = (double)result->retry_after;
	s->tags = x->options.tags;
	s->tag_count = x->options.tag_count;
	fill_in_tokens(x, s);
	fill_in_chunks(x, s);
}

/* An answer that the binding could not read: how long it took, and that it came. */
static bool is_whole_but_unread(const struct evidence *e, const struct llm_call_result *result)
{
	bool went_well = e->http_status == 0 || (e->http_status >= 200 && e->http_status < 300);

	return result->unread && went_well && e->limit == LIMIT_NONE &&
	       e->failure == FAILURE_NONE && !e->program_aborted;
}

void llm_call_judge(struct llm_call *x, const struct llm_call_result *result)
{
	struct evidence e = {.http_status = result->http_status,
	    .retry_after = result->retry_after,
	    .limit = x->limit != LIMIT_NONE ? x->limit : result->limit,
	    .failure = result->failure,
	    .failure_message = result->failure_message,
	    .streamed = x->streamed,
	    .response = &x->response};

	e.program_aborted = (result->program_aborted || result->abandoned) && e.limit == LIMIT_NONE;
	response_end(&x->response);
	if (is_whole_but_unread(&e, result))
		x->outcome = (struct outcome){.status = ORBUS_STATUS_OK};
	else
		outcome_reach(&e, &x->outcome);
	fill_in(x, result);
	x->request.sample.status = x->outcome.status;
}

int llm_call_end(struct llm_call *x, const struct llm_call_result *result)
{
	llm_call_judge(x, result);
	return orbus_request_end(&x->request, x->outcome.status);
}

void llm_call_free(struct llm_call *x)
{
	response_free(&x->response);
	free(x->kept);
	x->kept = NULL;
}
