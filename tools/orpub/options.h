/*
 * options.h: orpub's options as they were given. Fields of a sample are kept as text and
 * figures of their own types, absent as in struct orbus_sample.
 */
#ifndef ORBUS_ORPUB_OPTIONS_H
#define ORBUS_ORPUB_OPTIONS_H

#include "base/programs.h"
#include "orbus.h"

struct orpub_settings {
	const char *bus;
	bool json_lines;
	const char *ts;
	int kind;   /* index in request|begin */
	int status; /* index in ok|error|timeout|cancelled */
	struct cli_list tags, gauges, counts;
	struct orbus_sample sample; /* every other field */
};

#endif
