/*
 * hour_lines.h: the lines of one hour, in the order of their times. Late ones and several bots have
 * put them out of order in the files: they are sorted in memory.
 */
#ifndef ORBUS_JOURNAL_HOUR_LINES_H
#define ORBUS_JOURNAL_HOUR_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct hour_line;

/* All zero: none. */
struct hour_lines {
	char *texts;
	size_t text_bytes, text_capacity;
	struct hour_line *lines;
	size_t count, capacity, at;
};

/* The time of a line, which ends with a NUL. False: it has none. */
bool hour_line_ts(const char *line, size_t length, uint64_t *ts);

/* Adds a copy of a line: 0 or -ENOMEM. */
int hour_lines_add(struct hour_lines *h, uint64_t ts, const char *line, size_t length);

/* After the last was added. Those of one time stay in the order in which they came. */
void hour_lines_sort(struct hour_lines *h);

/* The next line, which lives until another is added; NULL: there is no more. */
const char *hour_lines_next(struct hour_lines *h, size_t *length);

/* Forgets them, and keeps the memory for the next hour. */
void hour_lines_clear(struct hour_lines *h);

void hour_lines_free(struct hour_lines *h);

#endif
