/*
 * call.h: for JavaScript, requests that the instrumented fetch makes.
 */
#ifndef ORBUS_NODE_SRC_CALL_H
#define ORBUS_NODE_SRC_CALL_H

#include "addon.h"

/* Adds its functions to the module. */
napi_status call_define(napi_env env, napi_value exports);

#endif
