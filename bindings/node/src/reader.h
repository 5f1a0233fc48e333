/*
 * reader.h: for JavaScript, the samples of a bus.
 */
#ifndef ORBUS_NODE_SRC_READER_H
#define ORBUS_NODE_SRC_READER_H

#include "addon.h"

/* Adds its functions to the module. */
napi_status reader_define(napi_env env, napi_value exports);

#endif
