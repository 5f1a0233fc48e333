/*
 * response.h: the facts of an API's answer, read as it passes.
 *
 * Understands a chat completion, whole or as a stream of events, and an error in place of either.
 * Sources: OpenRouter's API reference (streaming; errors and debugging), OpenAI's chat completions
 * reference. Keeps names and figures, never text. It knows nothing of HTTP and of clocks.
 */
#ifndef ORBUS_LLM_RESPONSE_H
#define ORBUS_LLM_RESPONSE_H

#include "json_push.h"
#include "prefix_cache.h"
#include "sse.h"
#include "token_estimate.h"

#include <locale.h>

/* How an answer is framed. */
enum response_form { RESPONSE_UNKNOWN, RESPONSE_JSON, RESPONSE_EVENTS };

/* What a text is. */
enum response_text { RESPONSE_CONTENT, RESPONSE_REASONING };

struct response_sink {
	void (*token)(void *context); /* something was generated: text or part of a tool call */
	/* A piece of the answer's text, of whole characters; may be NULL. */
	void (*text)(void *context, enum response_text kind, const char *piece, size_t length);
};

/* Names are cut on a character to fit. Figures are ORBUS_NONE, cost NaN, where not reported. */
struct response_facts {
	char id[96], model[128], provider[64], finish_reason[32];
	uint64_t prompt_tokens, completion_tokens, total_tokens, cached_tokens, reasoning_tokens;
	uint64_t cache_write_tokens;
	uint64_t tool_calls; /* that the answer asks for */
	uint64_t chunks;     /* events that generated something */
	double cost_usd;
	struct token_estimate generated; /* content, reasoning and tool calls */
	bool has_choices;
	bool is_text_completion; /* by its member "object" */
	bool
	    has_error; /* an error object, finish_reason "error", or a code in place of an answer */
	char error_code[32], error_message[256];
	bool malformed; /* JSON that is none, or is not what an API answers */
	bool complete;  /* the document is whole, or [DONE] has come */
};

struct response {
	struct response_facts facts;
	/* The rest is private to response.c. */
	const struct response_sink *sink;
	void *context;
	locale_t c_locale; /* for numbers, in place of the program's locale */
	enum response_form expected, form;
	/* Some APIs send the same text under two names: the one that came first counts. 0: none
	 * yet. */
	uint8_t text_source, reasoning_place;
	/* Of the document under way: */
	bool event_is_blank;
	bool event_may_be_done, event_is_done; /* it is [DONE], so far or wholly */
	bool event_responds;                   /* it brings choices or usage */
	bool event_accuses;                    /* its top level has a member of an error */
	bool event_excuses;                    /* its code is 0 or 200: no error */
	bool event_generates;                  /* it brings text or a part of a tool call */
	unsigned event_tools;                  /* tool calls in it that have no index so far */
	uint64_t tools_by_index, tools_without_index; /* so far */
	bool has_function_call;                       /* the form before tool calls */
	uint8_t done_matched;                         /* bytes of [DONE] */
	uint8_t capturing;                            /* the place whose string is being captured */
	size_t captured;                              /* its bytes so far */
	char object[16];                              /* its member "object" */
	struct json_scan scan;
	struct prefix_cache prefix_cache;
	struct event_stream events;
};

/* 0 or -ENOMEM. */
int response_init(struct response *a, const struct response_sink *sink, void *context);

/*
 * Sets how the answer is framed, by the request and by Content-Type, before its first byte. A
 * body that starts with { or [ is read as JSON all the same: so are errors in place of a stream. So
 * is one that starts with <, a proxy's page, which is found to be none.
 */
void response_expect(struct response *a, enum response_form form);

/* Takes the next bytes of the body. */
void response_feed(struct response *a, const char *bytes, size_t length);

/* After the last byte; the facts are final then. */
void response_end(struct response *a);

void response_free(struct response *a);

#endif
