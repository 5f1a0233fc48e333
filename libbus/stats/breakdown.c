/*
 * breakdown.c: requests by the combination of bot, model, provider and operation.
 */
#include "breakdown.h"
#include "base/utf8.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Four texts, each cut to its limit, each with its NUL. */
struct key {
	size_t length;
	char bytes[4 * (ORBUS_TEXT_MAX + 1)];
};

static void key_add(struct key *k, const char *text)
{
	size_t length = strlen(text);

	if (length > ORBUS_TEXT_MAX)
		length = utf8_cut(text, length, ORBUS_TEXT_MAX);
	memcpy(k->bytes + k->length, text, length);
	k->bytes[k->length + length] = '\0';
	k->length += length + 1;
}

static void key_make(struct key *k, const struct combination *c)
{
	k->length = 0;
	key_add(k, c->bot);
	key_add(k, c->model);
	key_add(k, c->provider);
	key_add(k, c->operation);
}

struct combination combination_of(const struct name_table_entry *e)
{
	struct combination c;

	c.bot = e->name;
	c.model = c.bot + strlen(c.bot) + 1;
	c.provider = c.model + strlen(c.model) + 1;
	c.operation = c.provider + strlen(c.provider) + 1;
	return c;
}

void breakdown_init(struct breakdown *b)
{
	stats_table_init(&b->table);
	b->buckets = 0;
}

void breakdown_free(struct breakdown *b)
{
	name_table_free(&b->table);
	b->buckets = 0;
}

void breakdown_clear(struct breakdown *b)
{
	name_table_clear(&b->table);
	b->buckets = 0;
}

static struct request_stats *at_key(struct breakdown *b, const struct key *k)
{
	uint32_t count = b->table.count;
	struct request_stats *f = name_table_at_key(&b->table, k->bytes, k->length);

	if (f && b->table.count > count)
		request_stats_init(f);
	return f;
}

static struct request_stats *at_other(struct breakdown *b)
{
	static const struct combination other = {
	    NAME_TABLE_OTHER, NAME_TABLE_OTHER, NAME_TABLE_OTHER, NAME_TABLE_OTHER};
	struct key k;

	key_make(&k, &other);
	return at_key(b, &k);
}

static bool has_buckets_left(const struct breakdown *b)
{
	return b->buckets < BREAKDOWN_BUCKETS_MAX;
}

/* The statistics of a key's combination, where it has or gets a place; NULL: none. */
static struct request_stats *find_place(struct breakdown *b, const struct key *k, bool *no_memory)
{
	struct request_stats *f = name_table_find_key(&b->table, k->bytes, k->length);

	if (!f && b->table.count < BREAKDOWN_MAX && has_buckets_left(b)) {
		f = at_key(b, k);
		*no_memory = !f;
	}
	return f;
}

static int add_request(struct breakdown *b, struct request_stats *f, const struct measured *m)
{
	uint32_t before = request_stats_buckets(f);

	if (!request_stats_add(f, m))
		return -ENOMEM;
	b->buckets += request_stats_buckets(f) - before;
	return 1;
}

int breakdown_try_add(struct breakdown *b, const struct measured *m)
{
	const struct orbus_sample *s = m->sample;
	const struct combination c = {s->bot ? s->bot : NAME_UNKNOWN, request_model(s),
	    s->provider ? s->provider : NAME_UNKNOWN, request_operation(s)};
	struct request_stats *f;
	bool no_memory = false;
	struct key k;

	key_make(&k, &c);
	f = find_place(b, &k, &no_memory);
	if (no_memory)
		return -ENOMEM;
	if (!f || (!has_buckets_left(b) && request_stats_would_grow_by(f, m)))
		return 0;
	return add_request(b, f, m);
}

static bool add_stats(struct breakdown *b, const struct key *k, const struct request_stats *stats)
{
	bool no_memory = false;
	struct request_stats *f = find_place(b, k, &no_memory);
	uint32_t before;

	if (no_memory)
		return false;
	if (!f || (!has_buckets_left(b) && request_stats_would_grow(f, stats)))
		f = at_other(b);
	if (!f)
		return false;
	before = request_stats_buckets(f);
	if (!request_stats_merge(f, stats))
		return false;
	b->buckets += request_stats_buckets(f) - before;
	return true;
}

bool breakdown_add_stats(
    struct breakdown *b, const struct combination *c, const struct request_stats *stats)
{
	struct key k;

	key_make(&k, c);
	return add_stats(b, &k, stats);
}

bool breakdown_merge(struct breakdown *to, const struct breakdown *from)
{
	for (uint32_t i = 0; i < from->table.count; i++) {
		const struct name_table_entry *e = &from->table.entries[i];
		struct key k = {.length = e->length};

		memcpy(k.bytes, e->name, e->length);
		if (!add_stats(to, &k, e->value))
			return false;
	}
	return true;
}

static int by_key(const void *a, const void *b, void *table)
{
	const struct name_table_entry *entries = ((const struct name_table *)table)->entries;
	const struct name_table_entry *x = &entries[*(const uint16_t *)a];
	const struct name_table_entry *y = &entries[*(const uint16_t *)b];
	int order = memcmp(x->name, y->name, x->length < y->length ? x->length : y->length);

	return order != 0 ? order : (x->length > y->length) - (x->length < y->length);
}

void breakdown_order(const struct breakdown *b, uint16_t order[BREAKDOWN_NAMES_MAX])
{
	for (uint32_t i = 0; i < b->table.count; i++)
		order[i] = (uint16_t)i;
	qsort_r(order, b->table.count, sizeof(*order), by_key, (void *)(uintptr_t)&b->table);
}
