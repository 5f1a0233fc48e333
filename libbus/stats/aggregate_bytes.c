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

static size_t stats_bytes(const struct request_stats *f)
{
	return histogram_bytes(&f->response_ms) + histogram_bytes(&f->ttft_ms) +
	       histogram_bytes(&f->tps) + histogram_bytes(&f->decode_tps);
}

/* A name with what is counted under it: request_stats, or a value that allocates nothing. */
static size_t entry_bytes(
    const struct name_table *s, bool of_stats, const char *name, const void *value)
{
	return piece(strlen(name) + 1) + piece(s->value_bytes) +
	       (of_stats ? stats_bytes(value) : 0);
}

static size_t table_bytes(const struct name_table *s)
{
	return piece(s->capacity * sizeof(*s->entries));
}

static size_t name_table_bytes(const struct name_table *s, bool of_stats)
{
	size_t bytes = table_bytes(s);

	for (uint32_t i = 0; i < s->count; i++)
		bytes += entry_bytes(s, of_stats, s->entries[i].name, s->entries[i].value);
	return bytes;
}

/* Of the names that the delta has, and of "(other)" for those that have no place of their own. */
static size_t name_table_bytes_beside(
    const struct name_table *s, bool of_stats, const struct name_table *delta)
{
	size_t bytes = table_bytes(s);

	for (uint32_t i = 0; i < delta->count; i++) {
		const char *name = delta->entries[i].name;
		const void *value = name_table_find(s, name);

		if (!value && s->count >= NAME_TABLE_MAX) {
			name = NAME_TABLE_OTHER;
			value = name_table_find(s, name);
		}
		if (value)
			bytes += entry_bytes(s, of_stats, name, value);
	}
	return bytes;
}

static size_t kmv_sketch_bytes(const struct kmv_sketch *d)
{
	return piece(d->capacity * sizeof(*d->hashes));
}

/* What is not by name. */
static size_t other_bytes(const struct aggregate *a)
{
	size_t bytes = stats_bytes(&a->requests) + kmv_sketch_bytes(&a->users) +
	               kmv_sketch_bytes(&a->channels);

	for (uint32_t i = 0; i < a->recent_error_count; i++) {
		const struct recent_error *e = &a->recent_errors[i];

		bytes += piece(strlen(e->type) + 1);
		bytes += e->message ? piece(strlen(e->message) + 1) : 0;
	}
	return bytes;
}

size_t aggregate_bytes(const struct aggregate *a)
{
	return other_bytes(a) + name_table_bytes(&a->by_model, true) +
	       name_table_bytes(&a->by_bot, true) + name_table_bytes(&a->by_provider, true) +
	       name_table_bytes(&a->errors_by_type, false) + name_table_bytes(&a->counts, false) +
	       name_table_bytes(&a->gauges, false);
}

size_t aggregate_bytes_beside(const struct aggregate *a, const struct aggregate *delta)
{
	return other_bytes(a) + name_table_bytes_beside(&a->by_model, true, &delta->by_model) +
	       name_table_bytes_beside(&a->by_bot, true, &delta->by_bot) +
	       name_table_bytes_beside(&a->by_provider, true, &delta->by_provider) +
	       name_table_bytes_beside(&a->errors_by_type, false, &delta->errors_by_type) +
	       name_table_bytes_beside(&a->counts, false, &delta->counts) +
	       name_table_bytes_beside(&a->gauges, false, &delta->gauges);
}
