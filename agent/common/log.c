/*
 * log.c: the agent's log: which levels are logged, and texts that are safe to show.
 *
 * Names of buses, folders and files come from users: their control characters are
 * escaped, so that a line stays one line and steers no terminal.
 */
#include "log.h"
#include "base/text_safe.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct log {
	struct log_sink *sink;
	enum log_level level;
};

struct log *log_open(enum log_target target, enum log_level level)
{
	struct log *l = malloc(sizeof(*l));

	if (!l)
		return NULL;
	l->level = level;
	l->sink = log_sink_open(target, "oragent");
	if (l->sink)
		return l;
	free(l);
	return NULL;
}

void log_close(struct log *l)
{
	if (l)
		log_sink_close(l->sink);
	free(l);
}

void log_write(struct log *l, enum log_level level, const char *format, ...)
{
	char message[1024], text[2 * sizeof(message)];
	va_list arguments;

	if (level > l->level)
		return;
	va_start(arguments, format);
	vsnprintf(message, sizeof(message), format, arguments);
	va_end(arguments);
	text_sanitise(text, sizeof(text), message);
	log_sink_put(l->sink, level, text, NULL);
}

void log_once(struct log *l, struct log_once *once, const char *what, const char *step, int error)
{
	/* ECANCELED: given up, since the agent is to stop. */
	if (error == once->error || error == -ECANCELED)
		return;
	if (error)
		log_error(l, "could not %s %s: %s; trying again until it works", step, what,
		    strerror(-error));
	else
		log_info(l, "%s is written again", what);
	once->error = error;
}
