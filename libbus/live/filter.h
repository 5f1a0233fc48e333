/*
 * filter.h: which samples of a bus are wanted. For ortail and the bindings.
 */
#ifndef ORBUS_LIVE_FILTER_H
#define ORBUS_LIVE_FILTER_H

#include "orbus.h"

#define FILTER_ANY (-1)

struct sample_filter {
	int kind;      /* enum orbus_kind, or FILTER_ANY */
	int status;    /* enum orbus_status, or FILTER_ANY; other than that only requests pass */
	double min_ms; /* response_ms at least; NaN: any */
	/* Shell patterns ("openai/" and a star), NULL: any. `model` is the one that answered, else
	 * the one that was asked for. */
	const char *model, *bot, *provider;
};

bool sample_filter_passes(const struct sample_filter *f, const struct orbus_sample *s);

#endif
