/*
 * options.h: orstat's options as they were given.
 */
#ifndef ORBUS_ORSTAT_OPTIONS_H
#define ORBUS_ORSTAT_OPTIONS_H

#include "base/options.h"
#include "base/programs.h"

#include <stdbool.h>

struct orstat_settings {
	const char *bus;
	int window;        /* enum statistics_window, in the order of the choices */
	int by;            /* enum dimension, in the order of the choices */
	uint64_t watch_ns; /* interval of the live screen; 0: none is wanted */
	bool json;
	bool advise;
	bool check;
	struct cli_list warning, critical; /* NAME=RANGE */
	uint64_t min_requests;
};

#endif
