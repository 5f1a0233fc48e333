/*
 * orbus_curl.c: one transfer of libcurl, from attach to detach.
 *
 * Everything happens in the thread that drives the handle: libcurl calls back from within
 * curl_easy_perform() or curl_multi_perform(), so nothing here is shared.
 */
#include "orbus_curl.h"
#include "answer.h"
#include "now.h"
#include "question.h"
#include "utf8.h"
#include "verdict.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define NS_PER_MS UINT64_C(1000000)

struct orbus_curl {
	CURL *easy;
	curl_write_callback write_function; /* the program's, or libcurl's default */
	void *write_data;
	struct orbus_curl_options options;
	struct orbus_request request;
	struct question question;
	struct answer answer;
	bool streamed; /* asked for, or answered */
	bool body_seen;
	bool program_aborted;
	enum limit limit;     /* of ours that was hit */
	uint64_t arrival_ns;  /* of the bytes being read; kept while it is needed */
	uint64_t waiting_ns;  /* since when a token is awaited: the first one, or the next */
	uint64_t paused_ns;   /* since when the program pauses the transfer, 0: it does not */
	uint64_t complete_ns; /* when the whole answer was there, 0: it was not */
	size_t ahead;         /* bytes that were read and that the program has yet to take */
	char generation_id[96];
	struct verdict verdict;
};

/* --- Limits that libcurl does not know ----------------------------------------------------------
 */

/*
 * They are for the server alone: while the program pauses the transfer, or is busy in its callback,
 * no time passes for them.
 */

/* When the first-token or idle limit will be hit, by CLOCK_MONOTONIC; 0: there is none. */
static uint64_t deadline_ns(const struct orbus_curl *c, enum limit *which)
{
	uint64_t from = c->waiting_ns, limit_ms = c->options.idle_timeout_ms;

	*which = LIMIT_IDLE;
	if (!c->request.first_token_ns) {
		*which = LIMIT_FIRST_TOKEN;
		limit_ms = c->options.first_token_timeout_ms;
	}
	if (!limit_ms || limit_ms > UINT64_MAX / NS_PER_MS - from / NS_PER_MS - 1 || !c->streamed ||
	    c->answer.facts.complete || c->paused_ns)
		return 0;
	return from + limit_ms * NS_PER_MS;
}

/* Whether a limit had been hit at `now_ns`; the first one is remembered. */
static bool is_out_of_time(struct orbus_curl *c, uint64_t now_ns)
{
	enum limit which;
	uint64_t deadline = deadline_ns(c, &which);

	if (c->limit == LIMIT_NONE && deadline && now_ns >= deadline)
		c->limit = which;
	return c->limit != LIMIT_NONE;
}

long orbus_curl_timeout_ms(const struct orbus_curl *call)
{
	enum limit which;
	uint64_t deadline = deadline_ns(call, &which), now = now_ns_of(CLOCK_MONOTONIC);

	if (!deadline)
		return -1;
	return deadline <= now ? 0 : (long)((deadline - now + NS_PER_MS - 1) / NS_PER_MS);
}

static bool has_own_limits(const struct orbus_curl *c)
{
	return c->options.first_token_timeout_ms || c->options.idle_timeout_ms;
}

/* --- What libcurl calls -------------------------------------------------------------------------
 */

static void note_token(void *context)
{
	struct orbus_curl *c = context;

	c->waiting_ns = c->arrival_ns;
	if (!c->request.first_token_ns)
		c->request.first_token_ns = c->arrival_ns;
}

static void pass_text(void *context, enum answer_text kind, const char *piece, size_t length)
{
	struct orbus_curl *c = context;

	c->options.text_function(c->options.text_data,
	    kind == ANSWER_CONTENT ? ORBUS_CURL_CONTENT : ORBUS_CURL_REASONING, piece, length);
}

static const struct answer_sink sink = {.token = note_token};
static const struct answer_sink sink_with_text = {.token = note_token, .text = pass_text};

/* Before the body's first byte: is it a stream of events? A body that is none after all shows. */
static void begin_body(struct orbus_curl *c)
{
	static const char events[] = "text/event-stream";
	char *type = NULL;

	c->body_seen = true;
	curl_easy_getinfo(c->easy, CURLINFO_CONTENT_TYPE, &type);
	if (type && strncasecmp(type, events, sizeof(events) - 1) == 0)
		c->streamed = true;
	if (c->streamed)
		answer_expect(&c->answer, ANSWER_EVENTS);
}

