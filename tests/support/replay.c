/*
 * replay.c: plays a workload through several bot processes, for the demo and the tests.
 *
 *   replay [--bots N] [--speed X] [--keep-ts] BUS < workload.csv
 *
 * The workload has a line a request: TIMESTAMP,ContextTokens,GeneratedTokens, after a header.
 * Request i (from 0) goes to bot i % N, and to model (i / N) % 4. A workload has no durations;
 * they come from this formula, the same for every run:
 *
 *   ttft_ms     = base_ms + prompt_tokens * prefill_ms
 *   response_ms = ttft_ms + completion_tokens * 1000 / decode_tps
 *
 * with the constants below. Two of three requests are streamed; every 97th fails with
 * rate_limited; every 151st times out after 180 s. With --speed 0 (the default) everything is
 * published at once, else X times as fast as it arrived. With --keep-ts a request ended at its own
 * time of arrival plus its duration, else when it is published.
 */
#include "orbus.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const struct model {
	const char *name, *provider;
	double base_ms, prefill_ms, decode_tps, usd_per_1k_prompt, usd_per_1k_completion;
} models[] = {
    {"openai/gpt-4-turbo", "OpenAI", 450, 0.25, 50, 0.01, 0.03},
    {"anthropic/claude-3-opus", "Anthropic", 700, 0.40, 32, 0.015, 0.075},
    {"meta-llama/llama-3-70b-instruct", "DeepInfra", 380, 0.30, 62, 0.0006, 0.0008},
    {"mistralai/mixtral-8x7b-instruct", "Together", 250, 0.15, 88, 0.0006, 0.0006},
};
#define MODELS (sizeof(models) / sizeof(models[0]))

#define ERROR_EVERY   97
#define TIMEOUT_EVERY 151
#define TIMEOUT_MS    180000
#define BOTS_MAX      64

struct request {
	uint64_t arrival_ns;
	uint64_t prompt_tokens, completion_tokens;
};

struct plan {
	const char *bus;
	unsigned bots;
	double speed;
	bool keep_ts;
	struct request *requests;
	size_t count;
};

static bool parse_line(const char *line, struct request *r)
{
	struct tm tm = {0};
	unsigned long prompt, completion;
	char fraction[16] = "";

	if (sscanf(line, "%d-%d-%d %d:%d:%d.%15[0-9],%lu,%lu", &tm.tm_year, &tm.tm_mon, &tm.tm_mday,
		&tm.tm_hour, &tm.tm_min, &tm.tm_sec, fraction, &prompt, &completion) != 9)
		return false;
	while (strlen(fraction) < 9)
		strcat(fraction, "0");
	fraction[9] = '\0';
	tm.tm_year -= 1900;
	tm.tm_mon -= 1;
	r->arrival_ns = (uint64_t)timegm(&tm) * 1000000000u + strtoull(fraction, NULL, 10);
	r->prompt_tokens = prompt;
	r->completion_tokens = completion;
	return true;
}

static bool read_workload(struct plan *plan)
{
	size_t capacity = 0;
	char line[256];

	if (!fgets(line, sizeof(line), stdin))
		return false;
	while (fgets(line, sizeof(line), stdin)) {
		if (plan->count == capacity) {
			struct request *more;

			capacity = capacity ? 2 * capacity : 1024;
			more = realloc(plan->requests, capacity * sizeof(*more));
			if (!more)
				return false;
			plan->requests = more;
		}
		if (!parse_line(line, &plan->requests[plan->count++])) {
			fprintf(
			    stderr, "replay: line %zu is no request: %s", plan->count + 1, line);
			return false;
		}
	}
	return plan->count > 0;
}

