/*
 * module.h: what the parts of the addon share: the environment's own data, and handles.
 *
 * Each thread of JavaScript (the main one, each worker) has an environment of its own, and with it
 * a struct addon: nothing is shared between threads. Whatever a JavaScript object holds of C lives
 * in a handle, which the garbage collector frees; lanes are given back earlier, when a producer is
 * closed and when its environment ends (a worker is terminated, the process exits).
 */
#ifndef ORBUS_NODE_SRC_MODULE_H
#define ORBUS_NODE_SRC_MODULE_H

#define NAPI_VERSION 8
#include <node_api.h>

#include "orbus.h"

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
struct addon *addon_of(napi_env env);

/* --- producer.c ------------------------------------------------------------------------------ */

/* What its requests came to so far, for getPerformanceStats(). */
struct performance {
	double last_response_ms, last_ttft_ms, last_tps; /* NaN: none yet */
	double response_sum_ms, ttft_sum_ms;
	uint64_t requests, with_ttft, tokens;
	char model[128];
};

#define HANDLE_PRODUCER 0x6f727062
#define HANDLE_MEASURED 0x6f72786d
#define HANDLE_TAIL     0x6f72746c

struct producer_handle {
	uint32_t kind;
	uint32_t references; /* of the JavaScript object, and of each measured call */
	struct addon *addon; /* NULL: its environment has ended */
	struct producer_handle *previous, *next;
	struct orbus_producer *producer; /* NULL: closed */
	struct performance performance;
};

void producer_release(struct producer_handle *h);

/* Closes every producer: the environment ends. */
void producers_close(struct addon *a);

/* A request of this producer has ended as *s says. */
void producer_note(struct producer_handle *h, const struct orbus_sample *s);

/* Each adds its functions to the module. */
napi_status producer_define(napi_env env, napi_value exports);
napi_status measured_define(napi_env env, napi_value exports);
napi_status tail_define(napi_env env, napi_value exports);
napi_status reports_define(napi_env env, napi_value exports);
napi_status words_define(napi_env env, napi_value exports);

#endif
