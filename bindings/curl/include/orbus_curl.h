/*
 * orbus_curl.h: measures the LLM requests of programs that use libcurl.
 *
 * Two lines around a transfer of any kind, with `options` that may be {0}:
 *
 *	orbus_curl_attach(bus, easy, on_data, &mine, &options, &call);
 *	orbus_curl_detach(call, curl_easy_perform(easy));
 *
 * The first publishes a `begin`; the second publishes one request sample: how it ended (status,
 * error_type), response_ms, ttft_ms, tokens, cost, and who answered. In between the answer is read
 * as it passes; the program's own callbacks receive every byte as before.
 *
 * No prompt or answer enters the bus. No answer is kept or copied. A text that came from the server
 * (error_message, model, provider, finish_reason, request_id) is withheld where it repeats 12 or
 * more consecutive characters of what the request asked, or of a key; orbus_curl_options.request
 * tells what it asked, and a copy of it is kept until the detach. An error_message says then "(text
 * withheld: it repeats the request)". Where `request` is not given, or is no JSON, the server's
 * messages of 12 characters and more are withheld, and names that are no plain identifiers.
 *
 * What is understood: chat completions as OpenRouter and OpenAI-compatible servers send them, whole
 * or streamed as server-sent events. The first token is the first content, reasoning or part of a
 * tool call, never the first byte or a comment.
 *
 * The program behaves as it would alone (bindings/curl/README.md says what is changed meanwhile).
 * What cannot be read passes unmeasured: a body that the program decodes itself, or that goes
 * elsewhere since it has set another write function after the attach; a transfer without a body or
 * without HTTP. The sample then says how the transfer ended and how long it took, and a count
 * `unmeasured` goes to the bus; orbus_curl_unread() says why.
 *
 * Where the API reports no usage, tokens are estimated from the text that passed (a quarter of a
 * token for an ASCII character, half for one of 2 bytes in UTF-8, a whole one for longer ones) and
 * `tokens_estimated` is set. Cost is never estimated.
 *
 * error_type of a sample whose status is
 *   error      by HTTP status, or by the error's code in a body with HTTP 200:
 *              bad_request 400, unauthorized 401, insufficient_credits 402, forbidden 403,
 *              not_found 404, request_timeout 408, payload_too_large 413, unprocessable 422,
 *              rate_limited 429, server_error 500, bad_gateway 502, service_unavailable 503,
 *              gateway_timeout 504, origin_timeout 524, overloaded 529; client_error and
 *              server_error for the rest of 4xx and 5xx, unexpected_status for 3xx,
 *              api_error (HTTP 200, no code that is known);
 *              stream_error (an error in mid-stream, of any code), stream_truncated (no
 *              [DONE]),
 *              malformed_response (not JSON, or no completion);
 *              dns_failed, connection_refused, connection_failed, connection_lost, tls_failed,
 *              transfer_failed (anything else that libcurl reports)
 *   timeout    timeout_connect, timeout_first_token, timeout_idle (also the program's own
 *              CURLOPT_LOW_SPEED_LIMIT, where total_timeout_ms is said), timeout_total
 *   cancelled  none: the program ended the transfer
 *
 * A call belongs to the thread of its producer and its easy handle. Nothing here prints or aborts;
 * what is kept for the process as a whole is who has which callbacks, and the table of calls. It
 * works alike with curl_easy_perform() and the multi interface. errno stays as it was.
 *
 * What is allowed, and what is refused; as in orbus.h, whose tests read and walk this table too.
 * closed: the call was detached, or is none (a wild pointer, say).
 *
 *   function                    NULL      closed    in use     handler   child
 *   orbus_curl_attach           EINVAL    EINVAL    works      no        works
 *   orbus_curl_timeout_ms       none      none      works      no        works
 *   orbus_curl_is_answered      none      none      works      no        works
 *   orbus_curl_error_code       none      none      works      no        works
 *   orbus_curl_unread           none      none      works      no        works
 *   orbus_curl_detach           nothing   EINVAL    EALREADY   no        works
 *
 *   closed     of orbus_curl_attach(): the producer was closed
 *   none       -1, false, 0 and NULL
 *   in use     within the functions that the options name; orbus_curl_detach() within
 *              text_function and sample_function. In another thread: not allowed, as with the
 *              easy handle
 *   child      where the easy handle may be used there
 *
 *   closing the producer before the detach      allowed: the sample is refused with -EINVAL
 *   the detach after curl_easy_cleanup()        not allowed
 */
#ifndef ORBUS_CURL_H
#define ORBUS_CURL_H

#include <orbus.h>

#include <curl/curl.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A limit on a whole request that suits language models, in milliseconds: only if it is asked for.
 */
#define ORBUS_CURL_TOTAL_TIMEOUT_MS 180000

/* As a limit, like 0: none of ours; what the program has told libcurl holds. */
#define ORBUS_CURL_NO_LIMIT UINT64_MAX

/* What a piece of generated text is. */
enum orbus_curl_text {
	ORBUS_CURL_CONTENT,   /* of the answer */
	ORBUS_CURL_REASONING, /* that led to it */
};

/* All optional: start from {0}. Pointers are borrowed until orbus_curl_detach(), but `request`. */
struct orbus_curl_options {
	/*
	 * The JSON body that will be sent, read during orbus_curl_attach() only: it tells the model
	 * asked for, whether a stream was, the length of the prompt, and what the server must not
	 * put on the bus. libcurl cannot be asked for it. `request_bytes` 0: it ends with a NUL.
	 */
	const char *request;
	size_t request_bytes;

	/* In its place, or over it. */
	const char *model;
	bool stream;

