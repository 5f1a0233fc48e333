/*
 * errors.h: exceptions of ours, and what is done about those of others.
 */
#ifndef ORBUS_PYTHON_EXT_ERRORS_H
#define ORBUS_PYTHON_EXT_ERRORS_H

#include "state.h"

/* Sets orbus.BusError for a negative errno of the library. Returns NULL. */
PyObject *set_bus_error(struct module_state *state, const char *bus, int err);

/*
 * Forgets an exception of what was called on the bot's behalf. What is no Exception
 * (KeyboardInterrupt, SystemExit) is meant for the bot: it stays set.
 */
void clear_exception(void);

/*
 * Around what is done while an object is dropped, which may be when an exception of the bot's is in
 * flight: sets it aside, and back. An interrupt that comes in between is brought again.
 */
struct aside {
	PyObject *type, *value, *traceback;
};
void set_aside(struct aside *a);
void set_back(struct aside *a);

#endif
