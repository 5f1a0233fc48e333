/*
 * bench_producers.c: publishes a second by 1, 2, 4 and 8 producer processes, while a reader reads
 * along, which takes a core of its own, and while one waits for the end; and what it lost.
 *
 *   bench_producers [SECONDS]
 *
 * Prints a line of JSON for each number of producers and kind of reader.
 */
#include <orbus.h>

#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PRODUCERS_MAX 8

enum phase { READY, START, DONE };

/* Shared with the children. */
struct counts {
	_Atomic enum phase phase;
	_Atomic uint64_t read, lost;
	struct {
		_Alignas(128) uint64_t published;
	} by[PRODUCERS_MAX];
};

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void publish_for(const char *bus, struct counts *c, int me, double seconds)
{
	struct orbus_producer *p;
	struct orbus_sample s;
	uint64_t n = 0;
	double end;

	if (orbus_producer_open(bus, "acore", &p) != 0)
		_exit(1);
	orbus_sample_init(&s);
	s.model = "openai/gpt-4o-mini";
	s.response_ms = 3450.25;
	s.ttft_ms = 412.5;
	s.prompt_tokens = 225;
	s.completion_tokens = 287;
	s.cost_usd = 0.00042;
	while (c->phase < START)
		usleep(100);
	for (end = now() + seconds; now() < end;)
		for (int i = 0; i < 1000; i++)
			n += orbus_publish(p, &s) == 0;
	c->by[me].published = n;
	_exit(0);
}

/* From a phase on, all that there has been since it came. */
static void drain(const char *bus, struct counts *c, enum phase from)
{
	struct orbus_reader *r;
	struct orbus_sample s;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (orbus_reader_open(bus, &r) != 0)
		_exit(1);
	while (c->phase < from)
		usleep(100);
	for (;;) {
		uint64_t n = 0;

		while (n < 65536 && orbus_reader_next(r, &s) == 1)
			n++;
		c->read += n;
		c->lost = orbus_reader_lost(r);
		if (n == 0)
			(void)orbus_reader_wait(r, 50);
	}
}

static void run(const char *bus, struct counts *c, int producers, bool reads_along, double seconds)
{
	pid_t children[PRODUCERS_MAX], reader;
	uint64_t published = 0, seen;

	memset(c, 0, sizeof(*c));
	reader = fork();
	if (reader == 0)
		drain(bus, c, reads_along ? START : DONE);
	for (int i = 0; i < producers; i++) {
		children[i] = fork();
		if (children[i] == 0)
			publish_for(bus, c, i, seconds);
	}
	usleep(200000);
	c->phase = START;
	for (int i = 0; i < producers; i++) {
		waitpid(children[i], NULL, 0);
		published += c->by[i].published;
	}
	c->phase = DONE;
	do {
		seen = c->read + c->lost;
		usleep(100000);
	} while (c->read + c->lost != seen);
	kill(reader, SIGKILL);
	waitpid(reader, NULL, 0);
	printf(
	    "{\"producers\": %d, \"reads_along\": %s, \"per_second\": %.0f, \"read_per_second\": %.0f, \"lost\": %llu, "
	    "\"balance\": %lld}\n",
	    producers, reads_along ? "true" : "false", (double)published / seconds,
	    (double)c->read / seconds, (unsigned long long)c->lost,
	    (long long)(published - c->read - c->lost));
	fflush(stdout);
}

/* On a bus of its own. False: it cannot be made. */
static bool measure(struct counts *c, int producers, bool reads_along, double seconds)
{
	char bus[64], path[96];

	snprintf(bus, sizeof(bus), "orbus-bench-%d", (int)getpid());
	if (orbus_create(bus, NULL) < 0)
		return false;
	run(bus, c, producers, reads_along, seconds);
	snprintf(path, sizeof(path), "/dev/shm/%s", bus);
	unlink(path);
	strcat(path, ".lanes");
	unlink(path);
	return true;
}

int main(int argc, char **argv)
{
	double seconds = argc > 1 ? atof(argv[1]) : 2;
	struct counts *c =
	    mmap(NULL, sizeof(*c), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (c == MAP_FAILED || !(seconds > 0))
		return EXIT_FAILURE;
	for (int reads_along = 1; reads_along >= 0; reads_along--)
		for (int producers = 1; producers <= PRODUCERS_MAX; producers *= 2)
			if (!measure(c, producers, reads_along, seconds))
				return EXIT_FAILURE;
	return EXIT_SUCCESS;
}
