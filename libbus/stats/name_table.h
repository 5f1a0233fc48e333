/*
 * name_table.h: a bounded table of named things: figures by model, by bot, errors by type, ...
 *
 * It holds at most SERIES_MAX names of at most ORBUS_TEXT_MAX bytes; what comes beyond is summed
 * under "(other)", and a longer name is cut, so that nobody can make it grow by inventing names.
 */
#ifndef ORBUS_STATS_NAME_TABLE_H
#define ORBUS_STATS_NAME_TABLE_H

#include "base/data_limits.h"

#include <stddef.h>
#include <stdint.h>

#define SERIES_OTHER "(other)"

struct series_entry {
	char *name;
	uint64_t hash;
	void *value; /* value_bytes large, zeroed when new */
};

struct series {
	size_t value_bytes;
	void (*free_value)(void *value); /* may be NULL */
	uint32_t count;                  /* "(other)" included */
	uint32_t capacity;
	struct series_entry *entries;   /* in the order of their first appearance */
	uint16_t index[2 * SERIES_MAX]; /* open addressing: entry + 1, 0: free */
};

void series_init(struct series *s, size_t value_bytes, void (*free_value)(void *value));
void series_free(struct series *s);

/* Forgets all names. */
void series_clear(struct series *s);

/* The value of `name`, made if need be; that of "(other)" when full; NULL: out of memory. */
void *series_at(struct series *s, const char *name);

/* The value of `name`, NULL where there is none. */
void *series_find(const struct series *s, const char *name);

#endif
