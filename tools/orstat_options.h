/*
 * orstat_options.h: orstat's options as they were given.
 */
#ifndef ORBUS_ORSTAT_OPTIONS_H
#define ORBUS_ORSTAT_OPTIONS_H

#include "programs.h"

#include <stdbool.h>

/* In the order of the option's choices. */
enum orstat_window { STAT_1M, STAT_5M, STAT_1H, STAT_DAY, STAT_START };

struct orstat_settings {
	const char *bus;
	int window;        /* enum orstat_window */
	int by;            /* index in model|bot|provider */
	uint64_t watch_ns; /* interval of the live screen; 0: none is wanted */
	bool json;
	bool check;
};

#endif
