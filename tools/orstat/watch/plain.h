/*
 * plain.h: the watch where there is no screen to draw on: a line an interval.
 */
#ifndef ORBUS_ORSTAT_WATCH_PLAIN_H
#define ORBUS_ORSTAT_WATCH_PLAIN_H

#include "data.h"

#include <stdio.h>

/* Prints the headings of the columns. */
void plain_heading(FILE *out);

/* Prints what the last interval brought. */
void plain_line(FILE *out, const struct watch_data *d, uint64_t interval_ns);

#endif
