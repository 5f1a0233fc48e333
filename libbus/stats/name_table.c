/*
 * name_table.c: a bounded table of named things.
 */
#include "name_table.h"
#include "base/utf8.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#define INDEX_SIZE (2 * NAME_TABLE_MAX)
static_assert((INDEX_SIZE & (INDEX_SIZE - 1)) == 0, "the index is masked");

void name_table_init(struct name_table *s, size_t value_bytes, void (*free_value)(void *value))
{
	memset(s, 0, sizeof(*s));
	s->value_bytes = value_bytes;
	s->free_value = free_value;
}

void name_table_clear(struct name_table *s)
{
	for (uint32_t i = 0; i < s->count; i++) {
		if (s->free_value)
			s->free_value(s->entries[i].value);
		free(s->entries[i].value);
		free(s->entries[i].name);
	}
	s->count = 0;
	memset(s->index, 0, sizeof(s->index));
}

void name_table_free(struct name_table *s)
{
	name_table_clear(s);
	free(s->entries);
	s->entries = NULL;
	s->capacity = 0;
}

/* Where `name` is, or the free place where it would go: the index is never full. */
static uint16_t *place_of(const struct name_table *s, const char *name, uint64_t hash)
{
	for (uint64_t i = hash;; i++) {
		const uint16_t *place = &s->index[i & (INDEX_SIZE - 1)];
		const struct name_table_entry *e = *place ? &s->entries[*place - 1] : NULL;

		if (!e || (e->hash == hash && strcmp(e->name, name) == 0))
			return (uint16_t *)(uintptr_t)place;
	}
}

/* The name within its limit: itself, or the beginning of it in `cut`. */
static const char *within_limit(const char *name, size_t *length, char cut[ORBUS_TEXT_MAX + 1])
{
	*length = strlen(name);
	if (*length <= ORBUS_TEXT_MAX)
		return name;
	*length = utf8_cut(name, *length, ORBUS_TEXT_MAX);
	memcpy(cut, name, *length);
	cut[*length] = '\0';
	return cut;
}

void *name_table_find(const struct name_table *s, const char *name)
{
	char cut[ORBUS_TEXT_MAX + 1];
	size_t length;
	uint16_t place;

	name = within_limit(name, &length, cut);
	place = *place_of(s, name, XXH3_64bits(name, length));
	return place ? s->entries[place - 1].value : NULL;
}

static bool grow(struct name_table *s)
{
	uint32_t capacity = s->capacity ? 2 * s->capacity : 4;
	struct name_table_entry *entries = realloc(s->entries, capacity * sizeof(*entries));

	if (!entries)
		return false;
	s->entries = entries;
	s->capacity = capacity;
	return true;
}

static void *append(struct name_table *s, const char *name, uint64_t hash, uint16_t *place)
{
	struct name_table_entry *e;

	if (s->count == s->capacity && !grow(s))
		return NULL;
	e = &s->entries[s->count];
	e->hash = hash;
	e->name = strdup(name);
	e->value = calloc(1, s->value_bytes);
	if (!e->name || !e->value) {
		free(e->name);
		free(e->value);
		return NULL;
	}
	*place = (uint16_t)++s->count;
	return e->value;
}

void *name_table_at(struct name_table *s, const char *name)
{
	char cut[ORBUS_TEXT_MAX + 1];
	size_t length;
	uint64_t hash;
	uint16_t *place;

	name = within_limit(name, &length, cut);
	hash = XXH3_64bits(name, length);
	place = place_of(s, name, hash);
	if (*place)
		return s->entries[*place - 1].value;
	/* Full: the last place is for all the others. */
	if (s->count >= NAME_TABLE_MAX && strcmp(name, NAME_TABLE_OTHER) != 0)
		return name_table_at(s, NAME_TABLE_OTHER);
	return append(s, name, hash, place);
}
