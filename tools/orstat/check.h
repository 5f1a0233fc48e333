/*
 * check.h: the statistics as one line for monitoring, judged by thresholds.
 */
#ifndef ORBUS_ORSTAT_CHECK_H
#define ORBUS_ORSTAT_CHECK_H

#include "options.h"
#include "stats/snapshot.h"

/* Reads --warning and --critical. CLI_PROCEED, or CLI_USAGE after a message. */
int check_prepare(const struct orstat_settings *settings);

/* Prints the line; returns 0 OK, 1 or 2. */
int check_print(const struct orstat_settings *settings, const struct snapshot *s);

/* The same where there are no statistics, for this negative errno of the bus: 3 UNKNOWN. */
int check_print_unknown(const struct orstat_settings *settings, int error);

#endif
