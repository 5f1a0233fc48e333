/*
 * advise.h: what the statistics give reason to do, for people and as JSON.
 */
#ifndef ORBUS_ORSTAT_ADVISE_H
#define ORBUS_ORSTAT_ADVISE_H

#include "options.h"
#include "stats/snapshot.h"

/* Prints it on standard output: the exit status. */
int advise_print(const struct orstat_settings *settings, const struct snapshot *s);

#endif
