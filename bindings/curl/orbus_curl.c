/*
 * orbus_curl.c: one transfer of libcurl, from attach to detach.
 *
 * Everything happens in the thread that drives the handle: libcurl calls back from within
 * curl_easy_perform() or curl_multi_perform(). A duplicate of the handle may call back from another
 * thread; write_slots.c lets one in at a time.
 */
#include "orbus_curl.h"
#include "exchange.h"
#include "handle.h"
#include "transfer_error.h"
#include "write_slots.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Programs hold a handle of handle.h, and callbacks the struct itself. */
struct orbus_curl {
	CURL *easy;
	curl_write_callback write_function; /* the program's, or libcurl's default */
	void *write_data;
	struct orbus_curl_options options;
	struct exchange exchange;
	bool body_seen;
	bool program_aborted;
	bool is_detaching;
	bool unread; /* the body is compressed, as the program wants it */
	bool in_header;
	uint8_t header_matched; /* bytes of HTTP/ where a header may begin */
	size_t header_line;     /* bytes of the line so far */
	unsigned slot;
	size_t ahead; /* bytes that were read and that the program has yet to take */
};

static bool has_own_limits(const struct orbus_curl *c)
{
	return c->options.first_token_timeout_ms || c->options.idle_timeout_ms;
}

/* --- What libcurl calls -------------------------------------------------------------------------
 */

static void pass_text(void *context, enum answer_text kind, const char *piece, size_t length)
{
	struct orbus_curl *c = context;

	c->options.text_function(c->options.text_data,
	    kind == ANSWER_CONTENT ? ORBUS_CURL_CONTENT : ORBUS_CURL_REASONING, piece, length);
}

static const char header_start[] = "HTTP/";

/*
 * With CURLOPT_HEADER headers come before the body, those of each response. Returns how many of
 * these bytes are of headers, or may be: no body that is understood begins like one.
 */
static size_t skip_headers(struct orbus_curl *c, const char *bytes, size_t length)
{
	size_t i = 0;

	for (; i < length && !c->body_seen; i++) {
		if (!c->in_header) {
			if (bytes[i] != header_start[c->header_matched])
				break;
			c->in_header = ++c->header_matched == sizeof(header_start) - 1;
			c->header_line = c->header_matched;
		} else if (bytes[i] != '\n') {
			c->header_line += bytes[i] != '\r';
		} else {
			c->in_header = c->header_line > 0;
			c->header_line = 0;
			c->header_matched = 0;
		}
	}
	return i;
}

/*
 * A body that libcurl was not asked to decode: the program asked for the encoding by a header of
 * its own. What is text is not compressed, and no text that is understood begins with these bytes.
 */
static bool is_compressed(struct orbus_curl *c, const char *bytes, size_t length)
{
	struct curl_header *header;
	unsigned char first = length ? (unsigned char)*bytes : 0;

	if (curl_easy_header(c->easy, "Content-Encoding", 0, CURLH_HEADER, -1, &header) !=
		CURLHE_OK ||
	    strcasecmp(header->value, "identity") == 0)
		return false;
	return !strchr(" \t\r\n{[<:dier\"\xef", first) || first == 0;
}

static bool begin_body(struct orbus_curl *c, const char *bytes, size_t length)
{
	char *type = NULL;

	c->body_seen = true;
	curl_easy_getinfo(c->easy, CURLINFO_CONTENT_TYPE, &type);
	exchange_content_type(&c->exchange, type);
	c->unread = is_compressed(c, bytes, length);
	return c->unread || exchange_feed(&c->exchange, header_start, c->header_matched);
}

