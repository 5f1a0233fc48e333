/*
 * log.c: the agent's log, to standard error, syslog or the systemd journal.
 *
 * Names of buses, folders and files are whatever somebody chose: their control characters are
 * spelled out, so that a line stays one line and steers no terminal.
 */
#include "log.h"
#include "clock.h"
#include "output.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <syslog.h>
#include <systemd/sd-journal.h>

#define PROGRAM "oragent"

struct log {
	enum log_target target;
	enum log_level level;
};

struct log *log_open(enum log_target target, enum log_level level)
{
	struct log *l = malloc(sizeof(*l));

	if (!l)
		return NULL;
	l->target = target;
	l->level = level;
	if (target == LOG_TARGET_SYSLOG)
		openlog(PROGRAM, LOG_PID, LOG_DAEMON);
	return l;
}

void log_close(struct log *l)
{
	if (l && l->target == LOG_TARGET_SYSLOG)
		closelog();
	free(l);
}

static const char *word_of(enum log_level level)
{
	switch (level) {
	case LOG_LEVEL_ERROR: return "ERROR";
	case LOG_LEVEL_WARNING: return "WARNING";
	case LOG_LEVEL_INFO: return "INFO";
	case LOG_LEVEL_DEBUG: return "DEBUG";
	}
	return "";
}

static void write_stderr(enum log_level level, const char *text)
{
	char now[RFC3339_BYTES];

	clock_format_rfc3339_local(clock_realtime_ns(), false, now);
	fprintf(stderr, "%s " PROGRAM " %s - %s\n", now, word_of(level), text);
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
	switch (l->target) {
	case LOG_TARGET_STDERR: write_stderr(level, text); break;
	case LOG_TARGET_SYSLOG: syslog((int)level, "%s", text); break;
	case LOG_TARGET_JOURNALD:
		/* Without a journal to write to, better standard error than silence. */
		if (sd_journal_send("MESSAGE=%s", text, "PRIORITY=%i", (int)level,
			"SYSLOG_IDENTIFIER=" PROGRAM, NULL) < 0)
			write_stderr(level, text);
		break;
	}
}
