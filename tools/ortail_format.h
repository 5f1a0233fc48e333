/*
 * ortail_format.h: one sample as a line, in each of ortail's formats.
 */
#ifndef ORBUS_ORTAIL_FORMAT_H
#define ORBUS_ORTAIL_FORMAT_H

#include "orbus.h"
#include "ortail_options.h"

#include <stdio.h>

/* Prints what comes before the first sample. */
void format_header(FILE *out, enum ortail_format format, bool colour);

/* Prints a sample; false when memory ran out. */
bool format_sample(FILE *out, enum ortail_format format, bool colour, const struct orbus_sample *s);

#endif
