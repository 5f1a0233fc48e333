/*
 * call.h: orbus._orbus.Call, for the module.
 */
#ifndef ORBUS_PYTHON_EXT_CALL_H
#define ORBUS_PYTHON_EXT_CALL_H

#include "state.h"

extern PyType_Spec call_spec;

/* quote(text, body, secret, url), a function of the module. */
PyObject *call_quote(PyObject *module, PyObject *args);

#endif
