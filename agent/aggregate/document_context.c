/*
 * document_context.c: what the documents of the agent say beside a sum.
 */
#include "document_context.h"

#include <string.h>

static const char *const window_names[] = {
    [WINDOW_1M] = "1m", [WINDOW_5M] = "5m", [WINDOW_1H] = "1h", [WINDOW_START] = "start"};

const char *document_window_name(enum window window)
{
	return window_names[window];
}

struct document_context document_context_now(const struct document_sources *s, uint64_t now_ns)
{
	uint32_t bot_count;
	const struct bot_known *bots = bots_known(s->aggregator->bots, &bot_count);

	return (struct document_context){
	    .end_ns = now_ns,
	    .utc = s->utc,
	    .uptime_seconds = run_time_uptime_seconds(s->run_time),
	    .saved_at_ns = now_ns,
	    .in_flight = inflight_count(s->aggregator->inflight),
	    .lifetime = &s->aggregator->lifetime,
	    .lifetime_since_ns = s->aggregator->lifetime_since_ns,
	    .bots = bots,
	    .bot_count = bot_count,
	};
}

const struct aggregate *document_context_of_window(const struct document_sources *s,
    enum window window, uint64_t now_ns, struct document_context *c, struct trends *trends)
{
	*c = document_context_now(s, now_ns);
	c->period_kind = window_names[window];
	c->trends = trends;
	/* A clock that was set back may show an hour that is no longer kept. */
	if (!trend_hours_get(&s->aggregator->hours,
		calendar_wall_hour(&s->aggregator->periods.calendar, now_ns), trends))
		memset(trends, 0, sizeof(*trends));
	return windows_get(s->aggregator->windows, window, now_ns, &c->start_ns);
}

char *document_since_start(const struct document_sources *s, uint64_t now_ns, size_t *length)
{
	struct document_context c;
	struct trends trends;
	struct text_writer t;
	const struct aggregate *sum;

	aggregator_fold(s->aggregator, now_ns);
	while (aggregator_show(s->aggregator, now_ns))
		;
	sum = document_context_of_window(s, WINDOW_START, now_ns, &c, &trends);
	if (!sum)
		return NULL;
	c.restorable = true;
	text_writer_init(&t);
	document_write(&t.writer, NULL, sum, &c);
	return text_writer_take(&t, length);
}
