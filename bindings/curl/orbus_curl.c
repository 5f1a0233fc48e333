/*
 * orbus_curl.c: the measurement of one transfer of libcurl, from attach to detach.
 *
 * Everything happens in the thread that drives the handle: libcurl calls back from within
 * curl_easy_perform() or curl_multi_perform(). A duplicate of the handle may call back from another
 * thread; write_slots.c lets one in at a time.
 */
#include "orbus_curl.h"
#include "ring/handle.h"
#include "transfer.h"
#include "transfer_error.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- Attach --------------------------------------------------------------------------------------
 */

static bool has_own_limits(const struct orbus_curl *c)
{
	return c->options.first_token_timeout_ms || c->options.idle_timeout_ms;
}

static void pass_text(void *context, enum response_text kind, const char *piece, size_t length)
{
	struct orbus_curl *c = context;

	c->options.text_function(c->options.text_data,
	    kind == RESPONSE_CONTENT ? ORBUS_CURL_CONTENT : ORBUS_CURL_REASONING, piece, length);
}

static size_t write_to_file(char *bytes, size_t size, size_t count, void *data)
{
	return fwrite(bytes, size, count, data);
}

/* A limit that fits into what libcurl takes; 0: none of ours. */
static long limit_ms(uint64_t limit)
{
	return limit <= LONG_MAX ? (long)limit : 0;
}

/* The data pointers stay the program's, since a duplicate of the handle copies them. */
static void set_up_handle(struct orbus_curl *c, const struct slot_functions *ours)
{
	const struct orbus_curl_options *o = &c->options;

	curl_easy_setopt(c->easy, CURLOPT_WRITEFUNCTION, ours->write);
	curl_easy_setopt(c->easy, CURLOPT_WRITEDATA, c->write_data);
	if (limit_ms(o->total_timeout_ms))
		curl_easy_setopt(c->easy, CURLOPT_TIMEOUT_MS, limit_ms(o->total_timeout_ms));
	if (limit_ms(o->connect_timeout_ms))
		curl_easy_setopt(
		    c->easy, CURLOPT_CONNECTTIMEOUT_MS, limit_ms(o->connect_timeout_ms));
	if (has_own_limits(c)) {
		curl_easy_setopt(c->easy, CURLOPT_XFERINFOFUNCTION, ours->progress);
		curl_easy_setopt(c->easy, CURLOPT_XFERINFODATA, c->options.progress_data);
		curl_easy_setopt(c->easy, CURLOPT_NOPROGRESS, 0L);
	}
}

/*
 * What the program has set since the attach stays: a body that came, and not by our function or not
 * with the pointer that we know, shows it.
 */
static void give_handle_back(struct orbus_curl *c, bool body_passed_by)
{
	bool own_write = c->write_function != write_to_file;

	if (!body_passed_by || c->function_is_called)
		curl_easy_setopt(c->easy, CURLOPT_WRITEFUNCTION,
		    own_write ? c->write_function : (curl_write_callback)NULL);
	if (!body_passed_by)
		curl_easy_setopt(c->easy, CURLOPT_WRITEDATA, c->write_data);
	if (has_own_limits(c)) {
		curl_easy_setopt(c->easy, CURLOPT_XFERINFOFUNCTION, c->options.progress_function);
		curl_easy_setopt(c->easy, CURLOPT_XFERINFODATA, c->options.progress_data);
		curl_easy_setopt(
		    c->easy, CURLOPT_NOPROGRESS, c->options.progress_function ? 0L : 1L);
	}
}

static int begin_call(struct orbus_curl *c, struct orbus_producer *producer)
{
	const struct orbus_curl_options *o = &c->options;
	size_t request_bytes =
	    o->request && !o->request_bytes ? strlen(o->request) : o->request_bytes;

	return llm_call_begin(&c->call, producer,
	    &(struct llm_call_options){.request = o->request,
		.request_bytes = request_bytes,
		.model = o->model,
		.stream = o->stream,
		.attempt = o->attempt,
		.tags = o->tags,
		.tag_count = o->tag_count,
		.first_token_timeout_ms = o->first_token_timeout_ms,
		.idle_timeout_ms = o->idle_timeout_ms,
		.text = o->text_function ? pass_text : NULL,
		.context = c,
		.key = o->key_id ? o->secret : NULL,
		.secrets = o->secret});
}

