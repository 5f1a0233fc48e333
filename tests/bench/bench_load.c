/*
 * bench_load.c: bots that publish at a given rate, for measuring the readers.
 *
 *   bench_load BUS PRODUCERS RATE SECONDS [MODELS BOTS [PAST]]
 *
 * RATE is of each producer, samples a second; samples come in bursts of a millisecond's where that
 * is more than one. RATE 0: as many samples as SECONDS says, at once. The samples name MODELS
 * models (3) and BOTS bots (1) in turn, and are of the last PAST seconds (0: of now). Prints a line
 * of JSON: how many were published by all, and what single publishes cost at the median and at p99.
 */
#include <orbus.h>

#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PRODUCERS_MAX 256
#define TICK_NS       1000000u
#define SINGLES       60000

/* Shared with the producers. */
static struct load {
	_Atomic uint64_t published;
	_Atomic uint32_t open; /* producers that have their lanes */
	_Atomic uint32_t singles;
	double single_ns[SINGLES];
} * load;

struct plan {
	const char *bus;
	double rate, seconds;
	unsigned producers;
	unsigned models, bots, past_seconds;
};

static uint64_t now_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static int publish(struct orbus_producer *p, const struct plan *plan, uint64_t number)
{
	struct orbus_sample s;
	char model[32], bot[32];

	snprintf(
	    model, sizeof(model), "acme/model-%llu", (unsigned long long)number % plan->models);
	snprintf(bot, sizeof(bot), "bot-%llu", (unsigned long long)number / 7 % plan->bots);
	orbus_sample_init(&s);
	if (plan->past_seconds)
		s.ts = now_ns(CLOCK_REALTIME) - number * 7 % plan->past_seconds * 1000000000u;
	s.model = model;
	s.bot = bot;
	s.provider = "Acme";
	s.stream = true;
	s.http_status = 200;
	s.response_ms = 500 + (double)(number * 7919 % 20000);
	s.ttft_ms = 100 + (double)(number * 104729 % 900);
	s.prompt_tokens = 225;
	s.completion_tokens = 287;
	s.cost_usd = 0.00042;
	return orbus_publish(p, &s);
}

static void publish_timed(struct orbus_producer *p, const struct plan *plan, uint64_t number)
{
	uint64_t start = now_ns(CLOCK_MONOTONIC);
	uint32_t at;

	publish(p, plan, number);
	at = load->singles++;
	if (at < SINGLES)
		load->single_ns[at] = (double)(now_ns(CLOCK_MONOTONIC) - start);
}

static void produce(const struct plan *plan, unsigned me)
{
	struct orbus_producer *p;
	uint64_t start, n = 0, ticks = 0;
	struct timespec at;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (orbus_producer_open(plan->bus, "load", &p) != 0)
		_exit(1);
	/* All together, else one might take the lane of another that is done already. */
	for (load->open++; load->open < plan->producers;)
		usleep(100);
	start = now_ns(CLOCK_MONOTONIC);
	if (plan->rate == 0)
		for (; n < plan->seconds; n++)
			publish(p, plan, me + n);
	while (plan->rate > 0) {
		uint64_t due = start + ++ticks * TICK_NS;
		double wanted = (double)ticks * TICK_NS / 1e9 * plan->rate;

		if (wanted > plan->seconds * plan->rate)
			break;
		at = (struct timespec){(time_t)(due / 1000000000u), (long)(due % 1000000000u)};
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL);
		for (; (double)n + 1 <= wanted; n++)
			if (plan->rate <= 1000)
				publish_timed(p, plan, me + n);
			else
				publish(p, plan, me + n);
	}
	load->published += n;
	_exit(0);
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void report(void)
{
	uint32_t singles = load->singles < SINGLES ? load->singles : SINGLES;

	printf("{\"published\": %llu", (unsigned long long)load->published);
	if (singles > 0) {
		qsort(load->single_ns, singles, sizeof(double), compare);
		printf(", \"p50_ns\": %.0f, \"p99_ns\": %.0f", load->single_ns[singles / 2],
		    load->single_ns[singles / 100 * 99]);
	}
	puts("}");
}

int main(int argc, char **argv)
{
	struct plan plan = {.models = 3, .bots = 1};
	int producers = argc > 4 ? atoi(argv[2]) : 0, failed = 0, status;

	if (producers < 1 || producers > PRODUCERS_MAX || argc == 6 || argc > 8) {
		fprintf(
		    stderr, "usage: bench_load BUS PRODUCERS RATE SECONDS [MODELS BOTS [PAST]]\n");
		return 2;
	}
	plan.bus = argv[1];
	plan.producers = (unsigned)producers;
	plan.rate = atof(argv[3]);
	plan.seconds = atof(argv[4]);
	if (argc > 6) {
		plan.models = (unsigned)atoi(argv[5]);
		plan.bots = (unsigned)atoi(argv[6]);
		plan.past_seconds = argc > 7 ? (unsigned)atoi(argv[7]) : 0;
	}
	load = mmap(NULL, sizeof(*load), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (load == MAP_FAILED || plan.models == 0 || plan.bots == 0)
		return EXIT_FAILURE;
	for (int i = 0; i < producers; i++)
		if (fork() == 0)
			produce(&plan, (unsigned)i);
	while (wait(&status) > 0)
		failed += status != 0;
	report();
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
