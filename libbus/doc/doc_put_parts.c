/*
 * doc_put_parts.c: of a document, what no line of schema.def can say about combinations, tags, bots
 * and minutes, as it is written. What is read so is in doc_take_parts.c.
 */
#include "doc_put.h"

#include "base/clock.h"

#include <string.h>

#define MINUTE_NS (60 * NS_PER_SECOND)

/* --- Combinations and tags ----------------------------------------------------------------------
 */

/* The statistics are borrowed: a struct copy, whose histograms stay the table's. */
void put_breakdown(struct doc_writer *w, const struct doc_field *f, const void *at)
{
	const struct breakdown *b = at;
	uint16_t order[BREAKDOWN_NAMES_MAX];

	breakdown_order(b, order);
	writer_array(w->to, f->key);
	for (uint32_t i = 0; i < b->table.count; i++) {
		const struct name_table_entry *e = &b->table.entries[order[i]];
		struct combination_read one;

		one.stats = *(const struct request_stats *)e->value;
		one.of = combination_of(e);
		doc_write_object(w, NULL, f->of, &one);
	}
	writer_end(w->to);
}

void put_lifetime_breakdown(struct doc_writer *w, const struct doc_field *f, const void *at)
{
	if (w->has_breakdown)
		put_breakdown(w, f, at);
}

void put_by_tag(struct doc_writer *w, const struct doc_field *f, const void *at)
{
	const struct name_table *tags = &((const struct tag_stats *)at)->tags;

	writer_object(w->to, f->key);
	for (uint32_t i = 0; i < tags->count; i++) {
		const struct name_table *values = tags->entries[i].value;

		writer_object(w->to, tags->entries[i].name);
		for (uint32_t k = 0; k < values->count; k++)
			doc_write_object(
			    w, values->entries[k].name, f->of, values->entries[k].value);
		writer_end(w->to);
	}
	writer_end(w->to);
}

/* --- Bots ---------------------------------------------------------------------------------------
 */

static const struct bot_known *find_known(const struct document_context *c, const char *name)
{
	for (uint32_t i = 0; i < c->bot_count; i++)
		if (strcmp(c->bots[i].name, name) == 0)
			return &c->bots[i];
	return NULL;
}

/* What is of now is said where the period is not over. */
static void put_heard_of(
    struct doc_writer *w, const struct doc_field *f, const struct name_table_entry *e)
{
	struct bot_read bot = {.stats = *(const struct bot_stats *)e->value};

	if (!w->context->complete)
		bot.known = find_known(w->context, e->name);
	doc_write_object(w, e->name, f->of, &bot);
}

/* Those of the sum; on the board also those that were silent all the time. */
void put_bots(struct doc_writer *w, const struct doc_field *f, const void *at)
{
	const struct document_context *c = w->context;
	const struct name_table *t = at;

	writer_object(w->to, f->key);
	for (uint32_t i = 0; i < t->count; i++)
		put_heard_of(w, f, &t->entries[i]);
	for (uint32_t i = 0; i < c->bot_count && !c->restorable; i++) {
		struct bot_read bot = {.known = &c->bots[i]};

		if (!name_table_find(t, c->bots[i].name))
			doc_write_object(w, c->bots[i].name, f->of, &bot);
	}
	writer_end(w->to);
}

static void put_time_or_null(struct doc_writer *w, const struct doc_field *f, uint64_t ns)
{
	if (ns)
		doc_write_time(w, f->key, ns, false);
	else
		writer_null(w->to, f->key);
}

/* Of the bot's fields that have a place, the members of `known` and of `stats` are at their own. */
static const struct bot_read *bot_at(const struct doc_field *f, const void *at)
{
	return (const void *)((const char *)at - f->offset);
}

void put_bot_connected(struct doc_writer *w, const struct doc_field *f, const void *at)
{
	const struct bot_known *known = bot_at(f, at)->known;

	if (known)
		writer_boolean(w->to, f->key, known->producers > 0);
}

void put_bot_since(struct doc_writer *w, const struct doc_field *f, const void *at)
{
	const struct bot_known *known = bot_at(f, at)->known;

	if (known && known->producers > 0)
		doc_write_time(w, f->key, bot_connected_since(known), false);
}

void put_bot_uptime(struct doc_writer *w, const struct doc_field *f, const void *at)
{
	const struct bot_known *known = bot_at(f, at)->known;
	uint64_t now_ns = w->context->saved_at_ns;
	uint64_t since_ns = known ? bot_connected_since(known) : 0;

	if (known && since_ns)
		writer_count(
		    w->to, f->key, now_ns > since_ns ? (now_ns - since_ns) / NS_PER_SECOND : 0);
}

/* What is known now also knows of what came before the period, and after what it holds. */
static uint64_t later(const struct bot_read *bot, uint64_t of_stats, uint64_t of_known)
{
	return bot->known && of_known > of_stats ? of_known : of_stats;
}

void put_bot_last_seen(struct doc_writer *w, const struct doc_field *f, const void *at)
{
	const struct bot_read *bot = bot_at(f, at);

	put_time_or_null(
	    w, f, later(bot, bot->stats.last_seen_ns, bot->known ? bot->known->last_seen_ns : 0));
}

void put_bot_last_request(struct doc_writer *w, const struct doc_field *f, const void *at)
{
	const struct bot_read *bot = bot_at(f, at);

	put_time_or_null(w, f,
	    later(bot, bot->stats.last_request_ns, bot->known ? bot->known->last_request_ns : 0));
}

/* --- Minutes ------------------------------------------------------------------------------------
 */

/* Not written where it is 0. */
void put_some(struct doc_writer *w, const struct doc_field *f, const void *at)
{
	if (*(const uint64_t *)at > 0)
		writer_count(w->to, f->key, *(const uint64_t *)at);
}

/* Not written where it holds nothing. */
void put_minute_histogram(struct doc_writer *w, const struct doc_field *f, const void *at)
{
	if (((const struct histogram *)at)->count > 0)
		doc_write_object(w, f->key, f->of, at);
}

/* Of an hour: other sums have none. */
void put_minutes(struct doc_writer *w, const struct doc_field *f, const void *at)
{
	const struct minutes *m = at;
	uint64_t start = w->context->start_ns / MINUTE_NS;

	if (m->count == 0 || !w->context->period_kind ||
	    strcmp(w->context->period_kind, "hourly") != 0)
		return;
	writer_array(w->to, f->key);
	for (uint32_t i = 0; i < m->count; i++) {
		struct minute_read one = {
		    .m = m->list[i], .cost_usd = minute_stats_cost(&m->list[i])};

		if (one.m.minute < start || one.m.minute - start >= MINUTES_MAX)
			continue; /* of another calendar's hour */
		one.m.minute -= start;
		one.cost_rest = one.m.has_cost ? exact_rest(one.m.cost) : 0;
		doc_write_object(w, NULL, f->of, &one);
	}
	writer_end(w->to);
}
