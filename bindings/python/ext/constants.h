/*
 * constants.h: the library's words, for Python.
 */
#ifndef ORBUS_PYTHON_EXT_CONSTANTS_H
#define ORBUS_PYTHON_EXT_CONSTANTS_H

#include "state.h"

/* Adds the limits and the version to the module. 0, or -1 with an exception. */
int constants_init(PyObject *module);

/* http_error_type(status), a function of the module. */
PyObject *http_error_type(PyObject *module, PyObject *status);

#endif
