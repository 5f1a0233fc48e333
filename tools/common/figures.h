/*
 * figures.h: figures of a statistics document, by key, whatever the document holds.
 */
#ifndef ORBUS_CLI_FIGURES_H
#define ORBUS_CLI_FIGURES_H

#include <jansson.h>
#include <stdint.h>

/* The number at a path of one key or two (`second` may be NULL); NaN where there is none. */
double number_at(const json_t *o, const char *first, const char *second);

/* The same as a count: 0 where there is none, or it is no count. */
uint64_t count_at(const json_t *o, const char *first, const char *second);

#endif
