/*
 * tag_stats.c: requests by the values of a few chosen tags.
 */
#include "tag_stats.h"

#include <errno.h>
#include <string.h>

static void values_free(void *values)
{
	name_table_free(values);
}

void tag_stats_init(struct tag_stats *t)
{
	name_table_init(&t->tags, sizeof(struct name_table), values_free);
	t->buckets = 0;
}

void tag_stats_free(struct tag_stats *t)
{
	name_table_free(&t->tags);
	t->buckets = 0;
}

/* Made if need be: 1, 0 where there are too many, -ENOMEM. */
static int values_at(struct tag_stats *t, const char *tag, struct name_table **out)
{
	*out = name_table_find(&t->tags, tag);
	if (*out)
		return 1;
	if (t->tags.count >= TAG_NAMES_MAX)
		return 0;
	*out = name_table_at(&t->tags, tag);
	if (!*out)
		return -ENOMEM;
	stats_table_init(*out);
	return 1;
}

int tag_stats_add_value(
    struct tag_stats *t, const char *tag, const char *value, const struct request_stats *stats)
{
	struct name_table *values;
	int found = values_at(t, tag, &values);
	struct request_stats *s;
	uint32_t before;

	if (found <= 0)
		return found;
	if (t->buckets >= TAG_BUCKETS_MAX) {
		s = name_table_find(values, value);
		if (!s || request_stats_would_grow(s, stats))
			value = NAME_TABLE_OTHER;
	}
	s = stats_table_at(values, value);
	if (!s)
		return -ENOMEM;
	before = request_stats_buckets(s);
	if (!request_stats_merge(s, stats))
		return -ENOMEM;
	t->buckets += request_stats_buckets(s) - before;
	return 1;
}

static bool is_wanted(const struct tag_names *tags, const char *key)
{
	for (unsigned i = 0; i < tags->count; i++)
		if (strcmp(tags->names[i], key) == 0)
			return true;
	return false;
}

bool tag_stats_add(struct tag_stats *t, const struct orbus_sample *s, const struct tag_names *tags)
{
	struct request_stats one;
	struct measured m;
	bool ok;

	if (s->kind != ORBUS_KIND_REQUEST || s->tag_count == 0 || tags->count == 0)
		return true;
	request_stats_init(&one);
	request_measure(s, &m);
	ok = request_stats_add(&one, &m);
	for (size_t i = 0; ok && i < s->tag_count; i++)
		if (is_wanted(tags, s->tags[i].key))
			ok = tag_stats_add_value(t, s->tags[i].key, s->tags[i].value, &one) >= 0;
	request_stats_free(&one);
	return ok;
}

bool tag_stats_merge(struct tag_stats *to, const struct tag_stats *from)
{
	for (uint32_t i = 0; i < from->tags.count; i++) {
		const struct name_table *values = from->tags.entries[i].value;

		for (uint32_t k = 0; k < values->count; k++)
			if (tag_stats_add_value(to, from->tags.entries[i].name,
				values->entries[k].name, values->entries[k].value) < 0)
				return false;
	}
	return true;
}
