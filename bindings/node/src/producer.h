/*
 * producer.h: a producer as JavaScript holds it.
 *
 * A JavaScript object refers to a handle, which is freed when the garbage collector finds the
 * object. The lane of a producer is given back earlier: when it is closed, and when its environment
 * ends (a worker is terminated, the process exits).
 */
#ifndef ORBUS_NODE_SRC_PRODUCER_H
#define ORBUS_NODE_SRC_PRODUCER_H

#include "addon.h"
#include "orbus.h"

/* What its requests came to so far, for getPerformanceStats(). */
struct performance {
	double last_response_ms, last_ttft_ms, last_tps; /* NaN: none yet */
	double response_sum_ms, ttft_sum_ms;
	uint64_t requests, with_ttft, tokens;
	char model[128];
};

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

/* Adds its functions to the module. */
napi_status producer_define(napi_env env, napi_value exports);

#endif
