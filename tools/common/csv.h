/*
 * csv.h: fields of CSV as RFC 4180 has it.
 */
#ifndef ORBUS_COMMON_CSV_H
#define ORBUS_COMMON_CSV_H

#include <stdio.h>

/*
 * A text as a field: quoted where it needs to be, its control characters escaped, and with a '
 * before what a spreadsheet would take for a formula; NULL: empty.
 */
void csv_text(FILE *out, const char *text);

/* A comma and a figure; where it is not finite, the comma alone. */
void csv_figure(FILE *out, double value);

#endif