/* What passes unmeasured is counted where people see it, among the counts of the bus. */
static void count_unmeasured(struct orbus_producer *producer)
{
	struct orbus_sample s;

	orbus_sample_init(&s);
	s.kind = ORBUS_KIND_COUNT;
	s.name = "unmeasured";
	s.value = 1;
	orbus_publish(producer, &s);
}

/* Takes a slot and begins the call: both, or none. */
static int take_slot_and_begin(struct orbus_curl *c, struct slot_functions *ours)
{
	struct slot_functions program = {c->write_function, c->options.progress_function};
	int err = 0;

	if (!write_slot_take(c, &transfer_watcher, &program, &c->slot, ours))
		return -EBUSY;
	if (begin_call(c, c->producer) != 0) {
		err = -ENOMEM;
	} else if (!c->call.request.producer) { /* it was closed, or is none */
		llm_call_free(&c->call);
		err = -EINVAL;
	}
	if (err)
		write_slot_free(c->slot);
	return err;
}

static int attach(struct orbus_producer *producer, CURL *easy, curl_write_callback write_function,
    void *write_data, const struct orbus_curl_options *options, struct orbus_curl **out)
{
	struct slot_functions ours;
	struct handle_cell *cell;
	struct orbus_curl *c;
	int err = 0;

	cell = handle_take(&err);
	if (!cell)
		return err;
	c = calloc(1, sizeof(*c));
	if (!c) {
		handle_drop(cell);
		return -ENOMEM;
	}
	c->easy = easy;
	c->producer = producer;
	c->write_function = write_function ? write_function : write_to_file;
	c->write_data = write_function || write_data ? write_data : stdout;
	if (options)
		c->options = *options;
	err = take_slot_and_begin(c, &ours);
	if (err) {
		handle_drop(cell);
		free(c);
		return err;
	}
	/* Last: until here nothing of the handle has changed, and from here on nothing fails. */
	set_up_handle(c, &ours);
	*out = handle_show(cell, HANDLE_CALL, c, free);
	return 0;
}

int orbus_curl_attach(struct orbus_producer *producer, CURL *easy,
    curl_write_callback write_function, void *write_data, const struct orbus_curl_options *options,
    struct orbus_curl **out)
{
	int saved = errno, err;

	if (!out)
		return -EINVAL;
	*out = NULL;
	if (!producer || !easy)
		return -EINVAL;
	err = attach(producer, easy, write_function, write_data, options, out);
	if (err)
		count_unmeasured(producer);
	errno = saved;
	return err;
}

/* --- Detach --------------------------------------------------------------------------------------
 */

/*
 * A time-out by libcurl's own clock, whose timers may be a millisecond early. Before the connection
 * it is of the whole only where that is known to be over and no shorter one for connecting was. Of
 * a connected transfer whose time is known not to be over, CURLOPT_LOW_SPEED_LIMIT says that
 * nothing comes.
 */
static enum limit libcurls_limit(const struct orbus_curl *c)
{
	uint64_t total = (uint64_t)limit_ms(c->options.total_timeout_ms);
	uint64_t connect = c->options.connect_timeout_ms;
	curl_off_t connected_us = 0, elapsed_us = 0;
	bool is_over;

	curl_easy_getinfo(c->easy, CURLINFO_PRETRANSFER_TIME_T, &connected_us);
	curl_easy_getinfo(c->easy, CURLINFO_TOTAL_TIME_T, &elapsed_us);
	is_over = total && (uint64_t)elapsed_us / 1000 + 2 >= total;
	if (connected_us == 0)
		return is_over && (!connect || connect >= total) ? LIMIT_TOTAL : LIMIT_CONNECT;
	return is_over || !total ? LIMIT_TOTAL : LIMIT_IDLE;
}

/* What the program did, by the result: libcurl tells its callbacks' refusal by these two. */
static bool is_refused_by_program(CURLcode result)
{
	return result == CURLE_ABORTED_BY_CALLBACK || result == CURLE_WRITE_ERROR;
}

static bool is_answered_well(CURL *easy, CURLcode result)
{
	long status = 0;

	curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
	return result == CURLE_OK && status >= 200 && status < 300;
}

/* Whether a body came that the program received in another way than it told us. */
static bool has_body_passed_by(const struct orbus_curl *c, CURLcode result)
{
	curl_off_t bytes = 0;

	curl_easy_getinfo(c->easy, CURLINFO_SIZE_DOWNLOAD_T, &bytes);
	return !c->data_is_met && bytes > 0 && is_answered_well(c->easy, result);
}

