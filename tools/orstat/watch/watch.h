/*
 * watch.h: orstat --watch: what happens on a bus, as it happens, until one has seen enough.
 */
#ifndef ORBUS_ORSTAT_WATCH_H
#define ORBUS_ORSTAT_WATCH_H

#include "orstat/options.h"

/* Watches on the terminal, or prints a line an interval where there is none: the exit status. */
int watch_run(const struct orstat_settings *settings);

#endif
