/*
 * log.h: --log-target: the requests as lines of the system's log, with their severity, and
 * in the journal with their figures as fields.
 */
#ifndef ORBUS_ORTAIL_LOG_H
#define ORBUS_ORTAIL_LOG_H

#include "base/log_sink.h"
#include "lines.h"
#include "view.h"

struct request_log;

/* NULL: out of memory. The settings must live as long. */
struct request_log *request_log_open(const struct ortail_settings *settings);
void request_log_close(struct request_log *l);

/* The level of a sample, the same in every format. */
enum log_level request_log_level(const struct orbus_sample *s);

/* A sample's fields of the journal, malloc'ed; NULL: out of memory. */
char *request_log_fields(const struct orbus_sample *s);

/* Logs what was printed of a sample, a line at a time. */
void request_log_put(struct request_log *l, const struct ortail_view *v, const struct line *line);

/* Logs a word of ortail's own. */
__attribute__((format(printf, 3, 4))) void request_log_say(
    struct request_log *l, enum log_level level, const char *format, ...);

#endif
