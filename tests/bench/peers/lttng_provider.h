/*
 * lttng_provider.h: the tracepoint of lttng.c, in the form that LTTng-UST's macros ask for.
 */
#undef LTTNG_UST_TRACEPOINT_PROVIDER
#define LTTNG_UST_TRACEPOINT_PROVIDER orbus_bench

#undef LTTNG_UST_TRACEPOINT_INCLUDE
#define LTTNG_UST_TRACEPOINT_INCLUDE "lttng_provider.h"

#if !defined(ORBUS_BENCH_LTTNG_PROVIDER_H) || defined(LTTNG_UST_TRACEPOINT_HEADER_MULTI_READ)
#define ORBUS_BENCH_LTTNG_PROVIDER_H

#include <lttng/tracepoint.h>

/* clang-format off */
LTTNG_UST_TRACEPOINT_EVENT(orbus_bench, sample,
	LTTNG_UST_TP_ARGS(const char *, model, double, response, double, ttft, int, prompt, int, completion,
		double, cost),
	LTTNG_UST_TP_FIELDS(
		lttng_ust_field_string(status, "ok")
		lttng_ust_field_string(bot, "acore")
		lttng_ust_field_string(model, model)
		lttng_ust_field_float(double, response_ms, response)
		lttng_ust_field_float(double, ttft_ms, ttft)
		lttng_ust_field_integer(int, prompt_tokens, prompt)
		lttng_ust_field_integer(int, completion_tokens, completion)
		lttng_ust_field_float(double, cost_usd, cost)
	)
)
/* clang-format on */

#endif

#include <lttng/tracepoint-event.h>
