/*
 * hour.h: what time the name of a journal's file may stand for.
 *
 * As a rule the name does not say whether its hour is local or UTC, nor how many hours the file
 * covers (--snapshot-every). So more files may be opened than are needed, and never fewer.
 */
#ifndef ORBUS_JOURNAL_HOUR_H
#define ORBUS_JOURNAL_HOUR_H

#include "base/journal_name.h"

#include <stdbool.h>
#include <stdint.h>

enum journal_hour {
	JOURNAL_HOUR_NO,        /* in no time zone */
	JOURNAL_HOUR_YES,       /* in UTC or here */
	JOURNAL_HOUR_ELSEWHERE, /* only in some other time zone */
};

/* Whether a file of this name may hold a time with since_ns <= ts < until_ns. */
enum journal_hour journal_hour_may_hold(
    const struct journal_name *name, uint64_t since_ns, uint64_t until_ns);

/* Whether a time that the file holds fits its label in UTC or here: then the name is in one. */
bool journal_hour_is_known(const struct journal_name *name, uint64_t ts_ns);

#endif
