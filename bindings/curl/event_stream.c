/*
 * event_stream.c: the framing of server-sent events, in constant memory.
 */
#include "event_stream.h"

#include <string.h>

enum state {
	MARK, /* the stream may start with a byte order mark */
	LINE,
	NAME,  /* within the field's name, which is "data" so far */
	SPACE, /* after the colon: one space is not of the value */
	VALUE,
	REST, /* of a line that says nothing here */
};

static const char mark[] = "\xef\xbb\xbf", data_field[] = "data";

void event_stream_init(struct event_stream *s, const struct event_sink *sink, void *context)
{
	*s = (struct event_stream){.sink = sink, .context = context, .state = MARK};
}

/* A data field begins; the fields of one event are joined by line feeds. */
static void begin_data(struct event_stream *s)
{
	if (s->has_data)
		s->sink->data(s->context, "\n", 1);
	s->has_data = true;
}

static void end_line(struct event_stream *s)
{
	bool blank = s->state == LINE;

	if (s->state == NAME && s->matched == sizeof(data_field) - 1)
		begin_data(s);
	s->state = LINE;
	if (blank && s->has_data) {
		s->has_data = false;
		s->sink->end(s->context);
	}
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
			s->state = NAME;
			break;
		case NAME:
			if (*p == ':' && s->matched == sizeof(data_field) - 1) {
				begin_data(s);
				s->state = SPACE;
			} else if (!matches(s, data_field, *p)) {
				s->state = REST;
			}
			p++;
			break;
		case SPACE:
			p += *p == ' ';
			s->state = VALUE;
			break;
		case VALUE: s->sink->data(s->context, p, (size_t)(end - p)); return;
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
