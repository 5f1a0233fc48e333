/*
 * event_stream.h: the framing of server-sent events, in constant memory.
 *
 * Source: WHATWG HTML, "Server-sent events", sections 9.2.5 and 9.2.6. Lines end with CR, LF or
 * CRLF, anywhere in a piece; comments and fields other than `data` are passed over. Unlike a
 * browser, this hands on an event's data as it comes, and says afterwards that the event is whole.
 */
#ifndef ORBUS_EVENT_STREAM_H
#define ORBUS_EVENT_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct event_sink {
	void (*data)(void *context, const char *bytes, size_t length); /* more of an event's data */
	void (*end)(void *context); /* the event with that data is whole */
};

/* Private to event_stream.c. */
struct event_stream {
	const struct event_sink *sink;
	void *context;
	uint8_t state;
	uint8_t matched; /* bytes of the byte order mark, or of the field's name */
	bool after_cr;   /* a LF would belong to the line before */
	bool has_data;   /* the event under way has a data field */
};

void event_stream_init(struct event_stream *s, const struct event_sink *sink, void *context);

/* Takes the next bytes. Any bytes are an event stream. */
void event_stream_feed(struct event_stream *s, const char *bytes, size_t length);

#endif
