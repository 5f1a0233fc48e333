/*
 * time_range.h: stretches of time as a person names them, and the hours or days they consist of.
 */
#ifndef ORBUS_ORREPORT_TIME_RANGE_H
#define ORBUS_ORREPORT_TIME_RANGE_H

#include "base/calendar.h"

#include <stddef.h>

/* A stretch of time, [start, end). */
struct time_span {
	uint64_t start_ns, end_ns;
};

/*
 * The period that `text` names: today, yesterday, this-week, last-week (Monday to Sunday),
 * this-month, last-month; 2026-11-20, 2026-11-20T13 (an hour), 2026-W47 (an ISO 8601 week), 2026-11
 * (a month); or FIRST/LAST, from the start of the one to the end of the other. 0 or -EINVAL.
 */
int time_parse_period(
    const struct calendar *c, uint64_t now_ns, const char *text, struct time_span *out);

/*
 * The same, and moments as of common/time_parse.h: "36h" ago, "now", "14:30" of today, RFC 3339. A
 * moment lies in its hour, which is what *out is. Clock times are local: with a calendar of UTC
 * they are refused.
 */
int time_parse_when(
    const struct calendar *c, uint64_t now_ns, const char *text, struct time_span *out);

/* The last `days` days, today included. */
void time_last_days(
    const struct calendar *c, uint64_t now_ns, uint64_t days, struct time_span *out);

/*
 * The stretch before a span that is as long: so many days where it is of whole days. Of a span that
 * is not over yet, just as much of the stretch as has passed of it, in whole hours.
 */
struct time_span time_span_before(
    const struct calendar *c, const struct time_span *span, uint64_t now_ns);

/* "2026-11-20", "2026-11-20 13:00", "2026-11-20 to 2026-11-22": what a span is called. */
#define TIME_NAME_BYTES 64
void time_name(const struct calendar *c, const struct time_span *span, char out[TIME_NAME_BYTES]);

/* "Fri 2026-11-20", or "Fri 11-20 13:00" for an hour: what a line of a trend is called. */
void time_label(
    const struct calendar *c, enum period_kind kind, uint64_t ns, char out[TIME_NAME_BYTES]);

#endif
