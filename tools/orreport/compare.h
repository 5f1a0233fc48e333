/*
 * compare.h: two periods, figure by figure: what changed, which way, by how much, and
 * whether it means anything (significance.h).
 */
#ifndef ORBUS_ORREPORT_COMPARE_H
#define ORBUS_ORREPORT_COMPARE_H

#include "common/print.h"
#include "rows.h"

enum verdict {
	VERDICT_COUNTED, /* nothing to test: all of it was counted */
	VERDICT_TOO_FEW, /* the samples are too small to tell */
	VERDICT_UNCLEAR, /* chance may do as much, or the histograms' error may */
	VERDICT_BETTER,
	VERDICT_WORSE,
	VERDICT_CHANGED, /* certainly, and neither better nor worse */
	VERDICT_SILENT,  /* counted: there were requests, and there is none */
	VERDICT_NEW,     /* the other way round */
};

enum unit { UNIT_COUNT, UNIT_PERCENT, UNIT_MS, UNIT_TPS, UNIT_USD, UNIT_PER_HOUR };

struct comparison {
	const char *key;  /* "response_times.p95": for programs */
	const char *name; /* "Response p95": for people */
	enum unit unit;
	double a, b;   /* NaN: unknown */
	double change; /* b / a - 1; of percentages b - a, in points; NaN where it cannot be told */
	double z;      /* of the test; NaN where there was none */
	enum verdict verdict;
};

#define COMPARISONS_MAX 20

/* Compares two rows; returns the number of comparisons, at most COMPARISONS_MAX. */
size_t compare_rows(
    const struct report_row *a, const struct report_row *b, struct comparison out[COMPARISONS_MAX]);

/* The same for one model, bot or provider, which has fewer figures. */
size_t compare_stats(const struct request_stats *a, const struct request_stats *b,
    struct comparison out[COMPARISONS_MAX]);

/* "better", "too few", ... and its colour */
const char *verdict_name(enum verdict v);
enum tone verdict_tone(enum verdict v);

/* Both values and the change as a person reads them, each in 64 bytes. */
void comparison_format(const struct comparison *c, char a[64], char b[64], char change[64]);

typedef void (*compare_name)(
    void *context, const char *name, const struct request_stats *a, const struct request_stats *b);

/* Calls for each name of either period: those of the second first. False: out of memory. */
bool compare_each_name(
    const struct report *a, const struct report *b, int by, compare_name call, void *context);

/* For people, in 80 columns; with `by`, one name after another. */
void compare_print(FILE *out, const struct report *a, const struct report *b, int by, bool colour);
void compare_print_csv(FILE *out, const struct report *a, const struct report *b, int by);
/* NULL: out of memory. */
json_t *compare_to_json(const struct report *a, const struct report *b, int by);

#endif
