/*
 * journal_name.h: the names of the journal's files.
 *
 *   requests_YYYYMMDD_HH.ndjson        the requests of an hour, a JSON object a line
 *   requests_YYYYMMDD_HH-0500.ndjson   of another hour of that label (calendar_label.h)
 *   requests_YYYYMMDD_HH.1.ndjson      those that came after the hour was compressed; then 2, ...
 *   ....ndjson.zst                     either, compressed: where both are there, this one counts
 */
#ifndef ORBUS_BASE_JOURNAL_NAME_H
#define ORBUS_BASE_JOURNAL_NAME_H

#include <stdbool.h>
#include <stdint.h>

#define JOURNAL_NAME_BYTES 48
#define JOURNAL_PARTS_MAX  100000u

struct journal_name {
	uint32_t label; /* YYYYMMDDHH of the hour's start, as the wall clock showed it */
	uint32_t mark;  /* of the label, calendar_label.h */
	uint32_t part;  /* 0, and for what came late 1 to JOURNAL_PARTS_MAX - 1 */
	bool compressed;
};

void journal_name_format(const struct journal_name *n, char out[JOURNAL_NAME_BYTES]);

/* False: `text` is not exactly such a name, or the day that it names does not exist. */
bool journal_name_parse(const char *text, struct journal_name *out);

/* By label, mark and part: below 0, 0 or above. */
int journal_name_compare(const struct journal_name *a, const struct journal_name *b);

#endif
