/*
 * options.h: orreport's options as they were given.
 */
#ifndef ORBUS_ORREPORT_OPTIONS_H
#define ORBUS_ORREPORT_OPTIONS_H

#include "base/programs.h"
#include "stats/dimensions.h"

#include <stdbool.h>

/* In the order of the options' choices. */
enum report_per { PER_HOUR, PER_DAY, PER_FITTING };
enum report_format { REPORT_TABLE, REPORT_CSV, REPORT_JSON, REPORT_HTML };
/* enum dimension, or: */
enum { BY_NOTHING = DIMENSIONS };

/* What requests of the journal are compared by: X(ID, key, heading). */
#define REPORT_GROUPS(X)                        \
	X(STREAM, stream, "STREAM")             \
	X(MODEL, model, "MODEL")                \
	X(BOT, bot, "BOT")                      \
	X(PROVIDER, provider, "PROVIDER")       \
	X(STATUS, status, "STATUS")             \
	X(ERROR_TYPE, error_type, "ERROR TYPE") \
	X(FINISH_REASON, finish_reason, "FINISH REASON")

#define REPORT_GROUP_ENUM(ID, key, heading) GROUP_##ID,
enum report_group { REPORT_GROUPS(REPORT_GROUP_ENUM) GROUP_NOTHING };
#undef REPORT_GROUP_ENUM
#define REPORT_GROUP_CHOICE(ID, key, heading) "|" #key
#define REPORT_GROUP_CHOICES                  (&(REPORT_GROUPS(REPORT_GROUP_CHOICE))[1])

struct orreport_settings {
	const char *bus;           /* whose board names the folder where none is given */
	struct cli_list data_dirs; /* that are added up */
	uint64_t days;             /* 0: not given */
	const char *from, *to;
	const char *compare, *with; /* two periods, or `compare` is "A..B" and `with` NULL */
	int per;                    /* enum report_per */
	int by;                     /* enum dimension, or BY_NOTHING */
	int format;                 /* enum report_format */
	int group_by;               /* enum report_group */
	uint64_t slowest;           /* 0: not given */
	const char *svg;
	bool json;
	bool utc;
};

#define REPORT_DAYS_PRESET 7

#endif
