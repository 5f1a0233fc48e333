/*
 * rule_line.h: one line of the file of rules as words, and what is said about it. Only for
 * rule.c and rules.c.
 */
#ifndef ORBUS_AGENT_ALERTS_RULE_LINE_H
#define ORBUS_AGENT_ALERTS_RULE_LINE_H

#include <stdbool.h>
#include <stddef.h>

#define LINE_BYTES_MAX 1024
#define LINE_WORDS_MAX 32

struct alert_line {
	unsigned number;
	char *words[LINE_WORDS_MAX + 1]; /* NULL-terminated */
	size_t count, next;
	char buffer[2 * LINE_BYTES_MAX];
	char *error;
	size_t error_bytes;
};

/* Cuts at most LINE_BYTES_MAX bytes into words, up to a comment; a comparison is a word without
 * spaces around it too. 0, or -EINVAL after a message. */
int line_cut(struct alert_line *l, const char *text, size_t length);

/* The next word, NULL at the end. */
const char *line_peek(const struct alert_line *l);

/* Takes the next word, or only if it is that one. */
const char *line_take_any(struct alert_line *l);
bool line_take(struct alert_line *l, const char *word);

/* Writes "LINE: MESSAGE"; returns -EINVAL. */
__attribute__((format(printf, 2, 3))) int line_refuse(
    struct alert_line *l, const char *format, ...);

#endif
