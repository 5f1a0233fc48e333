/*
 * orreport_svg.h: the trend as a picture.
 */
#ifndef ORBUS_ORREPORT_SVG_H
#define ORBUS_ORREPORT_SVG_H

#include "orreport_rows.h"

#include <stdio.h>

/*
 * Prints the picture: requests with what failed of them, response times, TTFT, TPS, tokens and
 * cost, one above the other. As a document of its own (`is_file`), or to stand within a page.
 */
void svg_print(FILE *out, const struct report *r, bool is_file);

#endif
