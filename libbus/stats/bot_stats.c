/*
 * bot_stats.c: what is known of each bot beside its requests.
 */
#include "bot_stats.h"
#include "request_stats.h"

static void bot_free(void *value)
{
	struct bot_stats *b = value;

	name_table_free(&b->gauges);
}

void bot_table_init(struct name_table *t)
{
	name_table_init(t, sizeof(struct bot_stats), bot_free);
}

struct bot_stats *bot_table_at(struct name_table *t, const char *bot)
{
	uint32_t count = t->count;
	struct bot_stats *b = name_table_at(t, bot);

	if (b && t->count > count)
		gauge_table_init(&b->gauges);
	return b;
}

static void seen_at(struct bot_stats *b, uint64_t seen_ns, uint64_t request_ns)
{
	if (b->last_seen_ns < seen_ns)
		b->last_seen_ns = seen_ns;
	if (b->last_request_ns < request_ns)
		b->last_request_ns = request_ns;
}

static bool add_gauge(struct bot_stats *b, const char *name, const struct gauge_stats *g)
{
	bool has_place = b->gauges.count < BOT_GAUGES_MAX || name_table_find(&b->gauges, name);

	return gauge_table_add(&b->gauges, has_place ? name : NAME_TABLE_OTHER, g);
}

bool bot_stats_merge(struct bot_stats *to, const struct bot_stats *from)
{
	for (uint32_t i = 0; i < from->gauges.count; i++)
		if (!add_gauge(to, from->gauges.entries[i].name, from->gauges.entries[i].value))
			return false;
	seen_at(to, from->last_seen_ns, from->last_request_ns);
	return true;
}

bool bot_table_add(struct name_table *t, const struct orbus_sample *s)
{
	struct bot_stats *b = bot_table_at(t, s->bot ? s->bot : NAME_UNKNOWN);
	struct gauge_stats g;

	if (!b)
		return false;
	/* An orphaned request is the agent's word, not the bot's. */
	if (s->kind != ORBUS_KIND_REQUEST)
		seen_at(b, s->ts, 0);
	else if (s->status != ORBUS_STATUS_ORPHANED)
		seen_at(b, s->ts, s->ts);
	if (s->kind != ORBUS_KIND_GAUGE)
		return true;
	g = gauge_of(s->value, s->ts);
	return add_gauge(b, s->name, &g);
}

bool bot_table_merge(struct name_table *to, const struct name_table *from)
{
	for (uint32_t i = 0; i < from->count; i++) {
		struct bot_stats *b = bot_table_at(to, from->entries[i].name);

		if (!b || !bot_stats_merge(b, from->entries[i].value))
			return false;
	}
	return true;
}

uint64_t bot_connected_since(const struct bot_known *bot)
{
	uint64_t since_ns = 0;

	for (unsigned i = 0; i < bot->producers; i++)
		if (i == 0 || bot->producer[i].since_ns < since_ns)
			since_ns = bot->producer[i].since_ns;
	return since_ns;
}
