/*
 * number_text.h: numbers as text: a double that reads back to the same double, and figures as
 * people read them.
 */
#ifndef ORBUS_BASE_NUMBER_TEXT_H
#define ORBUS_BASE_NUMBER_TEXT_H

#include <stddef.h>
#include <stdint.h>

/* "-1.7976931348623157e308" and room to spare. */
#define FIGURE_TEXT_MAX 32

/* Writes a finite value, without a NUL behind it; its length. Whole numbers end with ".0". */
size_t figure_text(double value, char out[FIGURE_TEXT_MAX]);

/* "1,234,567" */
#define COUNT_TEXT_BYTES 32
void format_count(uint64_t n, char out[COUNT_TEXT_BYTES]);

/* A figure in as many digits as are useful: "12345", "6.73", "0.00123". */
#define FIGURE_TEXT_BYTES 32
void format_figure(double value, char out[FIGURE_TEXT_BYTES]);

/*
 * A figure and its limit in a sentence: the same, but with all their digits where fewer would not
 * show which of the two is larger ("0.300000001", over "0.3").
 */
void format_with_limit(
    double value, double limit, char out[FIGURE_TEXT_BYTES], char limit_out[FIGURE_TEXT_BYTES]);

/*
 * A figure with so many decimals, to be printed by its `text`; from 10^15 on, which no table has
 * room for and no double tells all digits of, as "1e+300".
 */
struct fixed_figure {
	char text[FIGURE_TEXT_BYTES];
};
struct fixed_figure format_fixed(double value, int decimals);

#endif
