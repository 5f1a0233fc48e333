/*
 * watch.h: orstat --watch: the live screen, until `q` or a signal ends it.
 */
#ifndef ORBUS_ORSTAT_WATCH_H
#define ORBUS_ORSTAT_WATCH_H

#include "orstat/options.h"

/* Watches on the terminal, or prints a line an interval where there is none: the exit status. */
int watch_run(const struct orstat_settings *settings);

#endif