/* Reads what has not been read before the program paused, and notes when the answer was whole. */
static void read_answer(struct orbus_curl *c, const char *bytes, size_t length)
{
	size_t known = c->ahead < length ? c->ahead : length;

	if (!c->body_seen)
		begin_body(c);
	answer_feed(&c->answer, bytes + known, length - known);
	if (c->answer.facts.complete && !c->complete_ns)
		c->complete_ns = now_ns_of(CLOCK_MONOTONIC);
}

/*
 * Hands the bytes to the program: after they were read, since it may change them in their place.
 * What it pauses at libcurl brings again, in pieces of any size.
 */
static size_t pass_on(struct orbus_curl *c, char *bytes, size_t size, size_t count)
{
	size_t length = size * count, taken = c->write_function(bytes, size, count, c->write_data);

	if (c->ahead < length)
		c->ahead = length;
	if (taken != CURL_WRITEFUNC_PAUSE)
		c->ahead -= length;
	return taken;
}

/* The program has let the transfer wait since `since_ns`. */
static uint64_t credit_time(struct orbus_curl *c, uint64_t since_ns)
{
	uint64_t now = now_ns_of(CLOCK_MONOTONIC);

	c->waiting_ns += now - since_ns;
	return now;
}

/* The clock is read only while it matters: until the first token, and for the limits. */
static size_t on_write(char *bytes, size_t size, size_t count, void *data)
{
	struct orbus_curl *c = data;
	bool limited = has_own_limits(c), out_of_time;
	size_t taken;

	if (!c->request.first_token_ns || limited)
		c->arrival_ns = now_ns_of(CLOCK_MONOTONIC);
	if (c->paused_ns)
		credit_time(c, c->paused_ns);
	c->paused_ns = 0;
	read_answer(c, bytes, size * count);
	out_of_time = limited && is_out_of_time(c, c->arrival_ns);
	taken = pass_on(c, bytes, size, count);
	if (limited)
		credit_time(c, c->arrival_ns);
	if (taken == CURL_WRITEFUNC_PAUSE)
		c->paused_ns = now_ns_of(CLOCK_MONOTONIC);
	else if (taken != size * count)
		c->program_aborted = true;
	else if (out_of_time)
		return 0;
	return taken;
}

static int on_progress(
    void *data, curl_off_t dltotal, curl_off_t dlnow, curl_off_t ultotal, curl_off_t ulnow)
{
	struct orbus_curl *c = data;
	int stop = 0;

	if (c->options.progress_function)
		stop = c->options.progress_function(
		    c->options.progress_data, dltotal, dlnow, ultotal, ulnow);
	if (stop && stop != CURL_PROGRESSFUNC_CONTINUE)
		c->program_aborted = true;
	else if (is_out_of_time(c, now_ns_of(CLOCK_MONOTONIC)))
		stop = 1;
	return stop;
}

/* --- Attach --------------------------------------------------------------------------------------
 */

static size_t write_to_file(char *bytes, size_t size, size_t count, void *data)
{
	return fwrite(bytes, size, count, data);
}

static uint64_t total_timeout_ms(const struct orbus_curl_options *o)
{
	return o->total_timeout_ms ? o->total_timeout_ms : ORBUS_CURL_TOTAL_TIMEOUT_MS;
}

static void set_up_handle(struct orbus_curl *c)
{
	const struct orbus_curl_options *o = &c->options;
	uint64_t total = total_timeout_ms(o);

	curl_easy_setopt(c->easy, CURLOPT_WRITEFUNCTION, on_write);
	curl_easy_setopt(c->easy, CURLOPT_WRITEDATA, c);
	if (total <= LONG_MAX)
		curl_easy_setopt(c->easy, CURLOPT_TIMEOUT_MS, (long)total);
	if (o->connect_timeout_ms && o->connect_timeout_ms <= LONG_MAX)
		curl_easy_setopt(c->easy, CURLOPT_CONNECTTIMEOUT_MS, (long)o->connect_timeout_ms);
	if (has_own_limits(c)) {
		curl_easy_setopt(c->easy, CURLOPT_XFERINFOFUNCTION, on_progress);
		curl_easy_setopt(c->easy, CURLOPT_XFERINFODATA, c);
		curl_easy_setopt(c->easy, CURLOPT_NOPROGRESS, 0L);
	}
}

