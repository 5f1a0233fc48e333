/*
 * reader.h: orbus._orbus.Reader, for the module.
 */
#ifndef ORBUS_PYTHON_EXT_READER_H
#define ORBUS_PYTHON_EXT_READER_H

#include "state.h"

extern PyType_Spec reader_spec;

#endif
