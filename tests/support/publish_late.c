/*
 * publish_late.c: a bot whose requests ended long ago, for tests and benchmarks.
 *
 *   publish_late BUS SAMPLES RATE HOURS MODELS OTHERS
 *
 * Publishes SAMPLES requests, RATE a second (0: as fast as it goes), each at a random moment of one
 * of the HOURS that have ended before this one (0: now), of random ones of MODELS models, OTHERS
 * bots and OTHERS providers. Runs until it is done; the same arguments give the same names and
 * times.
 */
#include "base/clock.h"
#include "orbus.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define HOUR_NS (3600 * NS_PER_SECOND)

static unsigned pick(unsigned *seed, unsigned n)
{
	return (unsigned)rand_r(seed) % n;
}

static int publish(
    struct orbus_producer *p, unsigned hours, unsigned models, unsigned others, unsigned *seed)
{
	char model[32], bot[32], provider[32];
	uint64_t now_ns = clock_realtime_ns();
	struct orbus_sample s;

	snprintf(model, sizeof(model), "vendor/model-%u", pick(seed, models));
	snprintf(bot, sizeof(bot), "bot-%u", pick(seed, others));
	snprintf(provider, sizeof(provider), "Provider %u", pick(seed, others));
	orbus_sample_init(&s);
	s.model = model;
	s.bot = bot;
	s.provider = provider;
	s.response_ms = 100 + pick(seed, 10000);
	s.ttft_ms = s.response_ms / 4;
	s.prompt_tokens = pick(seed, 2000);
	s.completion_tokens = pick(seed, 1000);
	s.cost_usd = 0.001;
	if (hours > 0)
		s.ts = now_ns - now_ns % HOUR_NS - (1 + pick(seed, hours)) * HOUR_NS +
		       pick(seed, 3600) * NS_PER_SECOND;
	return orbus_publish(p, &s);
}

int main(int argc, char **argv)
{
	unsigned long samples, rate;
	struct orbus_producer *p;
	uint64_t start_ns;
	unsigned seed = 1;
	int err;

	if (argc != 7) {
		fprintf(stderr, "usage: publish_late BUS SAMPLES RATE HOURS MODELS OTHERS\n");
		return 2;
	}
	samples = strtoul(argv[2], NULL, 10);
	rate = strtoul(argv[3], NULL, 10);
	err = orbus_producer_open(argv[1], "late", &p);
	start_ns = clock_monotonic_ns();
	for (unsigned long i = 0; !err && i < samples; i++) {
		uint64_t due_ns = rate ? start_ns + i * NS_PER_SECOND / rate : 0;
		uint64_t now_ns = clock_monotonic_ns();

		if (due_ns > now_ns + 1000000) {
			struct timespec pause = {
			    .tv_sec = (time_t)((due_ns - now_ns) / NS_PER_SECOND),
			    .tv_nsec = (long)((due_ns - now_ns) % NS_PER_SECOND)};

			nanosleep(&pause, NULL);
		}
		err = publish(p, (unsigned)atoi(argv[4]), (unsigned)atoi(argv[5]),
		    (unsigned)atoi(argv[6]), &seed);
	}
	if (err)
		fprintf(stderr, "publish_late: %s\n", orbus_strerror(err));
	else
		orbus_producer_close(p);
	return err ? EXIT_FAILURE : EXIT_SUCCESS;
}
