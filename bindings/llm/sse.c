/*
 * sse.c: the framing of server-sent events, in constant memory.
 */
#include "sse.h"

#include <string.h>

enum state {
	MARK, /* the stream may start with a byte order mark */
	LINE,
	NAME,  /* within the field's name, which is that of a known one so far */
	SPACE, /* after the colon: one space is not of the value */
	VALUE,
	REST, /* of a line that says nothing here */
};

enum field { DATA, EVENT };

static const char mark[] = "\xef\xbb\xbf";
static const char *const field_names[] = {[DATA] = "data", [EVENT] = "event"};

void event_stream_init(struct event_stream *s, const struct event_sink *sink, void *context)
{
	*s = (struct event_stream){.sink = sink, .context = context, .state = MARK};
}

/* The data fields of one event are joined by line feeds; of its types the last one holds. */
static void begin_value(struct event_stream *s)
{
	if (s->field == EVENT) {
		s->typed = 0;
		s->type[0] = '\0';
		return;
	}
	if (s->has_data)
		s->sink->data(s->context, "\n", 1);
	s->has_data = true;
}

static void take_value(struct event_stream *s, const char *bytes, size_t length)
{
	size_t room = EVENT_TYPE_MAX - s->typed;

	if (s->field == DATA) {
		s->sink->data(s->context, bytes, length);
		return;
	}
	length = length < room ? length : room;
	memcpy(s->type + s->typed, bytes, length);
	s->typed += (uint8_t)length;
	s->type[s->typed] = '\0';
}

static bool name_is_whole(const struct event_stream *s)
{
	return field_names[s->field][s->matched] == '\0';
}

static void end_line(struct event_stream *s)
{
	bool blank = s->state == LINE;

	if (s->state == NAME && name_is_whole(s))
		begin_value(s);
	s->state = LINE;
	if (!blank)
		return;
	if (s->has_data) {
		s->has_data = false;
		s->sink->end(s->context);
	}
	s->typed = 0;
	s->type[0] = '\0';
}

/* Whether the byte still fits `word`. */
static bool matches(struct event_stream *s, const char *word, char c)
{
	if (!c || word[s->matched] != c)
		return false;
	s->matched++;
	return true;
}

static const char *find(char c, const char *p, const char *end)
{
	const char *found = memchr(p, c, (size_t)(end - p));

	return found ? found : end;
}

/* Takes what is up to the line's end. */
static void take_line(struct event_stream *s, const char *p, const char *end)
{
	while (p < end) {
		switch ((enum state)s->state) {
		case MARK:
			if (matches(s, mark, *p)) {
				p++;
				s->state = s->matched == sizeof(mark) - 1 ? LINE : MARK;
			} else {
				s->state = s->matched ? REST : LINE;
			}
			break;
		case LINE:
			s->matched = 0;
			s->field = *p == *field_names[EVENT] ? EVENT : DATA;
			s->state = NAME;
			break;
		case NAME:
			if (*p == ':' && name_is_whole(s)) {
				begin_value(s);
				s->state = SPACE;
			} else if (!matches(s, field_names[s->field], *p)) {
				s->state = REST;
			}
			p++;
			break;
		case SPACE:
			p += *p == ' ';
			s->state = VALUE;
			break;
		case VALUE: take_value(s, p, (size_t)(end - p)); return;
		case REST: return;
		}
	}
}

void event_stream_feed(struct event_stream *s, const char *bytes, size_t length)
{
	const char *p = bytes, *end = bytes + length, *lf = p, *stop;

	for (; p < end; p = stop + 1) {
		if (s->after_cr && *p == '\n')
			p++;
		s->after_cr = false;
		if (lf <= p)
			lf = find('\n', p, end);
		stop = find('\r', p, lf);
		take_line(s, p, stop);
		if (stop == end)
			return;
		if (s->state == MARK)
			s->state = s->matched ? REST : LINE;
		s->after_cr = *stop == '\r';
		end_line(s);
	}
}
