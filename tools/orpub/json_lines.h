/*
 * json_lines.h: orpub --json-lines.
 */
#ifndef ORBUS_ORPUB_JSON_LINES_H
#define ORBUS_ORPUB_JSON_LINES_H

#include "orbus.h"

/* Publishes all lines of standard input; returns the exit status, after messages. */
int json_lines_publish(struct orbus_producer *p, const char *bus);

#endif
