/*
 * query.h: what a report is asked for.
 */
#ifndef ORBUS_ORREPORT_QUERY_H
#define ORBUS_ORREPORT_QUERY_H

#include "options.h"
#include "time_range.h"

struct report_ask {
	struct orreport_settings settings;
	struct calendar calendar;
	struct time_span span; /* of --compare, the first period */
	struct time_span with; /* the second */
	enum period_kind per;
	uint64_t now_ns;
};

/* Reads the command line; CLI_PROCEED, or the status to exit with, after a message. */
int ask_read(int argc, char **argv, struct report_ask *out);

#endif
