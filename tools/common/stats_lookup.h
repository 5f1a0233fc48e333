/*
 * stats_lookup.h: figures of a statistics document, by key, whatever the document holds.
 */
#ifndef ORBUS_COMMON_STATS_LOOKUP_H
#define ORBUS_COMMON_STATS_LOOKUP_H

#include <jansson.h>
#include <stdint.h>

/* The number at a path of one key or two (`second` may be NULL); NaN where there is none. */
double number_at(const json_t *o, const char *first, const char *second);

/* The same as a count: 0 where there is none, or it is no count. */
uint64_t count_at(const json_t *o, const char *first, const char *second);

/*
 * Requests of a document that failed (errors, timeouts, orphans), and their share of all requests
 * in percent, NaN without requests. This is the error rate that people, monitors and alerts are
 * told: `errors.error_rate` is a rate per processed message, where a bot counts those. Documents
 * without these keys, of earlier versions and of the system before orbus, are computed.
 */
uint64_t failed_requests(const json_t *document);
double error_rate(const json_t *document);

#endif
