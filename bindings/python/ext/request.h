/*
 * request.h: orbus.Request.
 */
#ifndef ORBUS_PYTHON_EXT_REQUEST_H
#define ORBUS_PYTHON_EXT_REQUEST_H

#include "objects.h"

extern PyType_Spec request_spec;

/* Producer.request(). */
PyObject *request_new(
    struct producer *p, PyObject *const *args, Py_ssize_t count, PyObject *keyword_names);

#endif
