/*
 * print_svg.h: the trend as a picture (--svg). The page of --format html draws its own (page/).
 */
#ifndef ORBUS_ORREPORT_PRINT_SVG_H
#define ORBUS_ORREPORT_PRINT_SVG_H

#include "rows.h"

#include <stdio.h>

/*
 * Prints the picture: requests with what failed of them, response times, TTFT, TPS, tokens and
 * cost, one above the other.
 */
void svg_print(FILE *out, const struct report *r);

#endif
