/*
 * bench_transports.c: what it costs a bot to hand on one request's sample, by orbus and by its
 * peers.
 *
 *   bench_transports [ROUNDS]
 *
 * Encoding and the time stamp included; a reader is attached wherever there is a reader. The peers
 * come by turns, ROUNDS times, so that whatever else the machine does meets all of them. Prints a
 * line of JSON for each peer: nanoseconds of one send at the median, p99 and p99.9 (less what
 * reading the clock costs), of the mean of many, and of CPU time of the sending process with all
 * its threads. Files are written in the current folder.
 */
#include "peers/peer.h"

#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ROUNDS_MAX  15
#define SINGLES_MAX 100000

static const struct peer *const peers[] = {&peer_orbus, &peer_lttng, &peer_ck_ring,
    &peer_boost_queue, &peer_zeromq_push, &peer_zeromq_pub, &peer_unix_datagram, &peer_statsd,
    &peer_mqueue, &peer_redis, &peer_redis_pipeline, &peer_sqlite, &peer_json_line,
    &peer_json_fdatasync};

#define PEERS (sizeof(peers) / sizeof(peers[0]))

enum figure { P50, P99, P999, MEAN, CPU, FIGURES };

static const char *const names[FIGURES] = {"p50_ns", "p99_ns", "p999_ns", "mean_ns", "cpu_ns"};

static double results[PEERS][FIGURES][ROUNDS_MAX];
static double singles[SINGLES_MAX];

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static double cpu_ns(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1e9 +
	       (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) * 1e3;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double clock_cost(void)
{
	for (int i = 0; i < 1001; i++) {
		uint64_t start = now_ns();

		singles[i] = (double)(now_ns() - start);
	}
	qsort(singles, 1001, sizeof(*singles), compare);
	return singles[500];
}

static void measure(const struct peer *p, double out[FIGURES])
{
	uint64_t count = p->count < SINGLES_MAX ? p->count : SINGLES_MAX, start;
	double floor = clock_cost(), cpu;

	for (uint64_t i = 0; i < count / 10; i++)
		p->send();
	for (uint64_t i = 0; i < count; i++) {
		start = now_ns();
		p->send();
		singles[i] = (double)(now_ns() - start) - floor;
	}
	qsort(singles, count, sizeof(*singles), compare);
	out[P50] = singles[count / 2];
	out[P99] = singles[count * 99 / 100];
	out[P999] = singles[count * 999 / 1000];
	cpu = cpu_ns();
	start = now_ns();
	for (uint64_t i = 0; i < p->count; i++)
		p->send();
	out[MEAN] = (double)(now_ns() - start) / (double)p->count;
	out[CPU] = (cpu_ns() - cpu) / (double)p->count;
}

static pid_t start_reader(const struct peer *p)
{
	pid_t pid = p->drain ? fork() : 0;

	if (p->drain && pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		p->drain();
		_exit(0);
	}
	if (p->drain)
		usleep(100000);
	return pid;
}

static int run(const struct peer *p, double out[FIGURES])
{
	pid_t reader;
	int failed;

	if (p->prepare && p->prepare() != 0)
		return -1;
	reader = start_reader(p);
	failed = p->connect && p->connect() != 0;
	if (!failed)
		measure(p, out);
	if (reader > 0) {
		kill(reader, SIGKILL);
		waitpid(reader, NULL, 0);
	}
	if (!failed && p->close)
		p->close();
	return failed ? -1 : 0;
}

static void print(size_t peer, int rounds)
{
	printf("{\"peer\": \"%s\"", peers[peer]->name);
	for (int f = 0; f < FIGURES; f++) {
		qsort(results[peer][f], (size_t)rounds, sizeof(double), compare);
		printf(", \"%s\": %.1f", names[f], results[peer][f][rounds / 2]);
	}
	puts("}");
}

int main(int argc, char **argv)
{
	int rounds = argc > 1 ? atoi(argv[1]) : 5;
	bool broken[PEERS] = {false};

	if (rounds < 1 || rounds > ROUNDS_MAX) {
		fprintf(stderr, "usage: bench_transports [ROUNDS], 1 to %d\n", ROUNDS_MAX);
		return 2;
	}
	for (int r = 0; r < rounds; r++)
		for (size_t i = 0; i < PEERS; i++) {
			double out[FIGURES] = {0};

			broken[i] |= broken[i] || run(peers[i], out) != 0;
			for (int f = 0; f < FIGURES; f++)
				results[i][f][r] = out[f];
		}
	for (size_t i = 0; i < PEERS; i++) {
		if (broken[i])
			fprintf(stderr, "%s could not be set up\n", peers[i]->name);
		else
			print(i, rounds);
	}
	return 0;
}
