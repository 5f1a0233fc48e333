/*
 * line.h: a sample as one line of JSON, to the byte what print_json() makes of
 * sample_to_json(), without a tree: for programs that write hundreds of thousands of them.
 */
#ifndef ORBUS_JOURNAL_LINE_H
#define ORBUS_JOURNAL_LINE_H

#include "orbus.h"

/* Bytes that the line of this sample can take at most, its newline included. */
size_t json_line_room(const struct orbus_sample *s);

/* Writes the line, with its newline and without a NUL, to `out`, which has the room. Its length. */
size_t json_line(const struct orbus_sample *s, char *out);

#endif
