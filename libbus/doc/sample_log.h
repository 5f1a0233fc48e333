/*
 * sample_log.h: a sample as lines of a program's log, in the words of the system that orbus grew
 * from. Its users search their logs for these words: they do not change.
 */
#ifndef ORBUS_DOC_SAMPLE_LOG_H
#define ORBUS_DOC_SAMPLE_LOG_H

#include "base/log_sink.h"
#include "orbus.h"

#include <stdbool.h>
#include <stdio.h>

void log_sample(FILE *out, bool colour, const struct orbus_sample *s);

/* The level of a line that log_sample() wrote, without colour; `otherwise` where it is none of
 * those. */
enum log_level log_level_of(const char *line, enum log_level otherwise);

/* What may be done about time-outs. */
void log_timeout_hint(FILE *out, bool colour);

#endif
