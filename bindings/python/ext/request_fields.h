/*
 * request_fields.h: the attributes of an orbus.Request.
 */
#ifndef ORBUS_PYTHON_EXT_REQUEST_FIELDS_H
#define ORBUS_PYTHON_EXT_REQUEST_FIELDS_H

#include "state.h"

extern PyGetSetDef request_properties[];

#endif
