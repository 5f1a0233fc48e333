/*
 * print_csv.h: reports as CSV (RFC 4180): times in milliseconds, what is unknown left empty.
 */
#ifndef ORBUS_ORREPORT_PRINT_CSV_H
#define ORBUS_ORREPORT_PRINT_CSV_H

#include "rows.h"

#include <stdio.h>

/* A column of statistics, and the key of a document that it is (doc/schema.def); NULL: of none. */
struct csv_column {
	const char *name, *key;
};

extern const struct csv_column csv_columns[];
extern const size_t csv_column_count;

/* A line a period. */
void trend_print_csv(FILE *out, const struct report *r);

/* A line a name. */
void series_print_csv(FILE *out, const struct name_table *s, const char *heading);

#endif