static void describe(const struct plan *plan, size_t i, struct orbus_sample *s)
{
	const struct request *r = &plan->requests[i];
	const struct model *m = &models[i / plan->bots % MODELS];

	orbus_sample_init(s);
	s->model = s->requested_model = m->name;
	s->provider = m->provider;
	s->prompt_tokens = r->prompt_tokens;
	s->completion_tokens = r->completion_tokens;
	s->total_tokens = r->prompt_tokens + r->completion_tokens;
	s->stream = i % 3 != 0;
	s->response_ms = m->base_ms + (double)r->prompt_tokens * m->prefill_ms;
	if (s->stream)
		s->ttft_ms = s->response_ms;
	s->response_ms += (double)r->completion_tokens * 1000 / m->decode_tps;
	s->cost_usd = ((double)r->prompt_tokens * m->usd_per_1k_prompt +
			  (double)r->completion_tokens * m->usd_per_1k_completion) /
	              1000;
	if (i % TIMEOUT_EVERY == TIMEOUT_EVERY - 1) {
		s->status = ORBUS_STATUS_TIMEOUT;
		s->error_type = "timeout_total";
		s->response_ms = TIMEOUT_MS;
	} else if (i % ERROR_EVERY == ERROR_EVERY - 1) {
		s->status = ORBUS_STATUS_ERROR;
		s->error_type = "rate_limited";
		s->error_message = "Rate limit exceeded";
		s->http_status = 429;
	}
	if (plan->keep_ts)
		s->ts = r->arrival_ns + (uint64_t)(s->response_ms * 1e6);
}

static void sleep_until(const struct plan *plan, size_t i, const struct timespec *start)
{
	double s = (double)(plan->requests[i].arrival_ns - plan->requests[0].arrival_ns) / 1e9 /
	           plan->speed;
	struct timespec at = *start;

	if (plan->requests[i].arrival_ns < plan->requests[0].arrival_ns)
		return;
	at.tv_sec += (time_t)s;
	at.tv_nsec += (long)((s - (double)(time_t)s) * 1e9);
	if (at.tv_nsec >= 1000000000) {
		at.tv_nsec -= 1000000000;
		at.tv_sec++;
	}
	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL);
}

static int run_bot(const struct plan *plan, unsigned bot)
{
	struct orbus_producer *p;
	struct timespec start;
	char name[16];
	int err;

	snprintf(name, sizeof(name), "bot-%u", bot);
	err = orbus_producer_open(plan->bus, name, &p);
	clock_gettime(CLOCK_MONOTONIC, &start);
	for (size_t i = bot; !err && i < plan->count; i += plan->bots) {
		struct orbus_sample s;

		if (plan->speed > 0)
			sleep_until(plan, i, &start);
		describe(plan, i, &s);
		err = orbus_publish(p, &s);
	}
	if (err)
		fprintf(stderr, "replay: %s: %s\n", name, orbus_strerror(err));
	else
		orbus_producer_close(p);
	return err ? 1 : 0;
}

static int run_bots(const struct plan *plan)
{
	int status, failed = 0;

	for (unsigned bot = 0; bot < plan->bots; bot++) {
		pid_t child = fork();

		if (child == 0)
			_exit(run_bot(plan, bot));
		failed |= child < 0;
	}
	while (wait(&status) > 0)
		failed |= status != 0;
	return failed;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {{"bots", required_argument, NULL, 'n'},
	    {"speed", required_argument, NULL, 's'}, {"keep-ts", no_argument, NULL, 'k'}, {0}};
	struct plan plan = {.bots = 4};
	int option, status;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case 'n': plan.bots = (unsigned)strtoul(optarg, NULL, 10); break;
		case 's': plan.speed = strtod(optarg, NULL); break;
		case 'k': plan.keep_ts = true; break;
		default: return 2;
		}
	}
	if (optind + 1 != argc || plan.bots < 1 || plan.bots > BOTS_MAX || !(plan.speed >= 0)) {
		fputs("usage: replay [--bots N] [--speed X] [--keep-ts] BUS < workload.csv\n",
		    stderr);
		return 2;
	}
	plan.bus = argv[optind];
	if (!read_workload(&plan)) {
		fputs("replay: no workload on standard input\n", stderr);
		return 1;
	}
	status = run_bots(&plan);
	free(plan.requests);
	return status;
}
