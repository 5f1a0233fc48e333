/*
 * worst_publish.c: a bot that measures its own publishes, for tests and figures.
 *
 *   worst_publish BUS BOT SECONDS [PER_SECOND]
 *
 * Says "ready" once it has a lane; publishes until the time is over or its standard input ends;
 * prints what it published, what was refused, the last error, and the longest publish, by the wall
 * and by its own CPU time (which other processes cannot lengthen), in microseconds.
 */
#include "base/now.h"
#include "orbus.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

static double longest(double a, double b)
{
	return a > b ? a : b;
}

/* Until the moment, or the end of standard input: then false. */
static bool wait_until(uint64_t due_ns)
{
	struct pollfd input = {.fd = 0, .events = POLLIN};
	uint64_t now_ns = now_ns_of(CLOCK_MONOTONIC);
	struct timespec t = {0};

	if (due_ns > now_ns)
		t.tv_nsec = (long)(due_ns - now_ns);
	return ppoll(&input, 1, &t, NULL) == 0;
}

int main(int argc, char **argv)
{
	double worst_us = 0, worst_cpu_us = 0;
	unsigned long published = 0;
	struct orbus_producer *p;
	struct orbus_sample s;
	uint64_t end_ns, due_ns, step_ns;
	int err, last_error = 0;

	if (argc < 4)
		return 2;
	err = orbus_producer_open(argv[1], argv[2], &p);
	if (err) {
		fprintf(stderr, "worst_publish: %s\n", orbus_strerror(err));
		return 1;
	}
	puts("ready");
	fflush(stdout);
	orbus_sample_init(&s);
	s.model = "m";
	s.response_ms = 5;
	step_ns = NS_PER_SECOND / (argc > 4 ? strtoul(argv[4], NULL, 10) : 1000);
	due_ns = now_ns_of(CLOCK_MONOTONIC);
	end_ns = due_ns + strtoul(argv[3], NULL, 10) * NS_PER_SECOND;
	while (due_ns < end_ns && wait_until(due_ns)) {
		uint64_t wall_ns = now_ns_of(CLOCK_MONOTONIC);
		uint64_t cpu_ns = now_ns_of(CLOCK_THREAD_CPUTIME_ID);

		err = orbus_publish(p, &s);
		worst_cpu_us = longest(
		    worst_cpu_us, (double)(now_ns_of(CLOCK_THREAD_CPUTIME_ID) - cpu_ns) / 1e3);
		worst_us = longest(worst_us, (double)(now_ns_of(CLOCK_MONOTONIC) - wall_ns) / 1e3);
		published += err == 0;
		last_error = err ? err : last_error;
		due_ns += step_ns;
	}
	printf("{\"published\": %lu, \"refused\": %lu, \"error\": %d, \"worst_us\": %.1f, "
	       "\"worst_cpu_us\": %.1f}\n",
	    published, (unsigned long)orbus_producer_refused(p), -last_error, worst_us,
	    worst_cpu_us);
	orbus_producer_close(p);
	return 0;
}