/* Reads what has not been read before the program paused. False: a limit was reached. */
static bool read_answer(struct orbus_curl *c, const char *bytes, size_t length)
{
	size_t known = c->ahead < length ? c->ahead : length;

	if (!c->body_seen)
		known += skip_headers(c, bytes + known, length - known);
	if (!c->body_seen && known < length && !begin_body(c, bytes + known, length - known))
		return false;
	if (!c->body_seen || c->unread)
		exchange_go_on(&c->exchange);
	return !c->body_seen || c->unread ||
	       exchange_feed(&c->exchange, bytes + known, length - known);
}

/*
 * Headers, for which the program has set CURLOPT_HEADERDATA alone, come with another pointer. A
 * duplicate's bytes come with the same one; those that come before an answer to ours are its.
 */
bool orbus_curl_expects(const struct orbus_curl *c, const void *data)
{
	long status = 0;

	if (data != c->write_data)
		return false;
	if (!c->body_seen)
		curl_easy_getinfo(c->easy, CURLINFO_RESPONSE_CODE, &status);
	return c->body_seen || status != 0;
}

bool orbus_curl_read(struct orbus_curl *c, const char *bytes, size_t length)
{
	bool in_time = read_answer(c, bytes, length);

	exchange_hold(&c->exchange);
	return in_time;
}

/* What the program pauses at libcurl brings again, in pieces of any size. */
size_t orbus_curl_passed(struct orbus_curl *c, size_t length, size_t taken, bool in_time)
{
	if (c->ahead < length)
		c->ahead = length;
	if (taken == CURL_WRITEFUNC_PAUSE)
		return taken;
	c->ahead -= length;
	exchange_go_on(&c->exchange);
	if (taken != length)
		c->program_aborted = true;
	else if (!in_time)
		return 0;
	return taken;
}

/* A duplicate's progress comes here too: it is told by its counts, which libcurl tells of ours. */
static bool is_progress_of(CURL *easy, const struct progress *now)
{
	curl_off_t down = -1, up = -1;

	curl_easy_getinfo(easy, CURLINFO_SIZE_DOWNLOAD_T, &down);
	curl_easy_getinfo(easy, CURLINFO_SIZE_UPLOAD_T, &up);
	return now->dlnow == down && now->ulnow == up;
}

