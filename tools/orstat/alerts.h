/*
 * alerts.h: the agent's alerts as a person reads them.
 */
#ifndef ORBUS_ORSTAT_ALERTS_H
#define ORBUS_ORSTAT_ALERTS_H

#include "stats/snapshot.h"

#include <stdbool.h>
#include <stdio.h>

/* Prints the board's alerts, in 80 columns, in lines that begin like the view's; without any,
 * nothing.
 */
void alerts_print(FILE *out, const struct snapshot_alerts *alerts, bool colour);

#endif
