/*
 * stats.h: for JavaScript, statistics and period files.
 */
#ifndef ORBUS_NODE_SRC_STATS_H
#define ORBUS_NODE_SRC_STATS_H

#include "addon.h"

/* Adds its functions to the module. */
napi_status stats_define(napi_env env, napi_value exports);

#endif
