/*
 * format.h: one sample as a line, in each of ortail's formats.
 */
#ifndef ORBUS_ORTAIL_FORMAT_H
#define ORBUS_ORTAIL_FORMAT_H

#include "orbus.h"
#include "view.h"

#include <stdio.h>

/* Prints what comes before the first sample. */
void format_header(FILE *out, const struct ortail_view *v);

/* Prints a sample; false when memory ran out. */
bool format_sample(FILE *out, const struct ortail_view *v, const struct orbus_sample *s);

/* The same with a text before each line. */
bool format_prefixed(
    FILE *out, const struct ortail_view *v, const char *prefix, const struct orbus_sample *s);

#endif