int orbus_curl_progress(struct orbus_curl *c, const struct progress *now, int stop)
{
	if (!is_progress_of(c->easy, now))
		return stop;
	if (stop && stop != CURL_PROGRESSFUNC_CONTINUE)
		c->program_aborted = true;
	else if (exchange_is_out_of_time(&c->exchange))
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

/* The data pointers stay the program's, since a duplicate of the handle copies them. */
static void set_up_handle(struct orbus_curl *c, const struct slot_functions *ours)
{
	const struct orbus_curl_options *o = &c->options;
	uint64_t total = total_timeout_ms(o);

	curl_easy_setopt(c->easy, CURLOPT_WRITEFUNCTION, ours->write);
	curl_easy_setopt(c->easy, CURLOPT_WRITEDATA, c->write_data);
	if (total <= LONG_MAX)
		curl_easy_setopt(c->easy, CURLOPT_TIMEOUT_MS, (long)total);
	if (o->connect_timeout_ms && o->connect_timeout_ms <= LONG_MAX)
		curl_easy_setopt(c->easy, CURLOPT_CONNECTTIMEOUT_MS, (long)o->connect_timeout_ms);
	if (has_own_limits(c)) {
		curl_easy_setopt(c->easy, CURLOPT_XFERINFOFUNCTION, ours->progress);
		curl_easy_setopt(c->easy, CURLOPT_XFERINFODATA, c->options.progress_data);
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

static int begin_exchange(struct orbus_curl *c, struct orbus_producer *producer)
{
	const struct orbus_curl_options *o = &c->options;
	size_t request_bytes =
	    o->request && !o->request_bytes ? strlen(o->request) : o->request_bytes;

	return exchange_begin(&c->exchange, producer,
	    &(struct exchange_options){.request = o->request,
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
		.secrets = o->secret});
}

int orbus_curl_attach(struct orbus_producer *producer, CURL *easy,
    curl_write_callback write_function, void *write_data, const struct orbus_curl_options *options,
    struct orbus_curl **out)
{
	struct slot_functions program, ours;
	struct handle_cell *cell;
	struct orbus_curl *c;
	int err = 0;

	if (!out)
		return -EINVAL;
	*out = NULL;
	if (!producer || !easy)
		return -EINVAL;
	cell = handle_take(&err);
	if (!cell)
		return err;
	c = calloc(1, sizeof(*c));
	if (!c) {
		handle_drop(cell);
		return -ENOMEM;
	}
	c->easy = easy;
	c->write_function = write_function ? write_function : write_to_file;
	c->write_data = write_function || write_data ? write_data : stdout;
	if (options)
		c->options = *options;
	program = (struct slot_functions){c->write_function, c->options.progress_function};
	if (!write_slot_take(c, &program, &c->slot, &ours))
		err = -EBUSY;
	else if (begin_exchange(c, producer) != 0) {
		write_slot_free(c->slot);
		err = -ENOMEM;
	} else if (!c->exchange.request.producer) { /* it was closed, or is none */
		write_slot_free(c->slot);
		exchange_free(&c->exchange);
		err = -EINVAL;
	}
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

/* What libcurl says of the end. Its strings live as long as the handle's transfer. */
static void describe_end(struct orbus_curl *c, CURLcode result, struct exchange_result *out)
{
	struct curl_header *header;
	curl_off_t retry_after = 0;
	long os_error = 0;
	char *url = NULL;

	*out = (struct exchange_result){.program_aborted = c->program_aborted, .unread = c->unread};
	if (result == CURLE_OPERATION_TIMEDOUT && !exchange_is_out_of_time(&c->exchange))
		out->limit = libcurls_limit(c);
	if (is_refused_by_program(result))
		out->program_aborted = true;
	curl_easy_getinfo(c->easy, CURLINFO_OS_ERRNO, &os_error);
	out->failure = transfer_failure(result, os_error);
	out->failure_message = transfer_error(result, os_error);
	curl_easy_getinfo(c->easy, CURLINFO_RESPONSE_CODE, &out->http_status);
	if (curl_easy_getinfo(c->easy, CURLINFO_RETRY_AFTER, &retry_after) == CURLE_OK)
		out->retry_after = (long)retry_after;
	if (curl_easy_header(c->easy, "X-Generation-Id", 0, CURLH_HEADER, -1, &header) == CURLHE_OK)
		out->generation_id = header->value;
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

	return c ? exchange_timeout_ms(&c->exchange) : -1;
}

bool orbus_curl_is_answered(const struct orbus_curl *call)
{
	const struct orbus_curl *c = call_of(call);

	return c && c->exchange.complete_ns != 0;
}

long orbus_curl_error_code(const struct orbus_curl *call)
{
	const struct orbus_curl *c = call_of(call);
	long status = 0;

	if (!c)
		return 0;
	curl_easy_getinfo(c->easy, CURLINFO_RESPONSE_CODE, &status);
	return verdict_code(status, &c->exchange.answer.facts);
}

int orbus_curl_detach(struct orbus_curl *call, CURLcode result)
{
	struct orbus_curl *c = call_of(call);
	struct exchange_result end;
	int err;

	if (!call)
		return 0;
	if (!c)
		return -EINVAL;
	/* By the program's sample_function. */
	if (c->is_detaching)
		return -EALREADY;
	c->is_detaching = true;
	/* First: from here on what a duplicate brings passes by. */
	write_slot_free(c->slot);
	describe_end(c, result, &end);
	err = exchange_end(&c->exchange, &end);
	if (c->options.sample_function)
		c->options.sample_function(c->options.sample_data, &c->exchange.request.sample);
	give_handle_back(c);
	exchange_free(&c->exchange);
	handle_close(call, HANDLE_CALL);
	return err;
}
