/*
 * usage.h: the usage object of an API's answer, as the openai package or json.loads() gives it.
 */
#ifndef ORBUS_PYTHON_EXT_USAGE_H
#define ORBUS_PYTHON_EXT_USAGE_H

#include "objects.h"

/* Fills in the sample's figures. What cannot be read is left out and counted. False: an exception
 * is set that is no Exception. */
bool usage_take(struct producer *p, struct orbus_sample *s, PyObject *usage);

#endif