static void give_handle_back(struct orbus_curl *c)
{
	bool own_write = c->write_function != write_to_file;

	curl_easy_setopt(c->easy, CURLOPT_WRITEFUNCTION,
	    own_write ? c->write_function : (curl_write_callback)NULL);
	curl_easy_setopt(c->easy, CURLOPT_WRITEDATA, c->write_data);
	if (has_own_limits(c)) {
		curl_easy_setopt(c->easy, CURLOPT_XFERINFOFUNCTION, c->options.progress_function);
		curl_easy_setopt(c->easy, CURLOPT_XFERINFODATA, c->options.progress_data);
		curl_easy_setopt(
		    c->easy, CURLOPT_NOPROGRESS, c->options.progress_function ? 0L : 1L);
	}
}

static void read_request(struct orbus_curl *c)
{
	struct orbus_curl_options *o = &c->options;

	if (o->request)
		question_read(&c->question, o->request,
		    o->request_bytes ? o->request_bytes : strlen(o->request));
	if (!o->model && c->question.model[0])
		o->model = c->question.model;
	c->streamed = o->stream || c->question.stream;
	o->request = NULL;
}

int orbus_curl_attach(struct orbus_producer *producer, CURL *easy,
    curl_write_callback write_function, void *write_data, const struct orbus_curl_options *options,
    struct orbus_curl **out)
{
	struct orbus_curl *c;

	if (!out)
		return -EINVAL;
	*out = NULL;
	if (!producer || !easy)
		return -EINVAL;
	c = calloc(1, sizeof(*c));
	if (!c)
		return -ENOMEM;
	c->easy = easy;
	c->write_function = write_function ? write_function : write_to_file;
	c->write_data = write_function || write_data ? write_data : stdout;
	if (options)
		c->options = *options;
	if (answer_init(&c->answer, c->options.text_function ? &sink_with_text : &sink, c) != 0) {
		free(c);
		return -ENOMEM;
	}
	read_request(c);
	set_up_handle(c);
	orbus_request_begin(producer, &c->request, c->options.model, c->streamed);
	c->waiting_ns = c->request.start_ns;
	*out = c;
	return 0;
}

/* --- Detach --------------------------------------------------------------------------------------
 */

/*
 * A time-out by libcurl's own clock, whose timers may be a millisecond early. Before the connection
 * it is of the whole only where that is over and no shorter one for connecting was. Of a connected
 * transfer whose time is not over, CURLOPT_LOW_SPEED_LIMIT says that nothing comes.
 */
static enum limit libcurls_limit(const struct orbus_curl *c)
{
	uint64_t total = total_timeout_ms(&c->options), connect = c->options.connect_timeout_ms;
	curl_off_t connected_us = 0, elapsed_us = 0;
	bool is_over;

	curl_easy_getinfo(c->easy, CURLINFO_PRETRANSFER_TIME_T, &connected_us);
	curl_easy_getinfo(c->easy, CURLINFO_TOTAL_TIME_T, &elapsed_us);
	is_over = (uint64_t)elapsed_us / 1000 + 2 >= total;
	if (connected_us == 0)
		return is_over && (!connect || connect >= total) ? LIMIT_TOTAL : LIMIT_CONNECT;
	return is_over || total == ORBUS_CURL_NO_LIMIT ? LIMIT_TOTAL : LIMIT_IDLE;
}

/* What the program did, by the result: libcurl tells its callbacks' refusal by these two. */
static bool is_refused_by_program(CURLcode result)
{
	return result == CURLE_ABORTED_BY_CALLBACK || result == CURLE_WRITE_ERROR;
}

static void reach_verdict(struct orbus_curl *c, CURLcode result)
{
	struct evidence e = {.result = result,
	    .limit = c->limit,
	    .program_aborted = c->program_aborted,
	    .streamed = c->streamed,
	    .answer = &c->answer,
	    .secret = c->options.secret};
	curl_off_t retry_after = 0;

	if (result == CURLE_OPERATION_TIMEDOUT)
		e.limit =
		    is_out_of_time(c, now_ns_of(CLOCK_MONOTONIC)) ? c->limit : libcurls_limit(c);
	if (is_refused_by_program(result))
		e.program_aborted = e.limit == LIMIT_NONE;
	curl_easy_getinfo(c->easy, CURLINFO_RESPONSE_CODE, &e.http_status);
	curl_easy_getinfo(c->easy, CURLINFO_OS_ERRNO, &e.os_error);
	if (curl_easy_getinfo(c->easy, CURLINFO_RETRY_AFTER, &retry_after) == CURLE_OK)
		e.retry_after = (long)retry_after;
	verdict_reach(&e, &c->verdict);
	c->request.sample.http_status = e.http_status > 0 ? (uint64_t)e.http_status : ORBUS_NONE;
}