/* Of a transfer that went well and brought us no body: why there was none to read. NULL: it lacks.
 */
static const char *why_no_body(const struct orbus_curl *c, CURLcode result)
{
	char *method = NULL;
	long status = 0;

	if (result != CURLE_OK || c->body_seen)
		return NULL;
	curl_easy_getinfo(c->easy, CURLINFO_RESPONSE_CODE, &status);
	if (status == 0)
		return "libcurl has seen no HTTP answer";
	curl_easy_getinfo(c->easy, CURLINFO_EFFECTIVE_METHOD, &method);
	if (method && strcmp(method, "HEAD") == 0)
		return "the program asked for no body";
	return has_body_passed_by(c, result) ? "the program received the body in another way"
	                                     : NULL;
}

static const char *find_generation_id(void *context)
{
	struct orbus_curl *c = context;

	return transfer_find_header(c->easy, "X-Generation-Id");
}

/* What libcurl says of the end. Its strings live as long as the handle's transfer. */
static void describe_end(struct orbus_curl *c, CURLcode result, struct llm_call_result *out)
{
	curl_off_t retry_after = 0;
	long os_error = 0;
	char *url = NULL;

	if (!c->unread)
		c->unread = why_no_body(c, result);
	*out = (struct llm_call_result){
	    .program_aborted = c->program_aborted, .unread = c->unread != NULL};
	if (result == CURLE_OPERATION_TIMEDOUT && !llm_call_is_out_of_time(&c->call))
		out->limit = libcurls_limit(c);
	if (is_refused_by_program(result))
		out->program_aborted = true;
	curl_easy_getinfo(c->easy, CURLINFO_OS_ERRNO, &os_error);
	out->failure = transfer_failure(result, os_error);
	out->failure_message = transfer_error(result, os_error);
	curl_easy_getinfo(c->easy, CURLINFO_RESPONSE_CODE, &out->http_status);
	if (curl_easy_getinfo(c->easy, CURLINFO_RETRY_AFTER, &retry_after) == CURLE_OK)
		out->retry_after = (long)retry_after;
	out->find_generation_id = find_generation_id;
	out->context = c;
	curl_easy_getinfo(c->easy, CURLINFO_EFFECTIVE_URL, &url);
	out->url = url;
}

/* NULL: no call, or one that was detached. */
static struct orbus_curl *call_of(const struct orbus_curl *handle)
{
	return handle_is_open(handle, HANDLE_CALL) ? handle_cell_of(handle)->body : NULL;
}

long orbus_curl_timeout_ms(const struct orbus_curl *call)
{
	const struct orbus_curl *c = call_of(call);

	return c ? llm_call_timeout_ms(&c->call) : -1;
}

bool orbus_curl_is_answered(const struct orbus_curl *call)
{
	const struct orbus_curl *c = call_of(call);

	return c && c->call.complete_ns != 0;
}

long orbus_curl_error_code(const struct orbus_curl *call)
{
	const struct orbus_curl *c = call_of(call);
	long status = 0;

	if (!c)
		return 0;
	curl_easy_getinfo(c->easy, CURLINFO_RESPONSE_CODE, &status);
	return outcome_code(status, &c->call.response.facts);
}

const char *orbus_curl_unread(const struct orbus_curl *call)
{
	const struct orbus_curl *c = call_of(call);

	return c ? c->unread : NULL;
}

static int detach(struct orbus_curl *c, CURLcode result)
{
	struct llm_call_result end;
	int err;

	/* First: from here on what a duplicate brings passes by. */
	write_slot_free(c->slot);
	describe_end(c, result, &end);
	if (c->unread)
		count_unmeasured(c->producer);
	err = llm_call_end(&c->call, &end);
	if (c->options.sample_function)
		c->options.sample_function(c->options.sample_data, &c->call.request.sample);
	give_handle_back(c, has_body_passed_by(c, result));
	llm_call_free(&c->call);
	return err;
}

int orbus_curl_detach(struct orbus_curl *call, CURLcode result)
{
	struct orbus_curl *c = call_of(call);
	int saved = errno, err;

	if (!call)
		return 0;
	if (!c)
		return -EINVAL;
	/* By the program's own text_function or sample_function. */
	if (transfer_is_being_read(c) || c->is_detaching)
		return -EALREADY;
	c->is_detaching = true;
	err = detach(c, result);
	handle_close(call, HANDLE_CALL);
	errno = saved;
	return err;
}
