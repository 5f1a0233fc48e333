/*
 * journal_hour.h: what time the label in a journal file's name may stand for.
 *
 * The name does not say whether its hour is local or UTC, nor how many hours the file covers
 * (--snapshot-every). So more files are looked into than need be, and never fewer.
 */
#ifndef ORBUS_JOURNAL_HOUR_H
#define ORBUS_JOURNAL_HOUR_H

#include <stdbool.h>
#include <stdint.h>

enum journal_hour {
	JOURNAL_HOUR_NO,        /* in no time zone */
	JOURNAL_HOUR_YES,       /* in UTC or here */
	JOURNAL_HOUR_ELSEWHERE, /* only in some other time zone */
};

/* Whether a file of this label (YYYYMMDDHH) may hold a time with since_ns <= ts < until_ns. */
enum journal_hour journal_hour_may_hold(uint32_t label, uint64_t since_ns, uint64_t until_ns);

/* Whether a time that the file holds fits its label in UTC or here: then the name is in one. */
bool journal_hour_is_known(uint32_t label, uint64_t ts_ns);

#endif
