/*
 * transfer.c: what is read of a transfer as it passes, by the callbacks of write_slots.c.
 */
#include "transfer.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

const char *transfer_find_header(CURL *easy, const char *name)
{
	struct curl_header *header;

	return curl_easy_header(easy, name, 0, CURLH_HEADER, -1, &header) == CURLHE_OK
	           ? header->value
	           : NULL;
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
static bool is_compressed(CURL *easy, const char *bytes, size_t length)
{
	unsigned char first = length ? (unsigned char)*bytes : 0;
	const char *encoding;

	if (first != 0 && strchr(" \t\r\n{[<:dier\"\xef", first))
		return false;
	encoding = transfer_find_header(easy, "Content-Encoding");
	return encoding && strcasecmp(encoding, "identity") != 0;
}

/* With CURLOPT_HTTP_TRANSFER_DECODING 0 a chunk's size comes first: no text begins like that. */
static bool is_chunked(CURL *easy, const char *bytes, size_t length)
{
	size_t digits = 0;
	const char *encoding;

	while (digits < length && digits < 16 && isxdigit((unsigned char)bytes[digits]))
		digits++;
	if (digits == 0 || (digits < length && bytes[digits] != '\r' && bytes[digits] != ';'))
		return false;
	encoding = transfer_find_header(easy, "Transfer-Encoding");
	return encoding && strcasecmp(encoding, "chunked") == 0;
}

static bool begin_body(struct orbus_curl *c, const char *bytes, size_t length)
{
	char *type = NULL;

	c->body_seen = true;
	curl_easy_getinfo(c->easy, CURLINFO_CONTENT_TYPE, &type);
	llm_call_content_type(&c->call, type);
	if (is_compressed(c->easy, bytes, length))
		c->unread = "the program decodes the content itself";
	else if (is_chunked(c->easy, bytes, length))
		c->unread = "the program decodes the transfer itself";
	return c->unread || llm_call_feed(&c->call, header_start, c->header_matched);
}

/* Reads what has not been read before the program paused. False: a limit was reached. */
static bool read_response(struct orbus_curl *c, const char *bytes, size_t length)
{
	size_t known = c->ahead < length ? c->ahead : length;

	if (!c->body_seen)
		known += skip_headers(c, bytes + known, length - known);
	if (!c->body_seen && known < length && !begin_body(c, bytes + known, length - known))
		return false;
	if (!c->body_seen || c->unread)
		llm_call_go_on(&c->call);
	return !c->body_seen || c->unread || llm_call_feed(&c->call, bytes + known, length - known);
}

/*
 * Headers, for which the program has set CURLOPT_HEADERDATA alone, come with another pointer. A
 * duplicate's bytes come with the same one; those that come before an answer to ours are its.
 */
static bool expects(struct orbus_curl *c, const void *data)
{
	long status = 0;

	c->function_is_called = true;
	if (data != c->write_data)
		return false;
	c->data_is_met = true;
	if (!c->body_seen)
		curl_easy_getinfo(c->easy, CURLINFO_RESPONSE_CODE, &status);
	return c->body_seen || status != 0;
}

/* The call whose text_function may be running in this thread: it cannot be detached in there. */
static _Thread_local const struct orbus_curl *being_read;

static bool read_piece(struct orbus_curl *c, const char *bytes, size_t length)
{
	const struct orbus_curl *outer = being_read;
	bool in_time;

	being_read = c;
	in_time = read_response(c, bytes, length);
	being_read = outer;
	llm_call_hold(&c->call);
	return in_time;
}

/* What the program pauses at libcurl brings again, in pieces of any size. */
static size_t passed(struct orbus_curl *c, size_t length, size_t taken, bool in_time)
{
	if (c->ahead < length)
		c->ahead = length;
	if (taken == CURL_WRITEFUNC_PAUSE)
		return taken;
	c->ahead -= length;
	llm_call_go_on(&c->call);
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

static int progressed(struct orbus_curl *c, const struct progress *now, int stop)
{
	if (!is_progress_of(c->easy, now))
		return stop;
	if (stop && stop != CURL_PROGRESSFUNC_CONTINUE)
		c->program_aborted = true;
	else if (llm_call_is_out_of_time(&c->call))
		stop = 1;
	return stop;
}

const struct slot_watcher transfer_watcher = {
    .expects = expects, .read = read_piece, .passed = passed, .progress = progressed};

bool transfer_is_being_read(const struct orbus_curl *c)
{
	return c == being_read;
}
