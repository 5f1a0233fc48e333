/*
 * rows.h: the figures of a report: one row an hour or a day, and all of them together.
 */
#ifndef ORBUS_ORREPORT_ROWS_H
#define ORBUS_ORREPORT_ROWS_H

#include "doc/doc_read.h"
#include "notes.h"
#include "time_range.h"

/*
 * What files without histograms add: those of the system that orbus grew from. Their percentiles,
 * minima and maxima cannot be merged with anything.
 */
struct unmerged {
	uint64_t files;
	uint64_t answered, failed; /* requests */
	uint64_t timed;            /* of the answered, those in sum_ms */
	double sum_ms;
	struct token_sums tokens;
};

struct report_row {
	struct time_span span;
	uint64_t files;      /* that it was read from */
	uint64_t covered_ns; /* of the span, what they cover */
	bool incomplete;     /* one of them was not finished */
	struct aggregate sum;
	struct unmerged unmerged;
};

struct report {
	struct calendar calendar;
	struct time_span span; /* what was asked for, up to now */
	enum period_kind per;
	struct report_row *rows; /* consecutive; from the first with a file to the last */
	size_t count;
	struct report_row total;
	struct report_notes notes;
};

void row_init(struct report_row *row, const struct time_span *span);
void row_free(struct report_row *row);
void report_free(struct report *r);

/* Figures of a row, with what could not be merged wherever they add up. */
uint64_t row_requests(const struct report_row *row);
uint64_t row_failed(const struct report_row *row);
uint64_t row_tokens(const struct report_row *row);
double row_error_rate(const struct report_row *row); /* percent; NaN without requests */
double row_mean_ms(const struct report_row *row);    /* NaN where there is none */
double row_cost(const struct report_row *row);       /* NaN where none was reported */
double row_hours(const struct report_row *row);      /* that its files cover */

/* True if the row's percentiles are not of all its answered requests. */
bool row_lacks_histograms(const struct report_row *row);

/* The table of the aggregate by a dimension; NULL for BY_NOTHING. */
const struct name_table *series_by(const struct aggregate *a, int by);

/* The entries of a series, those with most requests first; free() them. NULL: out of memory. */
const struct name_table_entry **series_sorted(const struct name_table *s);

#endif
