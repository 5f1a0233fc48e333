/*
 * addon.h: an environment's own data, and the figures that go to and from JavaScript.
 *
 * Each thread of JavaScript (the main one, each worker) has an environment of its own, and with it
 * a struct addon: nothing is shared between threads.
 */
#ifndef ORBUS_NODE_SRC_ADDON_H
#define ORBUS_NODE_SRC_ADDON_H

#define NAPI_VERSION 8
#include <node_api.h>

/*
 * Figures that go to and from JavaScript with a call, in one Float64Array: a store each, where an
 * argument would cost a call back into the engine. NaN is absent. The names are those that
 * JavaScript uses.
 */
/* clang-format off */
/* Of orbus_request_begin(), to be given back at the end. */
#define ORBUS_NODE_BEGIN_FIGURES(X) \
	X(idHigh) \
	X(idLow) \
	X(startNs)
/* Of a request that ends. */
#define ORBUS_NODE_END_FIGURES(X) \
	X(ttftMs) \
	X(httpStatus) \
	X(attempt) \
	X(costUsd) \
	X(promptTokens) \
	X(completionTokens) \
	X(totalTokens) \
	X(cachedTokens) \
	X(reasoningTokens) \
	X(cacheWriteTokens) \
	X(tokensEstimated)
/* Of a producer's requests so far. */
#define ORBUS_NODE_PERFORMANCE_FIGURES(X) \
	X(lastResponseMs) \
	X(lastTtftMs) \
	X(lastTps) \
	X(averageResponseMs) \
	X(averageTtftMs) \
	X(requests) \
	X(tokens)
#define ORBUS_NODE_FIGURES(X) \
	ORBUS_NODE_BEGIN_FIGURES(X) ORBUS_NODE_END_FIGURES(X) ORBUS_NODE_PERFORMANCE_FIGURES(X)
/* clang-format on */

enum figure {
#define X(name) FIGURE_##name,
	ORBUS_NODE_FIGURES(X)
#undef X
	    FIGURES
};

struct producer_handle;

struct addon {
	double *figures; /* of the Float64Array, which figures_ref keeps */
	napi_ref figures_ref;
	struct producer_handle *producers; /* those that are open */
};

/* The environment's own; never NULL after the module was loaded. */
static inline struct addon *addon_of(napi_env env)
{
	void *data = NULL;

	napi_get_instance_data(env, &data);
	return data;
}

#endif
