/*
 * verdicts.c: what orreport --compare says of pairs of samples, for tests that draw thousands of
 * them.
 *
 * Standard input: pairs, each the counts n_a, n_b, failed_a, failed_b as four uint64, then n_a and
 * n_b doubles, the response times in ms of the requests that were ok. Standard output: a line a
 * pair, of each figure named in `keys` its verdict, change and z.
 */
#include "orreport/compare.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REQUESTS_MAX 100000

static const char *const keys[] = {"response_times.avg", "response_times.p50", "response_times.p95",
    "response_times.p99", "error_rate"};

static bool read_sample(uint64_t n, uint64_t failed, struct request_stats *f)
{
	static double values[REQUESTS_MAX];

	if (n > REQUESTS_MAX || fread(values, sizeof(*values), n, stdin) != n)
		return false;
	f->total = n + failed;
	f->ok = n;
	f->errors = failed;
	for (uint64_t i = 0; i < n; i++)
		if (!histogram_add(&f->response_ms, values[i]))
			return false;
	return true;
}

static void print_verdicts(const struct request_stats *a, const struct request_stats *b)
{
	struct comparison list[COMPARISONS_MAX];
	size_t n = compare_stats(a, b, list);

	for (size_t key = 0; key < sizeof(keys) / sizeof(keys[0]); key++)
		for (size_t i = 0; i < n; i++)
			if (strcmp(list[i].key, keys[key]) == 0)
				printf("%s,%.17g,%.17g;", verdict_name(list[i].verdict),
				    list[i].change, list[i].z);
	putchar('\n');
}

int main(void)
{
	uint64_t counts[4];

	while (fread(counts, sizeof(counts), 1, stdin) == 1) {
		struct aggregate a, b;

		aggregate_init(&a);
		aggregate_init(&b);
		if (!read_sample(counts[0], counts[2], &a.requests) ||
		    !read_sample(counts[1], counts[3], &b.requests))
			return EXIT_FAILURE;
		print_verdicts(&a.requests, &b.requests);
		aggregate_free(&a);
		aggregate_free(&b);
	}
	return EXIT_SUCCESS;
}
