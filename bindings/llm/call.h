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

#include "key_id.h"
#include "orbus.h"
#include "outcome.h"
#include "request_body.h"
#include "response.h"

/* How long the request's body lives. */
enum request_life {
	REQUEST_COPIED, /* until llm_call_begin() returns: the call keeps a copy */
	REQUEST_STAYS,  /* until llm_call_free(), unchanged */
	REQUEST_GIVEN,  /* malloc'ed, and the call's own once llm_call_begin() has returned 0 */
};

/* All optional: start from {0}. Pointers are borrowed until llm_call_end(), but `request`. */
struct llm_call_options {
	/* The JSON body that will be sent; NULL: it cannot be seen. */
	const char *request;
	size_t request_bytes;
	enum request_life request_life;

	/* In its place, or over it. */
	const char *model;
	bool stream;

	uint64_t attempt; /* 1 for the first try; 0: not said */
	const struct orbus_tag *tags;
	size_t tag_count;

	/* Limits of streams in milliseconds, 0: none; see llm_call_timeout_ms(). */
	uint64_t first_token_timeout_ms;
	uint64_t idle_timeout_ms;

	/* Receives the generated text in pieces of whole UTF-8 characters; may be NULL. */
	void (*text)(void *context, enum response_text kind, const char *piece, size_t length);
	void *context;

	/*
	 * Another measurement of the same call has published the begin: none is published here, and
	 * this is the call's id if it is published after all. A binding that
	 * sets it calls llm_call_judge() at the end. NULL: llm_call_end() publishes.
	 */
	const char *within_id;

	/* The API key whose key_id is published, read in llm_call_begin() only; NULL: none is. */
	const char *key;
	const char *secrets; /* keys, one a line, that are never published; NULL: none */
	const char *url;     /* where the request goes: it may hold keys too; NULL: not said */
};

/* How a transfer ended, as its transport saw it. {0} is a transfer that went well. */
struct llm_call_result {
	long http_status;     /* 0: no response came */
	long retry_after;     /* seconds that the server asks for, 0: not said */
	enum limit limit;     /* of the transport's own that ended it */
	bool program_aborted; /* the program ended it */
	bool abandoned; /* the program dropped it without an end: it ended with its last byte */
	enum failure failure; /* what the transport could not do */
	const char *failure_message;
	bool unread;               /* the body was not fed, since it could not be decoded */
	const char *generation_id; /* of the header X-Generation-Id, NULL: none */
	/* In its place: asked with `context` only where the body has no id that may be published.
	 */
	const char *(*find_generation_id)(void *context);
	void *context;
	const char *url; /* where it went, if only the transport knew; NULL */
};

struct llm_call {
	struct orbus_request request; /* its sample is filled in by llm_call_end() */
	struct response response;
	bool streamed;        /* asked for, or answered, as a stream */
	uint64_t complete_ns; /* when the whole answer was there, 0: it was not */
	struct outcome outcome;
	/* The rest is private to call.c. */
	struct llm_call_options options;
	struct request_body body;
	bool body_seen;
	enum limit limit;     /* of ours that was hit */
	uint64_t arrival_ns;  /* of the head or the bytes that came last, 0: nothing came */
	uint64_t token_ns;    /* of the last bytes that brought a token, 0: none did */
	uint64_t max_gap_ns;  /* the longest time between two such */
	uint64_t waiting_ns;  /* since when a token is awaited: the first one, or the next */
	uint64_t progress_ns; /* when a progress was published last, 0: never */
	char begun_as[24];    /* the begin's id, of the layer that published it; see nesting.h */
	uint64_t paused_ns;   /* since when the program lets the transfer wait, 0: it does not */
	char generation_id[96];
	char key_id[KEY_ID_BYTES]; /* "": none */
	char *kept;                /* of ours: the copy of the request's body; NULL: none */
};

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

/*
 * For requests that a program times itself: what of a server's message, UTF-8 that an exception
 * kept, may be published, by `request` (NULL: it cannot be seen), `secrets` and `url` of what was
 * asked. False: nothing.
 */
bool llm_call_quote(
    const struct llm_call_options *asked, const char *said, char out[OUTCOME_MESSAGE_BYTES]);

/* Frees what the call holds. One that is freed without its end stays in flight. */
void llm_call_free(struct llm_call *x);

#endif
