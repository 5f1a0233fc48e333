/*
 * orreport_ask.h: what a report is asked for.
 */
#ifndef ORBUS_ORREPORT_ASK_H
#define ORBUS_ORREPORT_ASK_H

#include "orreport_options.h"
#include "orreport_time.h"

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
