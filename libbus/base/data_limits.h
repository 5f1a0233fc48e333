/*
 * data_limits.h: how long, how many and how large: every limit of what is written, once.
 *
 * Who writes keeps to these limits and who reads takes all that keeps to them, by the same names:
 * a limit of one side alone is how what was written could not be read. Not here are limits of
 * people's input (a line, a rule, an option), which the program that takes it states.
 *
 * (Its name is not limits.h, which would take the place of the C library's.)
 *
 * Beside these, of a sample: ORBUS_TEXT_MAX, ORBUS_ERROR_MESSAGE_MAX and ORBUS_TAGS_MAX in orbus.h.
 */
#ifndef ORBUS_BASE_DATA_LIMITS_H
#define ORBUS_BASE_DATA_LIMITS_H

#include "orbus.h"

#include <assert.h>
#include <stdint.h>

/* --- The ring ------------------------------------------------------------------------------------
 */

/* Lanes of a ring, at most. */
#define ORBUS_LANES_MAX 4096u

/* --- Numbers ---------------------------------------------------------------------------------- */

/*
 * Counts and sums of counts stay there instead of wrapping: JSON integers are signed 64-bit numbers
 * for jansson, and msgpack and text carry these.
 */
#define COUNT_MAX ((uint64_t)INT64_MAX)

/*
 * Figures stay within plus and minus this: finite, and so far from the largest double that a reader
 * which rounds to 15 digits does not overflow. Sums of them end at EXACT_MAX (stats/exact_sum.h).
 */
#define FIGURE_MAX 1e300

static inline uint64_t count_bound(uint64_t n)
{
	return n > COUNT_MAX ? COUNT_MAX : n;
}

/* A number that was to be a count: 0 where it cannot be one. */
static inline uint64_t count_of(double value)
{
	return value >= 0 && value < 0x1p63 ? (uint64_t)value : 0;
}

/* Of two that are within the bound: their sum then fits, and its highest bit tells. */
static inline uint64_t count_add(uint64_t a, uint64_t b)
{
	uint64_t sum = a + b;

	return sum >> 63 ? COUNT_MAX : sum;
}

/* NaN, which is not known, stays. */
static inline double figure_bound(double value)
{
	return value > FIGURE_MAX ? FIGURE_MAX : value < -FIGURE_MAX ? -FIGURE_MAX : value;
}

/* Values of histograms lie in these buckets: 2^-10 (a microsecond, in ms) to 2^32. */
#define HISTOGRAM_INDEX_MIN (-10 * 32)
#define HISTOGRAM_INDEX_MAX (32 * 32 - 1)
#define HISTOGRAM_BUCKETS   (HISTOGRAM_INDEX_MAX - HISTOGRAM_INDEX_MIN + 1)

/* --- Names and lists -------------------------------------------------------------------------- */

/* Names of models, bots, providers, error types, counts, gauges: each kind so many a period... */
#define NAME_TABLE_MAX 256
/* ...and "(other)". */
#define NAME_TABLE_NAMES_MAX (NAME_TABLE_MAX + 1)

/* Combinations of bot, model, provider and operation, beside "(other)"... */
#define BREAKDOWN_MAX       2048
#define BREAKDOWN_NAMES_MAX (BREAKDOWN_MAX + 1)
/* ...and the buckets of their histograms, from which on no combination gets another one. */
#define BREAKDOWN_BUCKETS_MAX (1u << 20)

#define BOTS_MAX       NAME_TABLE_MAX /* bots that are known at once */
#define BOT_GAUGES_MAX 32             /* gauges of each bot; what comes beyond is "(other)" */

#define TAG_NAMES_MAX 8 /* tags by whose values requests are counted */
/* The buckets of their histograms, from which on no value gets another one. */
#define TAG_BUCKETS_MAX (1u << 19)
/* Minutes of an hour's file: two hours, where the clocks were set back. */
#define MINUTES_MAX 120

#define KMV_SKETCH_MAX    1024 /* hashes of a sketch */
#define RECENT_ERRORS_MAX 20
#define TREND_HOURS       24
/* Rules of an alert file, and so of the board's alerts. */
#define ALERT_RULES_MAX 256

/* --- Documents -------------------------------------------------------------------------------- */

/* Objects and arrays within each other: in documents, the checkpoint and the board. */
#define DOCUMENT_DEPTH_MAX 32

