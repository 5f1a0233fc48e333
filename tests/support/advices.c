/*
 * advices.c: which model advice names as faster, of models whose requests are drawn, for tests that
 * draw thousands of them.
 *
 * Standard input: cases, each the number of models as uint64, then of each its number of values as
 * uint64 and the values as doubles. A value is a response time and a time to first token in ms,
 * of an answer of 40 tokens. Standard output: a line a case, of the first model "-" or
 * the number of the model that is named, for response times, first tokens and tokens per second.
 * With --thresholds, which rules speak: tell_thresholds().
 */
#include "common/advice/advice.h"
#include "doc/snapshot_read.h"
#include "settled.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VALUES_MAX 100000
#define MODELS_MAX 100
#define TOKENS     40

static void add(struct aggregate *sum, const char *model, double ms)
{
	struct orbus_sample s;

	orbus_sample_init(&s);
	s.ts = 1764000000000000000u;
	s.bot = "bot";
	s.model = model;
	s.stream = true;
	s.response_ms = ms;
	s.ttft_ms = ms;
	s.completion_tokens = TOKENS;
	s.cost_usd = 0.001;
	if (!aggregate_add_settled(sum, &s))
		exit(EXIT_FAILURE);
}

static bool read_case(struct aggregate *sum)
{
	static double values[VALUES_MAX];
	uint64_t models, n;
	char name[32];

	if (fread(&models, sizeof(models), 1, stdin) != 1 || models > MODELS_MAX)
		return false;
	for (uint64_t m = 0; m < models; m++) {
		snprintf(name, sizeof(name), "m%" PRIu64, m);
		if (fread(&n, sizeof(n), 1, stdin) != 1 || n > VALUES_MAX ||
		    fread(values, sizeof(*values), n, stdin) != n)
			return false;
		for (uint64_t i = 0; i < n; i++)
			add(sum, name, values[i]);
	}
	return true;
}

/* The model that the finding about the first one names. */
static void print_named(const struct advice *a, const char *rule)
{
	for (size_t i = 0; i < a->count; i++) {
		const struct advice_finding *f = &a->findings[i];
		const char *name = strstr(f->evidence, "; m");

		if (strcmp(f->rule, rule) != 0 || !f->subject || strcmp(f->subject, "m0") != 0)
			continue;
		if (name)
			printf("%ld ", strtol(name + 3, NULL, 10));
		else
			printf("- ");
		return;
	}
	printf("- ");
}

static void fail(struct aggregate *sum, uint64_t n, enum orbus_status status, const char *type)
{
	struct orbus_sample s;

	orbus_sample_init(&s);
	s.ts = 1764000000000000000u;
	s.bot = "bot";
	s.model = "m0";
	s.status = status;
	s.error_type = type;
	for (uint64_t i = 0; i < n; i++)
		if (!aggregate_add_settled(sum, &s))
			exit(EXIT_FAILURE);
}

static int severity_of(const struct advice *a, const char *rule)
{
	for (size_t i = 0; i < a->count; i++)
		if (strcmp(a->findings[i].rule, rule) == 0)
			return 1 + (int)a->findings[i].severity;
	return 0;
}

/*
 * Standard input: cases, each the numbers of answers, timeouts, rate limits and errors as uint64,
 * then the answers' times. Standard output: the severity of four rules, 0: silent, 1: info, ...
 */
static int tell_thresholds(void)
{
	static const char *const rules[] = {"slow_responses", "timeouts", "rate_limited", "errors"};
	static double values[VALUES_MAX];
	uint64_t counts[4];

	while (fread(counts, sizeof(counts), 1, stdin) == 1) {
		struct aggregate sum;
		struct snapshot *snapshot;
		struct advice advice;

		aggregate_init(&sum);
		if (counts[0] > VALUES_MAX ||
		    fread(values, sizeof(*values), counts[0], stdin) != counts[0])
			return EXIT_FAILURE;
		for (uint64_t i = 0; i < counts[0]; i++)
			add(&sum, "m0", values[i]);
		fail(&sum, counts[1], ORBUS_STATUS_TIMEOUT, "timeout_idle");
		fail(&sum, counts[2], ORBUS_STATUS_ERROR, "rate_limited");
		fail(&sum, counts[3], ORBUS_STATUS_ERROR, "server_error");
		if (snapshot_from_aggregate(&sum, 0, &snapshot) < 0 ||
		    advice_make(snapshot, "today", &advice) < 0)
			return EXIT_FAILURE;
		for (int i = 0; i < 4; i++)
			printf("%d ", severity_of(&advice, rules[i]));
		putchar('\n');
		advice_free(&advice);
		snapshot_unref(snapshot);
		aggregate_free(&sum);
	}
	return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	struct aggregate sum;

	if (argc > 1 && strcmp(argv[1], "--thresholds") == 0)
		return tell_thresholds();

	for (aggregate_init(&sum); read_case(&sum); aggregate_init(&sum)) {
		struct snapshot *snapshot;
		struct advice advice;

		if (snapshot_from_aggregate(&sum, 0, &snapshot) < 0 ||
		    advice_make(snapshot, "today", &advice) < 0)
			return EXIT_FAILURE;
		print_named(&advice, "slow_responses");
		print_named(&advice, "slow_first_token");
		print_named(&advice, "low_tps");
		putchar('\n');
		advice_free(&advice);
		snapshot_unref(snapshot);
		aggregate_free(&sum);
	}
	return EXIT_SUCCESS;
}
