/*
 * call_state.h: what a call to an LLM is told, what it holds, and how it ended. What is done with
 * it is call.h's.
 */
#ifndef ORBUS_LLM_CALL_STATE_H
#define ORBUS_LLM_CALL_STATE_H

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
	/* The rest is private to call.c and call_words.c. */
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

#endif
