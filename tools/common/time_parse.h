/*
 * time_parse.h: a point in time as a person types it.
 */
#ifndef ORBUS_COMMON_TIME_PARSE_H
#define ORBUS_COMMON_TIME_PARSE_H

#include <stdint.h>

/* What the options that take one say in their documentation. */
#define MOMENT_FORMS                                                                           \
	"how long ago (_2h_, _30m_, _7d_), a time of today (_14:30_), a day or a time of one " \
	"(_2026-11-24_, _2026-11-24 14:30_), _today_, _yesterday_, _now_, all in local time, " \
	"or RFC 3339 (_2026-11-24T14:30:00Z_). Where clocks go back and show a time twice, a " \
	"beginning is its first pass and an end its last"

/* Which of two is meant where clocks went back and showed a time twice. */
enum moment_use {
	MOMENT_SINCE, /* the first */
	MOMENT_UNTIL, /* the last */
};

/*
 * Reads a moment, as of `now_ns` (ns since the epoch): how long ago ("2h"), a clock time of today
 * ("14:30", "14:30:05"), a date, with a clock time after 'T' or a blank if need be, "today",
 * "yesterday", "now", or RFC 3339; local time but for the last. A day is its first moment. A time
 * that clocks skip is the moment at which they do so; a day that a zone leaves out is none.
 * 0 or -EINVAL.
 */
int time_parse(const char *text, uint64_t now_ns, enum moment_use use, uint64_t *out);

#endif
