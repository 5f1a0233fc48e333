/*
 * call.h: one call to an LLM, measured as it passes, over any transport.
 *
 * A binding says when the request starts, feeds it the answer's body in the pieces in which it
 * comes, and says how the transfer ended; one `begin` and one request sample are published. It
 * knows no transport: the bindings do, and so all of them make the same sample of the same call.
 *
 * A call belongs to one thread at a time, that of its producer. No answer is kept or copied,
 * and no prompt published: the request's body is kept until the end, to know what a server repeats
 * of it (echo.h), and of each text that came from the server only what is no echo reaches the bus.
 */
#ifndef ORBUS_LLM_CALL_H
#define ORBUS_LLM_CALL_H

#include "call_state.h"

/*
 * Starts the clock and publishes a `begin`. `x` must stay where it is until llm_call_end().
 * Returns 0 or -ENOMEM. A `begin` that cannot be published is no error: the request may still be.
 */
int llm_call_begin(
    struct llm_call *x, struct orbus_producer *p, const struct llm_call_options *options);

/* Before the body's first byte: the response's Content-Type, NULL where it has none. */
void llm_call_content_type(struct llm_call *x, const char *type);

/*
 * Takes the next bytes of the body. Publishes a progress with a stream's first token, and while
 * more come at most every two seconds. False: a limit had been reached when they came, and the
 * binding should end the transfer.
 */
bool llm_call_feed(struct llm_call *x, const char *bytes, size_t length);

/* Another layer has published the begin by this id: what is published before the end is of it. */
void llm_call_begun_as(struct llm_call *x, const char *id);

/*
 * The limits are for the server alone: no time passes for them between these two, while the
 * program is busy with what it was given, or pauses the transfer.
 */
void llm_call_hold(struct llm_call *x);
void llm_call_go_on(struct llm_call *x);

/* Milliseconds until the first-token or idle limit is reached, 0 if it is, -1 without one. */
long llm_call_timeout_ms(const struct llm_call *x);

/* Whether one of these limits is reached; which one is remembered. */
bool llm_call_is_out_of_time(struct llm_call *x);

/*
 * Which limit was reached, where the transport only knows that no bytes came for too long. Without
 * a stream that is the limit of the whole answer.
 */
enum limit llm_call_limit_of_silence(const struct llm_call *x);

/*
 * Decides the outcome, fills in the sample, publishes it. Returns what orbus_publish() does. The
 * sample and its strings live until llm_call_free(), which must follow.
 */
int llm_call_end(struct llm_call *x, const struct llm_call_result *result);

/*
 * The first half of llm_call_end(): decides the outcome, and fills in the sample with its times.
 * The second half is orbus_request_end() with the status of the sample.
 */
void llm_call_judge(struct llm_call *x, const struct llm_call_result *result);

/* Frees what the call holds. One that is freed without its end stays in flight. */
void llm_call_free(struct llm_call *x);

#endif
