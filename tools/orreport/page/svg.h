/*
 * svg.h: the trend as a picture.
 */
#ifndef ORBUS_ORREPORT_PAGE_SVG_H
#define ORBUS_ORREPORT_PAGE_SVG_H

#include "orreport/rows.h"

#include <stdio.h>

/*
 * Prints the picture: requests with what failed of them, response times, TTFT, TPS, tokens and
 * cost, one above the other. With the nonce of a page (frame.h), to stand within it; with
 * NULL, as a file of its own.
 */
void svg_print(FILE *out, const struct report *r, const char *nonce);

#endif
