/*
 * orstat_options.h: orstat's options as they were given.
 */
#ifndef ORBUS_ORSTAT_OPTIONS_H
#define ORBUS_ORSTAT_OPTIONS_H

#include "programs.h"

#include <stdbool.h>

struct orstat_settings {
	const char *bus;
	int window; /* enum statistics_window, in the order of the choices */
	int by;     /* index in model|bot|provider */
	bool json;
	bool check;
};

#endif
