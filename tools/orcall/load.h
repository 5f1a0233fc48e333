/*
 * load.h: a number of requests, some at a time, each measured and tried again as told.
 */
#ifndef ORBUS_ORCALL_LOAD_H
#define ORBUS_ORCALL_LOAD_H

#include "orbus.h"
#include "request.h"

#include <orbus_curl.h>

struct orcall_load {
	const struct orcall_settings *settings;
	const struct orcall_request *request;
	struct orbus_producer *producer;
	void *context;
	/* A piece of an answer; may be NULL. */
	void (*text)(void *context, const char *piece, size_t length);
	/* True once a failed request may not be tried again, since its answer was shown in part. */
	bool (*is_shown)(void *context);
	/* A try has come to an end; `wait_s` >= 0: another follows after so long, < 0: it was the
	 * last. */
	void (*ended)(
	    void *context, const char *model, const struct orbus_sample *s, double wait_s);
	/* How far it has come; called often. */
	void (*progress)(void *context, size_t done, size_t in_flight, size_t total);
	/* True: the rest is cancelled. */
	bool (*is_stopped)(void *context);
};

/* Carries them all out. 0, or -ENOMEM. */
int orcall_load_run(const struct orcall_load *load);

#endif
