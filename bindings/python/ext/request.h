/*
 * request.h: what orbus.Request is made of, for the files that implement it, and for the
 * instrumented calls in its block (call.h).
 */
#ifndef ORBUS_PYTHON_EXT_REQUEST_H
#define ORBUS_PYTHON_EXT_REQUEST_H

#include "call.h"
#include "orbus_python.h"

/* Texts of the sample that are kept alive here. */
enum kept {
	KEPT_MODEL,
	KEPT_REQUESTED_MODEL,
	KEPT_PROVIDER,
	KEPT_FINISH_REASON,
	KEPT_REQUEST_ID,
	KEPT_ERROR_TYPE,
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

/* Its attributes: request_fields.c. */
extern PyGetSetDef request_properties[];

/*
 * The request whose block a call of this producer is made in, if it is for the call: a new
 * reference, or NULL. What ended in the block before is published by then, which may leave an
 * exception set that is no Exception.
 */
struct request *request_around(struct producer *p);

#endif
