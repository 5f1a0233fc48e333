/*
 * log_sink.h: where lines of a log go: standard error, syslog or the systemd journal.
 *
 * No line is lost when a daemon cannot be reached or takes nothing: the lines go to standard error,
 * with the reason, until the daemon is there again. It is not for levels to leave out, nor for
 * making texts safe to show: the caller does that.
 */
#ifndef ORBUS_BASE_LOG_SINK_H
#define ORBUS_BASE_LOG_SINK_H

#include <stdbool.h>

/* In the order of enum log_target. */
#define LOG_TARGETS "stderr|syslog|journald"

enum log_target { LOG_TARGET_STDERR, LOG_TARGET_SYSLOG, LOG_TARGET_JOURNALD };

/* In the order of syslog(3), so that a larger level says more. */
enum log_level {
	LOG_LEVEL_ERROR = 3,
	LOG_LEVEL_WARNING = 4,
	LOG_LEVEL_INFO = 6,
	LOG_LEVEL_DEBUG = 7,
};

/* "ERROR", "WARNING", ... */
const char *log_level_word(enum log_level level);

struct log_sink;

/*
 * The name under which lines are logged must live as long. NULL: out of memory. Nothing is opened
 * before the first line.
 */
struct log_sink *log_sink_open(enum log_target target, const char *identifier);
void log_sink_close(struct log_sink *s);

/*
 * A daemon that takes nothing holds up one line, for at most 100 ms; the lines after it do not
 * wait, until the daemon takes one again. With `goes_on` lines wait for as long as that returns
 * true; it is called a few times a second.
 */
void log_sink_be_patient(struct log_sink *s, bool (*goes_on)(void));

/* On standard error a line is the text alone, without time, name and level before it. */
void log_sink_be_bare(struct log_sink *s);

/*
 * Logs one line of text, which holds no control characters. `fields` is for the journal alone:
 * "NAME=value\n" as often as there are any; NULL: none. Names are of A-Z, 0-9 and _.
 */
void log_sink_put(struct log_sink *s, enum log_level level, const char *text, const char *fields);

#endif
