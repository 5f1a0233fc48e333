/*
 * bus_error.h: an error of the library as a message that names the bus and the remedy, and as an
 * exit status.
 */
#ifndef ORBUS_CLI_BUS_ERROR_H
#define ORBUS_CLI_BUS_ERROR_H

#include <stddef.h>

/* Writes the message for `error` on `bus` (NULL: the default); returns the exit status. */
int bus_error_describe(const char *bus, int error, char *out, size_t bytes);

/* Prints it on standard error as "TOOL: MESSAGE"; returns the exit status. */
int bus_error_report(const char *tool, const char *bus, int error);

/* The bus as a person would name it, sanitised. */
void bus_display_name(const char *bus, char *out, size_t bytes);

#endif
