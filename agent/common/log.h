/*
 * log.h: the agent's log: which levels are logged, and texts that are safe to show. Where its lines
 * go is base/log_sink.h's.
 */
#ifndef ORBUS_AGENT_COMMON_LOG_H
#define ORBUS_AGENT_COMMON_LOG_H

#include "base/log_sink.h"

struct log;

/* The log of this process. NULL: out of memory. */
struct log *log_open(enum log_target target, enum log_level level);
void log_close(struct log *l);

__attribute__((format(printf, 3, 4))) void log_write(
    struct log *l, enum log_level level, const char *format, ...);

#define log_error(l, ...)   log_write((l), LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warning(l, ...) log_write((l), LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_info(l, ...)    log_write((l), LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(l, ...)   log_write((l), LOG_LEVEL_DEBUG, __VA_ARGS__)

/* An error that may last, of one piece of work: it is logged once, and so is its end. */
struct log_once {
	int error; /* that was logged last; 0: all is well */
};

/*
 * Logs that `what` could not be done (`step`: "write"), where the error is another one than last
 * time, or that it works again. `error`: 0 or a negative errno.
 */
void log_once(struct log *l, struct log_once *once, const char *what, const char *step, int error);

#endif
