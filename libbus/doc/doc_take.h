/*
 * doc_take.h: what schema.def reads by functions of their own, and what is judged when all is read.
 */
#ifndef ORBUS_DOC_DOC_TAKE_H
#define ORBUS_DOC_DOC_TAKE_H

#include "doc_reader.h"

/* doc_take_stats.c: the figures of requests. */
doc_take_fn take_histogram, take_bucket_offset, take_buckets, take_failed, take_in_flight,
    take_stats_by_name, take_histograms_by_name, take_combination_text, take_breakdown, take_by_tag,
    take_minutes, take_minute_histogram;

/* doc_take.c: the rest. */
doc_take_fn take_error_type, take_error_message, take_errors_by_type, take_recent_errors,
    take_sketch, take_period, take_period_kind, take_hours, take_hourly_trends, take_shown,
    take_gauges, take_counts, take_counts_rest, take_time_or_null, take_bots, take_bot_gauges;

/* doc_take_board.c: of the board. */
doc_take_fn take_alert_rule, take_alert_state, take_windows, take_lifetime;

/* What a document says of trends, which may be null. */
void doc_read_trends(struct doc_reader *r, const struct doc_object *o);

/* When all is read: the counts of a file that has them only where they are shown. */
void doc_read_counts(struct doc_reader *r);

/* When the period is known: the minutes, which count from its start. */
void doc_read_minutes(struct doc_reader *r);

/*
 * A histogram in three steps: its object is read, judged (it lies within the buckets from `first`
 * to `last`, and its count is that of zeros and buckets), and put into a histogram that is empty.
 */
void doc_histogram_read(
    struct doc_reader *r, const struct doc_field *f, struct histogram_read *read);
bool doc_histogram_adds_up(const struct histogram_read *read, int32_t first, int32_t last);
void doc_histogram_set(
    struct doc_reader *r, const struct histogram_read *read, struct histogram *h);

/* Whether no histogram holds more than was answered. */
bool doc_stats_are_whole(const struct request_stats *f);

/* Whether each name has its figures and its histograms, and they can be of the same requests. */
bool doc_names_are_whole(const struct doc_reader *r);

#endif
