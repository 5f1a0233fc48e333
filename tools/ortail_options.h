/*
 * ortail_options.h: ortail's options as they were given.
 */
#ifndef ORBUS_ORTAIL_OPTIONS_H
#define ORBUS_ORTAIL_OPTIONS_H

#include "programs.h"

#include <stdbool.h>

/* In the order of the option's choices. */
enum ortail_format { FORMAT_LOG, FORMAT_JSON, FORMAT_CSV, FORMAT_TABLE };

struct ortail_settings {
	const char *bus;
	uint64_t last; /* UINT64_MAX: not given */
	const char *since, *until, *data_dir;
	bool no_follow;
	bool json;
	int format; /* enum ortail_format */
	const char *model, *bot, *provider;
	int status;    /* enum orbus_status, -1: any */
	double min_ms; /* NaN: any */
	int kind;      /* enum orbus_kind, or KIND_ALL */
};

#define KIND_ALL 4

#endif
