/*
 * aggregate_bytes.c: how much memory an aggregate takes.
 */
#include "aggregate_bytes.h"

#include <string.h>

/* A piece of malloc's is as large as it was asked for, and this. */
#define PIECE_BYTES 16

static size_t piece(size_t bytes)
{
	return bytes ? bytes + PIECE_BYTES : 0;
}

static size_t histogram_bytes(const struct histogram *h)
{
	return piece((size_t)h->capacity * h->width);
}

/* What a value of a table has allocated beside itself; NULL: nothing. */
typedef size_t held_fn(const void *value);

static size_t stats_held(const void *value)
{
	const struct request_stats *f = value;

	return histogram_bytes(&f->response_ms) + histogram_bytes(&f->ttft_ms) +
	       histogram_bytes(&f->tps) + histogram_bytes(&f->decode_tps);
}

static size_t table_bytes(const struct name_table *s)
{
	return piece(s->capacity * sizeof(*s->entries)) +
	       piece(2 * (size_t)s->capacity * sizeof(*s->index));
}

static size_t entry_bytes(
    const struct name_table *s, const struct name_table_entry *e, held_fn *held)
{
	return piece(e->length + 1) + piece(s->value_bytes) + (held ? held(e->value) : 0);
}

static size_t name_table_bytes(const struct name_table *s, held_fn *held)
{
	size_t bytes = table_bytes(s);

	for (uint32_t i = 0; i < s->count; i++)
		bytes += entry_bytes(s, &s->entries[i], held);
	return bytes;
}

static size_t bot_held(const void *value)
{
	return name_table_bytes(&((const struct bot_stats *)value)->gauges, NULL);
}

static size_t tag_held(const void *value)
{
	return name_table_bytes(value, stats_held);
}

/* Of the names that the delta has, and of "(other)" for those that have no place of their own. */
static size_t name_table_bytes_beside(
    const struct name_table *s, held_fn *held, const struct name_table *delta)
{
	size_t bytes = table_bytes(s);

	for (uint32_t i = 0; i < delta->count; i++) {
		const struct name_table_entry *one = &delta->entries[i];
		const struct name_table_entry *e = name_table_entry(s, one->name, one->length);

		if (!e && s->count >= NAME_TABLE_MAX)
			e = name_table_entry(s, NAME_TABLE_OTHER, strlen(NAME_TABLE_OTHER));
		bytes += e ? entry_bytes(s, e, held) : 0;
	}
	return bytes;
}

static size_t minutes_bytes(const struct minutes *m)
{
	size_t bytes = piece(m->capacity * sizeof(*m->list));

	for (uint32_t i = 0; i < m->count; i++)
		bytes += histogram_bytes(&m->list[i].response_ms) +
		         histogram_bytes(&m->list[i].ttft_ms) + histogram_bytes(&m->list[i].tps);
	return bytes;
}

static size_t kmv_sketch_bytes(const struct kmv_sketch *d)
{
	return piece(d->capacity * sizeof(*d->hashes));
}

/* What is not by name. */
static size_t other_bytes(const struct aggregate *a)
{
	size_t bytes = stats_held(&a->requests) + minutes_bytes(&a->minutes) +
	               kmv_sketch_bytes(&a->users) + kmv_sketch_bytes(&a->channels);

	for (uint32_t i = 0; i < a->recent_error_count; i++) {
		const struct recent_error *e = &a->recent_errors[i];

		bytes += piece(strlen(e->type) + 1);
		bytes += e->message ? piece(strlen(e->message) + 1) : 0;
	}
	return bytes;
}

/* The tables of an aggregate. */
static const struct {
	size_t table; /* its offset */
	held_fn *held;
} tables[] = {
    {offsetof(struct aggregate, by_model), stats_held},
    {offsetof(struct aggregate, by_bot), stats_held},
    {offsetof(struct aggregate, by_provider), stats_held},
    {offsetof(struct aggregate, fresh.table), stats_held},
    {offsetof(struct aggregate, breakdown.table), stats_held},
    {offsetof(struct aggregate, by_tag.tags), tag_held},
    {offsetof(struct aggregate, bots), bot_held},
    {offsetof(struct aggregate, errors_by_type), NULL},
    {offsetof(struct aggregate, counts), NULL},
    {offsetof(struct aggregate, gauges), NULL},
};
#define TABLES (sizeof(tables) / sizeof(*tables))

static const struct name_table *table_of(const struct aggregate *a, size_t i)
{
	return (const void *)((const char *)a + tables[i].table);
}

size_t aggregate_bytes(const struct aggregate *a)
{
	size_t bytes = other_bytes(a);

	for (size_t i = 0; i < TABLES; i++)
		bytes += name_table_bytes(table_of(a, i), tables[i].held);
	return bytes;
}

size_t aggregate_bytes_beside(const struct aggregate *a, const struct aggregate *delta)
{
	size_t bytes = other_bytes(a);

	for (size_t i = 0; i < TABLES; i++)
		bytes +=
		    name_table_bytes_beside(table_of(a, i), tables[i].held, table_of(delta, i));
	return bytes;
}