static const char *or_absent(const char *text)
{
	return *text ? text : NULL;
}

/*
 * The tokens that were generated, by the API; some report 0 all along until the end, which for a
 * stream that broke never came.
 */
static uint64_t reported_completion(const struct answer_facts *f)
{
	bool is_final = f->complete || f->completion_tokens >= tally_tokens(&f->generated);

	return is_final ? f->completion_tokens : ORBUS_NONE;
}

/* The API's own count, else an estimate where there is something to estimate from. */
static uint64_t count_or_estimate(uint64_t reported, const struct tally *text, bool *estimated)
{
	if (reported != ORBUS_NONE || text->quarters == 0)
		return reported;
	*estimated = true;
	return tally_tokens(text);
}

static void fill_in_tokens(struct orbus_curl *c, struct orbus_sample *s)
{
	const struct answer_facts *f = &c->answer.facts;
	bool estimated = false;

	s->completion_tokens = count_or_estimate(reported_completion(f), &f->generated, &estimated);
	s->prompt_tokens = f->prompt_tokens;
	if (s->completion_tokens != ORBUS_NONE)
		s->prompt_tokens =
		    count_or_estimate(f->prompt_tokens, &c->question.prompt, &estimated);
	s->total_tokens =
	    s->completion_tokens == f->completion_tokens ? f->total_tokens : ORBUS_NONE;
	if (s->total_tokens == ORBUS_NONE && s->prompt_tokens != ORBUS_NONE &&
	    s->completion_tokens != ORBUS_NONE)
		s->total_tokens = s->prompt_tokens + s->completion_tokens;
	s->tokens_estimated = estimated;
	s->cached_tokens = f->cached_tokens;
	s->reasoning_tokens = f->reasoning_tokens;
	s->cost_usd = f->cost_usd;
}

/* The id by which OpenRouter knows this request, also where the body does not come to its id. */
static const char *find_generation_id(struct orbus_curl *c)
{
	struct curl_header *header;

	if (c->answer.facts.id[0])
		return c->answer.facts.id;
	if (curl_easy_header(c->easy, "X-Generation-Id", 0, CURLH_HEADER, -1, &header) == CURLHE_OK)
		snprintf(c->generation_id, sizeof(c->generation_id), "%s", header->value);
	if (!utf8_is_valid(c->generation_id, strlen(c->generation_id)))
		return "";
	return c->generation_id;
}

static void fill_in(struct orbus_curl *c)
{
	const struct answer_facts *f = &c->answer.facts;
	struct orbus_sample *s = &c->request.sample;
	const char *id = find_generation_id(c);

	if (*id)
		s->request_id = id;
	s->model = or_absent(f->model);
	s->provider = or_absent(f->provider);
	s->finish_reason = or_absent(f->finish_reason);
	s->error_type = c->verdict.error_type;
	s->error_message = or_absent(c->verdict.error_message);
	/* Who asks for a stream may get one document: that has no first token. */
	s->stream =
	    c->streamed && (c->answer.form != ANSWER_JSON || c->verdict.status != ORBUS_STATUS_OK);
	if (c->complete_ns)
		s->response_ms = (double)(c->complete_ns - c->request.start_ns) / 1e6;
	s->attempt = c->options.attempt ? c->options.attempt : ORBUS_NONE;
	s->tags = c->options.tags;
	s->tag_count = c->options.tag_count;
	fill_in_tokens(c, s);
}

bool orbus_curl_is_answered(const struct orbus_curl *call)
{
	return call->complete_ns != 0;
}

long orbus_curl_error_code(const struct orbus_curl *call)
{
	long status = 0;

	curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status);
	return verdict_code(status, &call->answer.facts);
}

int orbus_curl_detach(struct orbus_curl *call, CURLcode result)
{
	int err;

	if (!call)
		return 0;
	answer_end(&call->answer);
	reach_verdict(call, result);
	fill_in(call);
	err = orbus_request_end(&call->request, call->verdict.status);
	if (call->options.sample_function)
		call->options.sample_function(call->options.sample_data, &call->request.sample);
	give_handle_back(call);
	answer_free(&call->answer);
	free(call);
	return err;
}
