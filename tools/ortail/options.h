/*
 * options.h: ortail's options as they were given.
 */
#ifndef ORBUS_ORTAIL_OPTIONS_H
#define ORBUS_ORTAIL_OPTIONS_H

#include "base/programs.h"

#include <stdbool.h>

#define ORTAIL_FORMATS "log|json|csv|table|none"

/* In the order of ORTAIL_FORMATS; a template is none of them. */
enum ortail_format {
	FORMAT_LOG,
	FORMAT_JSON,
	FORMAT_CSV,
	FORMAT_TABLE,
	FORMAT_NONE,
	FORMAT_TEMPLATE
};

struct ortail_settings {
	const char *bus;
	uint64_t last; /* UINT64_MAX: not given */
	const char *since, *until, *data_dir;
	bool no_follow;
	bool json;
	const char *format; /* one of ORTAIL_FORMATS, or a template */
	bool group;
	bool timestamps;
	bool quiet;
	struct cli_list highlight;
	uint64_t stats_every_ns; /* 0: never */
	struct cli_list where, exclude;
	const char *model, *bot, *provider;
	int status;     /* enum orbus_status, -1: any */
	double min_ms;  /* NaN: any */
	int kind;       /* enum orbus_kind, or KIND_ALL */
	int log_target; /* enum log_target, -1: standard output */
	bool wait;
};

#define KIND_ALL 5

#endif
