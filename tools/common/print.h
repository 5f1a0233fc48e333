/*
 * print.h: what the tools print: columns, cells, wrapped text, JSON.
 *
 * Columns are counted as a terminal shows them, not in bytes. Text from others is sanitised first:
 * base/text_safe.h, which comes with this header, as colour (base/term.h) and figures do.
 */
#ifndef ORBUS_COMMON_PRINT_H
#define ORBUS_COMMON_PRINT_H

#include "base/number_text.h"
#include "base/term.h"
#include "base/text_safe.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* The columns that a character takes: 0 of one that joins the one before, 1 or 2. */
int character_width(uint32_t c);

/* The columns that sanitised text takes. */
int text_width(const char *text);

/* Bytes of the longest start of sanitised text that takes at most `columns`. */
size_t text_fitting(const char *text, int columns);

/* Prints sanitised text in exactly `width` columns, cut with an ellipsis where it is longer. */
void print_cell(FILE *out, const char *text, int width, bool to_the_right);

/*
 * Prints sanitised text from the column where the cursor is, `indent`, on, wrapped between words in
 * OUTPUT_COLUMNS, with a new line behind it.
 */
void print_wrapped(FILE *out, const char *text, int indent);

/* Prints JSON with the unsafe characters in its strings as \u escapes; 0 or -ENOMEM. */
int print_json(FILE *out, const json_t *value, size_t flags);

#endif