	uint64_t attempt; /* 1 for the first try; 0: not said */
	const struct orbus_tag *tags;
	size_t tag_count;

	/*
	 * Limits in milliseconds; 0 leaves the program's own alone. `connect` takes the place of
	 * CURLOPT_CONNECTTIMEOUT_MS, `total` of CURLOPT_TIMEOUT_MS, for this transfer and those
	 * after it. `first_token` and `idle` (no token for so long,
	 * even if comments are sent) are for streams; 0: none. These two are looked at when bytes
	 * come and when libcurl wakes up, which in curl_easy_perform() is once a second at least;
	 * see orbus_curl_timeout_ms(). They count the server's time only: not the write callback's,
	 * nor what passes after it returned CURL_WRITEFUNC_PAUSE until bytes come again. A transfer
	 * that is paused by curl_easy_pause() alone looks idle.
	 */
	uint64_t connect_timeout_ms;
	uint64_t first_token_timeout_ms;
	uint64_t idle_timeout_ms;
	uint64_t total_timeout_ms;

	/*
	 * For these two, the program's own CURLOPT_XFERINFOFUNCTION and CURLOPT_XFERINFODATA, if it
	 * has any and CURLOPT_NOPROGRESS is 0. A CURLOPT_PROGRESSFUNCTION is not called meanwhile.
	 */
	curl_xferinfo_callback progress_function;
	void *progress_data;

	/*
	 * Receives the generated text as it comes, in pieces of whole UTF-8 characters, before the
	 * bytes that bring it go to the write callback. Text that an API says twice comes once.
	 */
	void (*text_function)(
	    void *data, enum orbus_curl_text kind, const char *piece, size_t bytes);
	void *text_data;

	/* Receives what is published at the end; it lives until the function returns. */
	void (*sample_function)(void *data, const struct orbus_sample *sample);
	void *sample_data;

	/*
	 * The API key, which a server may repeat: never published; several are given one a line.
	 * Passwords and keys in the URL are found without it, as long as it redirects nowhere else.
	 */
	const char *secret;

	/* Publishes the first 8 hex digits of the SHA-256 of `secret`'s first line as key_id. */
	bool key_id;
};

/* One request under way. */
struct orbus_curl;

/*
 * Starts to measure the next transfer of `easy`: call it right before, since the clock starts here,
 * and a `begin` is published. `write_function` and `write_data` are the program's own
 * CURLOPT_WRITEFUNCTION and CURLOPT_WRITEDATA, which libcurl cannot be asked for: set on the handle
 * they are replaced until orbus_curl_detach(). NULL is libcurl's default: to write to the FILE
 * `write_data`, or standard output where that is NULL too. `options` may be NULL.
 *
 * A duplicate that curl_easy_duphandle() makes of the handle, at any time, does what it would do
 * without orbus, and is not measured; only if it runs before the detach and writes to the same
 * CURLOPT_WRITEDATA may its bytes be taken for the transfer's.
 *
 * Returns 0; -EINVAL without a producer that is open, handle or room for the result; -ENOMEM;
 * -ENOBUFS while 16384 calls are under way; -EBUSY while 4096 transfers of the process are being
 * measured, or once it has used as many pairs of write and progress functions. On an error *out is
 * NULL, the handle is as it was, and the transfer works unmeasured. A `begin` that cannot be
 * published is no error: the request may still be.
 */
ORBUS_API int orbus_curl_attach(struct orbus_producer *producer, CURL *easy,
    curl_write_callback write_function, void *write_data, const struct orbus_curl_options *options,
    struct orbus_curl **out);

/*
 * Milliseconds until the first-token or idle limit is reached, 0 if it is, -1 without one. With the
 * multi interface wait no longer than that in curl_multi_poll(), then call curl_multi_perform().
 * With curl_multi_socket_action(), which does not look at handles that have nothing to do: at 0
 * remove the handle and detach with CURLE_OPERATION_TIMEDOUT.
 */
ORBUS_API long orbus_curl_timeout_ms(const struct orbus_curl *call);

/*
 * Whether [DONE] has come: the answer is whole, its response_ms is known, and a program that is
 * waiting for nothing else may end the transfer. Always false where the answer is no stream.
 */
ORBUS_API bool orbus_curl_is_answered(const struct orbus_curl *call);

/*
 * The HTTP status that an error amounts to: of the response from 300 on, else the number that the
 * error in the body bears as its code; 0 where there is neither. It tells what trying again may
 * mend. For use in sample_function.
 */
ORBUS_API long orbus_curl_error_code(const struct orbus_curl *call);

/*
 * Why the body of the answer was not read: the program received it in a way that it had not told,
 * or decodes it itself, or there was none to receive. NULL: it was read, or something failed
 * before. For use in sample_function. Static.
 */
ORBUS_API const char *orbus_curl_unread(const struct orbus_curl *call);

/*
 * Publishes the sample, gives the handle its own callbacks back (limits that were asked for stay;
 * so does what the program has set since), and frees the call. Call it when the transfer is over
 * and before curl_easy_cleanup() or curl_easy_reset(). `result` is what curl_easy_perform()
 * returned or CURLMsg holds; for a handle that was removed from its multi handle unfinished,
 * CURLE_OK if orbus_curl_is_answered(), else CURLE_ABORTED_BY_CALLBACK says that the program
 * cancelled it. NULL is allowed.
 *
 * Returns what orbus_publish() returns; -EINVAL for a call that was detached; -EALREADY, and
 * nothing is done, within its own text_function or sample_function.
 */
ORBUS_API int orbus_curl_detach(struct orbus_curl *call, CURLcode result);

#ifdef __cplusplus
}
#endif

#endif
