/*
 * requests.h: single requests out of the journals of agents: the slowest, or all of them
 * grouped by one of their keys.
 */
#ifndef ORBUS_ORREPORT_REQUESTS_H
#define ORBUS_ORREPORT_REQUESTS_H

#include "folders.h"
#include "query.h"

/* Prints what --slowest or --group-by asks for; returns the exit status. */
int requests_report(const struct report_folders *folders, const struct report_ask *ask);

#endif