/*
 * The largest file of a period. The largest that samples can make, in bytes of JSON:
 *   - a text takes six bytes for each of its own (a control character is \u00XX), and quotes;
 *   - a name of a model, bot or provider stands in three places, with its figures (four summaries,
 *     tokens, counts: NAMED_BYTES) and with four histograms;
 *   - a bucket's count takes 12 bytes with the ", " behind it, on the average over a dimension, as
 *     long as there are no more than 10^15 requests in a period: all buckets of a dimension,
 *     4 * 257 * 1,344, share these, and log10(10^15 / 1,381,632) + 1 is below 10;
 *   - a combination has four texts, a value of a tag and its tag two, each with its figures; their
 *     buckets are limited together (the last that come may go beyond that by four histograms of a
 *     combination, and "(other)" takes more);
 *   - a gauge of a bot has a text, a minute at most three histograms of a quarter of the buckets;
 *   - of other names, each has two texts (a count also as a cache) and OTHER_NAMED_BYTES;
 *   - what is left (the summaries of all, the lifetime's, hours, sketches) is below REST_BYTES.
 * tests/unit/doc/test_roundtrip.c makes that document. Beyond it the writer refuses: the period
 * stays in the checkpoint.
 */
#define DOCUMENT_BYTES_MAX (128u << 20)

#define LIMITS_TEXT_BYTES        (6u * ORBUS_TEXT_MAX + 4)
#define LIMITS_BUCKET_BYTES      12u
#define LIMITS_NAMED_BYTES       4096u
#define LIMITS_OTHER_NAMED_BYTES 512u
#define LIMITS_REST_BYTES        (1u << 20)
static_assert(
    3u * NAME_TABLE_NAMES_MAX *
		(4 * HISTOGRAM_BUCKETS * LIMITS_BUCKET_BYTES + 3 * LIMITS_TEXT_BYTES +
		    LIMITS_NAMED_BYTES) +
	    (BREAKDOWN_BUCKETS_MAX + TAG_BUCKETS_MAX +
		(2u + TAG_NAMES_MAX + 1) * 4 * HISTOGRAM_BUCKETS) *
		LIMITS_BUCKET_BYTES +
	    BREAKDOWN_NAMES_MAX * (4 * LIMITS_TEXT_BYTES + LIMITS_NAMED_BYTES / 2) +
	    TAG_NAMES_MAX * NAME_TABLE_NAMES_MAX * (LIMITS_TEXT_BYTES + LIMITS_NAMED_BYTES) +
	    NAME_TABLE_NAMES_MAX * (BOT_GAUGES_MAX + 2) *
		(LIMITS_TEXT_BYTES + LIMITS_OTHER_NAMED_BYTES) +
	    MINUTES_MAX * (3 * HISTOGRAM_BUCKETS / 4 * LIMITS_BUCKET_BYTES + LIMITS_NAMED_BYTES) +
	    /* error types and counts, each twice with the lifetime's; gauges; caches */
	    6u * NAME_TABLE_NAMES_MAX * (2 * LIMITS_TEXT_BYTES + LIMITS_OTHER_NAMED_BYTES) +
	    RECENT_ERRORS_MAX * 3 * LIMITS_TEXT_BYTES + LIMITS_REST_BYTES <
	DOCUMENT_BYTES_MAX,
    "every period can be written to a file that is read");

/*
 * The largest document of the board: five windows and the lifetime, which have no histograms by
 * name of one dimension and, being msgpack, no escapes; a bucket's count takes nine bytes at most.
 */
#define BOARD_BYTES_MAX (160u << 20)
static_assert(
    6 * (3u * NAME_TABLE_NAMES_MAX * (2 * ORBUS_TEXT_MAX + LIMITS_NAMED_BYTES / 4) +
	    6u * NAME_TABLE_NAMES_MAX * (2 * ORBUS_TEXT_MAX + LIMITS_OTHER_NAMED_BYTES / 2) +
	    RECENT_ERRORS_MAX * 3 * ORBUS_TEXT_MAX +
	    (BREAKDOWN_BUCKETS_MAX + (2u + 2) * 4 * HISTOGRAM_BUCKETS) * 9 +
	    BREAKDOWN_NAMES_MAX * (4 * ORBUS_TEXT_MAX + LIMITS_NAMED_BYTES / 4) +
	    TAG_NAMES_MAX * NAME_TABLE_NAMES_MAX * (ORBUS_TEXT_MAX + LIMITS_NAMED_BYTES / 4) +
	    2 * BOTS_MAX * (BOT_GAUGES_MAX + 2) * (ORBUS_TEXT_MAX + LIMITS_OTHER_NAMED_BYTES / 2)) <
	BOARD_BYTES_MAX - LIMITS_REST_BYTES,
    "every board can be published");

#endif
