/*
 * print_trend.h: the trend, the comparison of models, bots or providers, advice and notes, as a
 * person reads them in 80 columns.
 */
#ifndef ORBUS_ORREPORT_PRINT_TREND_H
#define ORBUS_ORREPORT_PRINT_TREND_H

#include "common/advice/advice.h"
#include "rows.h"

#include <stdio.h>

void trend_print(FILE *out, const struct report *r, bool colour);

/* Names compared: average response time, TPS and TTFT, with ranges. */
void by_print(FILE *out, const struct report *r, int by, bool colour);

/* The same of figures from elsewhere. */
void by_print_series(FILE *out, const struct name_table *s, const char *heading, bool colour);

void advice_section_print(FILE *out, const struct advice *a, bool colour);

/* Notes that are no errors; errors go to standard error. */
void notes_print(FILE *out, const struct report_notes *n, bool colour);

/* "orreport  2026-11-19 to 2026-11-25, 3 days of files" */
void head_print(FILE *out, const struct report *r, bool colour);

#endif
