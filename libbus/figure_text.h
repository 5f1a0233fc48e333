/*
 * figure_text.h: a double as the text of a JSON number that reads back to the same double.
 *
 * In as few digits as that takes, up to 17; 15 do for all that a clock measured. It is not for
 * people's eyes: see tools/common/output.h.
 */
#ifndef ORBUS_FIGURE_TEXT_H
#define ORBUS_FIGURE_TEXT_H

#include <stddef.h>

/* "-1.7976931348623157e308" and room to spare. */
#define FIGURE_TEXT_MAX 32

/* Writes a finite value, without a NUL behind it; its length. Whole numbers end with ".0". */
size_t figure_text(double value, char out[FIGURE_TEXT_MAX]);

#endif
