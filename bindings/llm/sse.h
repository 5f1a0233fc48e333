/*
 * sse.h: the framing of server-sent events, in constant memory.
 *
 * Source: WHATWG HTML, "Server-sent events", sections 9.2.5 and 9.2.6. Lines end with CR, LF or
 * CRLF, anywhere in a piece; comments and fields other than `data` and `event` are passed over.
 * Unlike a browser, this passes an event's data on as it comes, and reports afterwards that the
 * event is whole; the caller decides what an unfinished event at the end means.
 */
#ifndef ORBUS_LLM_SSE_H
#define ORBUS_LLM_SSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct event_sink {
	void (*data)(void *context, const char *bytes, size_t length); /* more of an event's data */
	void (*end)(void *context); /* the event with that data is whole */
};

/* Longer types are cut; none that matters here is. */
#define EVENT_TYPE_MAX 15

struct event_stream {
	char type[EVENT_TYPE_MAX + 1]; /* of the event under way, as far as it is known; "": none */
	/* The rest is private to sse.c. */
	const struct event_sink *sink;
	void *context;
	uint8_t state;
	uint8_t field;   /* the one that the line's name may be */
	uint8_t matched; /* bytes of the byte order mark, or of the field's name */
	uint8_t typed;   /* bytes of the type */
	bool after_cr;   /* a LF would belong to the line before */
	bool has_data;   /* the event under way has a data field */
};

void event_stream_init(struct event_stream *s, const struct event_sink *sink, void *context);

/* Takes the next bytes. Any bytes are an event stream. */
void event_stream_feed(struct event_stream *s, const char *bytes, size_t length);

#endif
