/*
 * options.h: orreport's options as they were given.
 */
#ifndef ORBUS_ORREPORT_OPTIONS_H
#define ORBUS_ORREPORT_OPTIONS_H

#include "base/programs.h"

#include <stdbool.h>

/* In the order of the options' choices. */
enum report_per { PER_HOUR, PER_DAY, PER_FITTING };
enum report_by { BY_MODEL, BY_BOT, BY_PROVIDER, BY_NOTHING };
enum report_format { REPORT_TABLE, REPORT_CSV, REPORT_JSON, REPORT_HTML };
enum report_group {
	GROUP_STREAM,
	GROUP_MODEL,
	GROUP_BOT,
	GROUP_PROVIDER,
	GROUP_STATUS,
	GROUP_ERROR_TYPE,
	GROUP_FINISH_REASON,
	GROUP_NOTHING
};

struct orreport_settings {
	const char *bus; /* whose board names the folder where `data_dir` is NULL */
	const char *data_dir;
	uint64_t days; /* 0: not given */
	const char *from, *to;
	const char *compare, *with; /* two periods, or `compare` is "A..B" and `with` NULL */
	int per;                    /* enum report_per */
	int by;                     /* enum report_by */
	int format;                 /* enum report_format */
	int group_by;               /* enum report_group */
	uint64_t slowest;           /* 0: not given */
	const char *svg;
	bool json;
	bool utc;
};

#define REPORT_DAYS_PRESET 7

#endif
