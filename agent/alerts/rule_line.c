/*
 * rule_line.c: one line of the file of rules as words, and what is said about it.
 */
#include "rule_line.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

int line_refuse(struct alert_line *l, const char *format, ...)
{
	int n = snprintf(l->error, l->error_bytes, "%u: ", l->number);
	va_list arguments;

	va_start(arguments, format);
	if (n > 0 && (size_t)n < l->error_bytes)
		vsnprintf(l->error + n, l->error_bytes - (size_t)n, format, arguments);
	va_end(arguments);
	return -EINVAL;
}

const char *line_peek(const struct alert_line *l)
{
	return l->words[l->next];
}

bool line_take(struct alert_line *l, const char *word)
{
	if (!line_peek(l) || strcmp(line_peek(l), word) != 0)
		return false;
	l->next++;
	return true;
}

const char *line_take_any(struct alert_line *l)
{
	const char *word = line_peek(l);

	l->next += word != NULL;
	return word;
}

int line_cut(struct alert_line *l, const char *text, size_t length)
{
	char *to = l->buffer;
	bool in_word = false, compared = false;

	l->count = l->next = 0;
	for (size_t i = 0; i < length; i++) {
		bool is_sign = !compared && (text[i] == '>' || text[i] == '<');

		if (text[i] == ' ') {
			in_word = false;
			continue;
		}
		if (!in_word && text[i] == '#')
			break;
		if (!in_word || is_sign) {
			if (l->count == LINE_WORDS_MAX)
				return line_refuse(l, "has too many words: write one rule a line");
			if (l->count > 0)
				*to++ = '\0';
			l->words[l->count++] = to;
		}
		*to++ = text[i];
		in_word = !is_sign;
		compared |= is_sign;
	}
	*to = '\0';
	l->words[l->count] = NULL;
	return 0;
}
