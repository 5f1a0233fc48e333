/*
 * orstat_view.h: statistics as a person reads them, in 80 columns.
 */
#ifndef ORBUS_ORSTAT_VIEW_H
#define ORBUS_ORSTAT_VIEW_H

#include "orstat_options.h"
#include "statistics.h"

#include <stdio.h>

void view_print(
    FILE *out, const struct orstat_settings *settings, const struct statistics *s, bool colour);

/* A number at a path of keys, NaN where there is none. */
double number_at(const json_t *o, const char *first, const char *second);

#endif
