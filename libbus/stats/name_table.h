/*
 * name_table.h: a bounded table of named things: statistics by model, by bot, errors by type, ...
 *
 * By name (name_table_at()) it holds at most NAME_TABLE_MAX names of at most ORBUS_TEXT_MAX bytes;
 * further names are summed under "(other)", and a longer name is cut, so that invented names
 * cannot make it grow. By key (name_table_at_key()) its user sees to that.
 */
#ifndef ORBUS_STATS_NAME_TABLE_H
#define ORBUS_STATS_NAME_TABLE_H

#include "base/data_limits.h"

#include <stddef.h>
#include <stdint.h>

#define NAME_TABLE_OTHER "(other)"

struct name_table_entry {
	char *name; /* or key, which may hold NULs; a NUL follows it */
	uint64_t hash;
	uint32_t length;
	void *value; /* value_bytes large, zeroed when new */
};

struct name_table {
	size_t value_bytes;
	void (*free_value)(void *value); /* may be NULL */
	uint32_t count;                  /* "(other)" included */
	uint32_t capacity;
	struct name_table_entry *entries; /* in the order of their first appearance */
	uint16_t *index;                  /* open addressing, 2 * capacity: entry + 1, 0: free */
};

/* Entries that a table can have. */
#define NAME_TABLE_ENTRIES_MAX 4096

void name_table_init(struct name_table *s, size_t value_bytes, void (*free_value)(void *value));
void name_table_free(struct name_table *s);

/* Forgets all names. */
void name_table_clear(struct name_table *s);

/* The value of `name`, made if need be; that of "(other)" when full; NULL: out of memory. */
void *name_table_at(struct name_table *s, const char *name);

/* The value of `name`, NULL where there is none. */
void *name_table_find(const struct name_table *s, const char *name);

/*
 * The value of a key of `length` bytes, made if need be; NULL: out of memory. Whoever adds keys
 * keeps them below NAME_TABLE_ENTRIES_MAX.
 */
void *name_table_at_key(struct name_table *s, const char *key, size_t length);

/* The value of a key, NULL where there is none; and its entry. */
void *name_table_find_key(const struct name_table *s, const char *key, size_t length);
const struct name_table_entry *name_table_entry(
    const struct name_table *s, const char *key, size_t length);

#endif
