/*
 * constants.h: for JavaScript, the library's words and numbers.
 */
#ifndef ORBUS_NODE_SRC_CONSTANTS_H
#define ORBUS_NODE_SRC_CONSTANTS_H

#include "addon.h"

/* Adds its functions to the module. */
napi_status constants_define(napi_env env, napi_value exports);

#endif
