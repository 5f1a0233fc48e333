/*
 * objects.h: the structs behind the objects of Python, for the files that share them.
 *
 * They refer to each other (a request to the calls in its block, a call to its request), so they
 * are stated together. The functions of each type are in its own file.
 */
#ifndef ORBUS_PYTHON_EXT_OBJECTS_H
#define ORBUS_PYTHON_EXT_OBJECTS_H

#include "llm/call.h"
#include "state.h"
#include "stats/aggregate.h"

/* Of the requests that ended with ok: what get_performance_stats() tells. */
struct totals {
	uint64_t requests, tokens, first_tokens;
	double last_response_ms, last_tps, last_ttft_ms; /* the last is NaN where there was none */
	double sum_response_ms, sum_ttft_ms;
	char model[128]; /* of the last one */
};

struct producer {
	PyObject_HEAD struct module_state *state;
	struct orbus_producer *handle; /* NULL: closed */
	PyObject *bot, *bus;           /* bus: None means the default */
	PyObject *logger;              /* None: nothing is logged */
	PyObject *weak_references;
	uint64_t dropped;
	int last_error;
	struct totals totals;
	uint64_t summary_start_ns;
	struct aggregate *summary; /* of all that it published; NULL: not kept */
};

/* Texts of the sample that are kept alive here. */
enum kept {
	KEPT_MODEL,
	KEPT_REQUESTED_MODEL,
	KEPT_PROVIDER,
	KEPT_FINISH_REASON,
	KEPT_REQUEST_ID,
	KEPT_ERROR_TYPE,
	KEPT_OPERATION,
	KEPT_ERROR_MESSAGE,
	KEPT_TAGS,
	KEPT_COUNT
};

struct request {
	PyObject_HEAD struct producer *producer;
	struct orbus_request request;
	struct orbus_tag tags[ORBUS_TAGS_MAX];
	PyObject *kept[KEPT_COUNT];
	PyObject *weak_references;
	PyObject
	    *outer; /* what block_var was when the block was entered; NULL: it is not entered */
	struct call *open; /* a call in the block that has not ended; it holds a reference to us */
	struct call *done; /* the last call in the block that has ended; a reference */
	unsigned generation;
	bool ended;
	bool judged; /* how it ends has been said: status is in the sample */
	bool handed; /* a call has taken it over */
};

struct call {
	PyObject_HEAD struct producer *producer;
	struct llm_call call;
	struct orbus_tag tags[ORBUS_TAGS_MAX];
	PyObject *body, *secret, *url, *kept_tags, *kept_id; /* what the call borrows */
	struct llm_call_result result; /* what is known so far of how it ends */
	struct request *within; /* whose block it is in, until it ends; a reference, or NULL */
	unsigned generation;
	bool begun; /* the call holds memory */
	bool ended;
};

#endif
