/*
 * template.h: a line in the form that its reader chose: "{time} {model:<30}
 * {response_s:>7}".
 *
 *   {KEY}  {KEY:SPEC}  {KEY|DEFAULT}  {KEY|DEFAULT:SPEC}      {{ and }} are braces, \n and \t too
 *
 * SPEC is Python's: [[fill]align][0][width][,|_][.precision][type]. Of a time it may end in a
 * format of strftime(), from the first % on. A DEFAULT stands where the sample has no such value;
 * without one, a dash does. Widths are columns of a terminal.
 */
#ifndef ORBUS_ORTAIL_TEMPLATE_H
#define ORBUS_ORTAIL_TEMPLATE_H

#include "orbus.h"

#include <stdbool.h>
#include <stdio.h>

/* Widths and precisions that make sense. */
#define TEMPLATE_WIDTH_MAX 200

struct template;

/* Whether a --format is meant to be one. */
bool template_is_meant(const char *text);

/* 0 and *out, -ENOMEM, or -EINVAL with a message that says where and what to write instead. */
int template_parse(const char *text, struct template **out, char *error, size_t error_bytes);
void template_free(struct template *t);

/*
 * Prints a sample, with a newline at the end. Texts of the sample are escaped where they could
 * steer a terminal; with `colour`, status and figures have that of their rating.
 */
void template_print(const struct template *t, FILE *out, bool colour, const struct orbus_sample *s);

#endif
