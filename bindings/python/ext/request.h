/*
 * request.h: what orbus.Request is made of, for the files that implement it.
 */
#ifndef ORBUS_PYTHON_REQUEST_H
#define ORBUS_PYTHON_REQUEST_H

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
	unsigned generation;
	bool ended;
	bool judged; /* how it ends has been said: status is in the sample */
};

/* Its attributes: request_fields.c. */
extern PyGetSetDef request_properties[];

#endif
