/*
 * term.h: standard files and colour of a program that people run.
 */
#ifndef ORBUS_BASE_TERM_H
#define ORBUS_BASE_TERM_H

#include <stdbool.h>
#include <stdio.h>

/* The width that everything printed for people fits in. */
#define OUTPUT_COLUMNS 80

enum tone { TONE_PLAIN, TONE_GOOD, TONE_FAIR, TONE_POOR, TONE_BAD, TONE_FAINT, TONE_STRONG };

/*
 * Call first in main(): it sets character widths as of UTF-8, makes a closed pipe an error and not
 * a signal, and makes writing to a standard file that was closed from the start an error.
 */
void output_init(void);

/* Colour is for terminals that know it, whose user has not set NO_COLOR. */
bool output_wants_colour(FILE *out);

/* The escape sequences around coloured text; "" where `colour` is false. */
const char *tone_start(enum tone tone, bool colour);
const char *tone_end(enum tone tone, bool colour);

/* True once nothing that is written to standard output arrives: a pipe or a terminal has gone. */
bool output_is_gone(void);

/*
 * Flushes standard output. Returns 0, also when its reader has gone (then *gone is set, which may
 * be NULL); a negative errno after a message where what was printed is lost.
 */
int output_flush(const char *tool, bool *gone);

#endif
