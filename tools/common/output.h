/*
 * output.h: what the tools print: colour, text that came from others, figures, columns.
 *
 * Text out of samples, the board or the command line is never printed as it came: sanitise it
 * first. Columns are counted as a terminal shows them, not in bytes.
 */
#ifndef ORBUS_CLI_OUTPUT_H
#define ORBUS_CLI_OUTPUT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* The width that everything printed for people fits in. */
#define OUTPUT_COLUMNS 80

enum tone { TONE_PLAIN, TONE_GOOD, TONE_FAIR, TONE_POOR, TONE_BAD, TONE_FAINT, TONE_STRONG };

/*
 * Call first in main(): character widths as of UTF-8, a closed pipe is an error, no signal, and so
 * is what is written to a standard file that was closed from the start.
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

/*
 * True for characters that could steer a terminal or disguise text: control characters (C0, DEL,
 * C1), bidirectional controls, line and paragraph separators, and invisible tags.
 */
bool is_unsafe_character(uint32_t c);

/* Decodes one character: its length in bytes, 0 at the end of the text, -1 where it is not UTF-8.
 */
int next_character(const char *text, uint32_t *c);

/*
 * Copies text with every unsafe character, and every byte that is not UTF-8, spelled out: \n, \t,
 * \x1b, \u202e. Cut on a character to fit; returns the length.
 */
size_t text_sanitise(char *out, size_t bytes, const char *text);

/* Decodes one character of sanitised text: its length in bytes, 0 at the end. */
int text_character(const char *text, uint32_t *c);

/* The columns that a character takes: 0 of one that joins the one before, 1 or 2. */
int character_width(uint32_t c);

/* Prints text with its unsafe characters spelled out. */
void print_text(FILE *out, const char *text);

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

/* "1,234,567" */
#define COUNT_TEXT_BYTES 32
void format_count(uint64_t n, char out[COUNT_TEXT_BYTES]);

/* A figure in as many digits as tell something: "12345", "6.73", "0.00123". */
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

/* Prints JSON with the unsafe characters in its strings as \u escapes; 0 or -ENOMEM. */
int print_json(FILE *out, const json_t *value, size_t flags);

#endif
