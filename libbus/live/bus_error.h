/*
 * bus_error.h: an error of the library as a message that names the bus and the remedy, and as an
 * exit status.
 */
#ifndef ORBUS_LIVE_BUS_ERROR_H
#define ORBUS_LIVE_BUS_ERROR_H

#include "ring/shm_object.h"

#include <stdbool.h>
#include <stddef.h>

/* Writes the message for `error` on `bus` (NULL: the default); returns the exit status. */
int bus_error_describe(const char *bus, int error, char *out, size_t bytes);

/* Prints it on standard error as "TOOL: MESSAGE"; returns the exit status. */
int bus_error_report(const char *tool, const char *bus, int error);

/* Writes who owns the object at `path`, and the remedy. False: its owner is trusted. */
bool bus_stranger_describe(
    const struct bus_paths *paths, const char *path, char *out, size_t bytes);

/* Prints on standard error that the board is not used since its owner is not trusted, where `error`
 * is that. */
void bus_board_report(const char *tool, const char *bus, int error);

/* A user's name and number, sanitised. */
void user_display_name(uid_t uid, char *out, size_t bytes);

/* The bus as a person would name it, sanitised. */
void bus_display_name(const char *bus, char *out, size_t bytes);

#endif
