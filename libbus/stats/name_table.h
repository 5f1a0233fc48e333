/*
 * name_table.h: a bounded table of named things: figures by model, by bot, errors by type, ...
 *
 * It holds at most NAME_TABLE_MAX names of at most ORBUS_TEXT_MAX bytes; further names are summed
 * under "(other)", and a longer name is cut, so that invented names cannot make it grow.
 */
#ifndef ORBUS_STATS_NAME_TABLE_H
#define ORBUS_STATS_NAME_TABLE_H

#include "base/data_limits.h"

#include <stddef.h>
#include <stdint.h>

#define NAME_TABLE_OTHER "(other)"

struct name_table_entry {
	char *name;
	uint64_t hash;
	void *value; /* value_bytes large, zeroed when new */
};

struct name_table {
	size_t value_bytes;
	void (*free_value)(void *value); /* may be NULL */
	uint32_t count;                  /* "(other)" included */
	uint32_t capacity;
	struct name_table_entry *entries;   /* in the order of their first appearance */
	uint16_t index[2 * NAME_TABLE_MAX]; /* open addressing: entry + 1, 0: free */
};

void name_table_init(struct name_table *s, size_t value_bytes, void (*free_value)(void *value));
void name_table_free(struct name_table *s);

/* Forgets all names. */
void name_table_clear(struct name_table *s);

/* The value of `name`, made if need be; that of "(other)" when full; NULL: out of memory. */
void *name_table_at(struct name_table *s, const char *name);

/* The value of `name`, NULL where there is none. */
void *name_table_find(const struct name_table *s, const char *name);

#endif
