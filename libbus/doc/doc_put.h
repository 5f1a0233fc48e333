/*
 * doc_put.h: what schema.def writes by functions of their own.
 */
#ifndef ORBUS_DOC_DOC_PUT_H
#define ORBUS_DOC_DOC_PUT_H

#include "doc_write.h"

doc_put_fn put_mean, put_quantile, put_tokens_by_model, put_in_flight, put_failed, put_error_rate,
    put_bucket_offset, put_buckets, put_scale, put_each, put_object, put_text, put_error_types,
    put_recent_errors, put_message_error_rate, put_distinct, put_count_of_key, put_cache_stats,
    put_service_metrics, put_counts, put_counts_rest, put_sketch, put_gauges, put_period,
    put_period_kind, put_trends, put_hours, put_lifetime, put_since, put_uptime, put_uptime_text,
    put_saved_at, put_version, put_breakdown, put_lifetime_breakdown, put_by_tag, put_bots,
    put_bot_connected, put_bot_since, put_bot_uptime, put_bot_last_seen, put_bot_last_request,
    put_minutes, put_minute_histogram, put_some;

#endif
