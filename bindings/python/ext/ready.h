/*
 * ready.h: an awaitable that is ready.
 */
#ifndef ORBUS_PYTHON_EXT_READY_H
#define ORBUS_PYTHON_EXT_READY_H

#include "state.h"

extern PyType_Spec ready_spec;

/* An awaitable of that value. */
PyObject *ready_new(const struct module_state *state, PyObject *value);

#endif
