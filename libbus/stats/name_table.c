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

#define CAPACITY_AT_FIRST 4
static_assert((CAPACITY_AT_FIRST & (CAPACITY_AT_FIRST - 1)) == 0, "the index is masked");
static_assert(NAME_TABLE_ENTRIES_MAX <= UINT16_MAX, "the index has 16 bits");

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
	if (s->index)
		memset(s->index, 0, 2 * s->capacity * sizeof(*s->index));
}

void name_table_free(struct name_table *s)
{
	name_table_clear(s);
	free(s->entries);
	free(s->index);
	s->entries = NULL;
	s->index = NULL;
	s->capacity = 0;
}

/* Where a key is, or the free place where it would go: the index is never full. */
static uint16_t *place_of(const struct name_table *s, const char *key, size_t length, uint64_t hash)
{
	const uint32_t mask = 2 * s->capacity - 1;

	for (uint64_t i = hash;; i++) {
		uint16_t *place = &s->index[i & mask];
		const struct name_table_entry *e = *place ? &s->entries[*place - 1] : NULL;

		if (!e ||
		    (e->hash == hash && e->length == length && memcmp(e->name, key, length) == 0))
			return place;
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

static struct name_table_entry *find(
    const struct name_table *s, const char *key, size_t length, uint64_t hash)
{
	uint16_t place = s->index ? *place_of(s, key, length, hash) : 0;

	return place ? &s->entries[place - 1] : NULL;
}

const struct name_table_entry *name_table_entry(
    const struct name_table *s, const char *key, size_t length)
{
	return find(s, key, length, XXH3_64bits(key, length));
}

void *name_table_find_key(const struct name_table *s, const char *key, size_t length)
{
	const struct name_table_entry *e = name_table_entry(s, key, length);

	return e ? e->value : NULL;
}

void *name_table_find(const struct name_table *s, const char *name)
{
	char cut[ORBUS_TEXT_MAX + 1];
	size_t length;

	name = within_limit(name, &length, cut);
	return name_table_find_key(s, name, length);
}

/* Room for another entry: the index is made anew for twice as many. */
static bool grow(struct name_table *s)
{
	uint32_t capacity = s->capacity ? 2 * s->capacity : CAPACITY_AT_FIRST;
	struct name_table_entry *entries = realloc(s->entries, capacity * sizeof(*entries));
	uint16_t *index = calloc(2 * (size_t)capacity, sizeof(*index));

	if (entries)
		s->entries = entries;
	if (!entries || !index) {
		free(index);
		return false;
	}
	free(s->index);
	s->index = index;
	s->capacity = capacity;
	for (uint32_t i = 0; i < s->count; i++) {
		const struct name_table_entry *e = &entries[i];

		*place_of(s, e->name, e->length, e->hash) = (uint16_t)(i + 1);
	}
	return true;
}

static void *append(struct name_table *s, const char *key, size_t length, uint64_t hash)
{
	struct name_table_entry *e;

	if (s->count == s->capacity && !grow(s))
		return NULL;
	e = &s->entries[s->count];
	e->hash = hash;
	e->length = (uint32_t)length;
	e->name = malloc(length + 1);
	e->value = calloc(1, s->value_bytes);
	if (!e->name || !e->value) {
		free(e->name);
		free(e->value);
		return NULL;
	}
	memcpy(e->name, key, length);
	e->name[length] = '\0';
	*place_of(s, key, length, hash) = (uint16_t)++s->count;
	return e->value;
}

void *name_table_at_key(struct name_table *s, const char *key, size_t length)
{
	uint64_t hash = XXH3_64bits(key, length);
	struct name_table_entry *e = find(s, key, length, hash);

	return e ? e->value : append(s, key, length, hash);
}

void *name_table_at(struct name_table *s, const char *name)
{
	char cut[ORBUS_TEXT_MAX + 1];
	size_t length;
	uint64_t hash;
	struct name_table_entry *e;

	name = within_limit(name, &length, cut);
	hash = XXH3_64bits(name, length);
	e = find(s, name, length, hash);
	if (e)
		return e->value;
	/* Full: the last place is for all the others. */
	if (s->count >= NAME_TABLE_MAX && strcmp(name, NAME_TABLE_OTHER) != 0)
		return name_table_at(s, NAME_TABLE_OTHER);
	return append(s, name, length, hash);
}
