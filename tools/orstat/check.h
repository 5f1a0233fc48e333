/*
 * check.h: the statistics as one line for monitoring, judged by thresholds.
 */
#ifndef ORBUS_ORSTAT_CHECK_H
#define ORBUS_ORSTAT_CHECK_H

#include "board/current.h"
#include "options.h"

/* Reads --warning and --critical. CLI_PROCEED, or CLI_USAGE after a message. */
int check_prepare(const struct orstat_settings *settings);

/* Prints the line, also where there are no statistics; returns 0 OK, 1, 2, or 3 UNKNOWN. */
int check_print(const struct orstat_settings *settings, const struct statistics *s);

#endif
