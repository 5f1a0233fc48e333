/*
 * lttng.c: a tracepoint of LTTng-UST with the same fields, in discard mode, to the disk. LTTng
 * stamps it itself, in its own form, without msgpack. The session is the script's.
 */
#define LTTNG_UST_TRACEPOINT_CREATE_PROBES
#define LTTNG_UST_TRACEPOINT_DEFINE
#include "lttng_provider.h"
#include "peer.h"

static void send(void)
{
	lttng_ust_tracepoint(orbus_bench, sample, SAMPLE_MODEL, SAMPLE_RESPONSE, SAMPLE_TTFT,
	    SAMPLE_PROMPT, SAMPLE_COMPLETION, SAMPLE_COST);
}

const struct peer peer_lttng = {"LTTng-UST tracepoint", 0, 0, 0, send, 0, 1000000};
