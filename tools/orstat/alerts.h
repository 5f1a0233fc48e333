/*
 * alerts.h: the agent's alerts as a person reads them.
 */
#ifndef ORBUS_ORSTAT_ALERTS_H
#define ORBUS_ORSTAT_ALERTS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

/* Whether one of the board's rules is raised. */
bool alert_is_firing(const json_t *rule);

/* Prints the board's alerts, in 80 columns, in lines that begin like the view's; without any,
 * nothing.
 */
void alerts_print(FILE *out, const json_t *alerts, bool colour);

#endif
