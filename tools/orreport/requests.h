/*
 * requests.h: single requests out of the agent's journal: the slowest, or all of them
 * grouped by one of their keys.
 */
#ifndef ORBUS_ORREPORT_REQUESTS_H
#define ORBUS_ORREPORT_REQUESTS_H

#include "query.h"

/* Prints what --slowest or --group-by asks for; returns the exit status. */
int requests_report(const char *folder, const struct report_ask *ask);

#endif
