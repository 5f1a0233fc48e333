/*
 * text_safe.h: text that came from others, made safe to print.
 *
 * Text out of samples, the board or the command line is never printed as it came: sanitise it
 * first. Columns are tools/common/print.h's.
 */
#ifndef ORBUS_BASE_TEXT_SAFE_H
#define ORBUS_BASE_TEXT_SAFE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/*
 * True for characters that could steer a terminal or disguise text: control characters (C0, DEL,
 * C1), bidirectional controls, line and paragraph separators, and invisible tags.
 */
bool is_unsafe_character(uint32_t c);

/* Decodes one character: its length in bytes, 0 at the end of the text, -1 where it is not UTF-8.
 */
int next_character(const char *text, uint32_t *c);

/*
 * Copies text with every unsafe character, and every byte that is not UTF-8, escaped: \n, \t,
 * \x1b, \u202e. Cut on a character to fit; returns the length.
 */
size_t text_sanitise(char *out, size_t bytes, const char *text);

/* Decodes one character of sanitised text: its length in bytes, 0 at the end. */
int text_character(const char *text, uint32_t *c);

/* Prints text with its unsafe characters escaped. */
void print_text(FILE *out, const char *text);

#endif
