/*
 * producer.h: orbus.Producer, for the module.
 */
#ifndef ORBUS_PYTHON_EXT_PRODUCER_H
#define ORBUS_PYTHON_EXT_PRODUCER_H

#include "state.h"

extern PyType_Spec producer_spec;

#endif
