/*
 * bench_transports.c: what it costs a bot to hand on one request's sample, by orbus and by its
 * peers.
 *
 *   bench_transports [ROUNDS]
 *
 * Encoding and the time stamp included; a reader is attached wherever there is a reader. The peers
 * come by turns, ROUNDS times, so that other load of the machine affects all of them alike. Prints
 * a line of JSON for each peer: nanoseconds of one send at the median, p99 and p99.9 (less what
 * reading the clock costs), of the mean of many, and of CPU time of the sending process with all
 * its threads; the share of the samples that was lost; the latency to a reader that waits, at a
 * thousand samples a second. Files are written in the current folder.
 */
#include "bench/peers/peer.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ROUNDS_MAX  15
#define SINGLES_MAX 100000
/* A thousand a second. */
#define PACED_COUNT 1000
#define PACE_NS     1000000
/* Of a figure that a peer does not have. */
#define ABSENT -1e9

static const struct peer *const peers[] = {&peer_orbus, &peer_lttng,
#ifdef HAVE_ICEORYX2
    &peer_iceoryx2,
#endif
    &peer_ck_ring, &peer_boost_queue, &peer_zeromq_push, &peer_zeromq_pub, &peer_unix_datagram,
    &peer_statsd, &peer_mqueue, &peer_redis, &peer_redis_pipeline, &peer_sqlite, &peer_json_line,
    &peer_json_fdatasync};

#define PEERS (sizeof(peers) / sizeof(peers[0]))

enum figure { P50, P99, P999, MEAN, CPU, LOST, LATENCY_P50, LATENCY_P99, LATENCY_LOST, FIGURES };

static const char *const names[FIGURES] = {"p50_ns", "p99_ns", "p999_ns", "mean_ns", "cpu_ns",
    "lost", "latency_p50_ns", "latency_p99_ns", "latency_lost"};

/* Written by the reader, a child, alone, except for `paced`. */
static struct said {
	_Atomic bool paced;
	_Atomic uint64_t count;
	double latencies[PACED_COUNT];
} * said;

static double results[PEERS][FIGURES][ROUNDS_MAX];
static double singles[SINGLES_MAX];

static uint64_t now_ns_of(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static uint64_t now_ns(void)
{
	return now_ns_of(CLOCK_MONOTONIC);
}

static double cpu_ns(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1e9 +
	       (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) * 1e3;
}

bool is_paced(void)
{
	return atomic_load_explicit(&said->paced, memory_order_relaxed);
}

void received_stamp(uint64_t ts_ns)
{
	uint64_t n = atomic_load_explicit(&said->count, memory_order_relaxed);

	if (n < PACED_COUNT && ts_ns && is_paced())
		said->latencies[n] = (double)(int64_t)(now_ns_of(CLOCK_REALTIME) - ts_ns);
	atomic_store_explicit(&said->count, n + 1, memory_order_release);
}

void received(const char *bytes, size_t length)
{
	(void)length;
	received_stamp(sample_stamp(bytes));
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

/* How many came, once no more do. */
static uint64_t settled(void)
{
	uint64_t count, before;

	do {
		before = atomic_load(&said->count);
		usleep(300000);
		count = atomic_load(&said->count);
	} while (count != before);
	return count;
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
	if (p->drain) {
		double sent = (double)(count / 10 + count + p->count);

		out[LOST] = (sent - (double)settled()) / sent;
	}
}

static void measure_latency(const struct peer *p, double out[FIGURES])
{
	struct timespec at;
	uint64_t count;

	clock_gettime(CLOCK_MONOTONIC, &at);
	for (int i = 0; i < PACED_COUNT; i++) {
		at.tv_nsec += PACE_NS;
		at.tv_sec += at.tv_nsec / 1000000000;
		at.tv_nsec %= 1000000000;
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL);
		p->send();
	}
	count = settled();
	out[LATENCY_LOST] = 1 - (double)count / PACED_COUNT;
	if (count > PACED_COUNT)
		count = PACED_COUNT;
	if (count == 0 || said->latencies[0] == 0)
		return; /* its samples bear no time */
	qsort(said->latencies, count, sizeof(double), compare);
	out[LATENCY_P50] = said->latencies[count / 2];
	out[LATENCY_P99] = said->latencies[count * 99 / 100];
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

static int run(const struct peer *p, double out[FIGURES],
    void (*what)(const struct peer *p, double out[FIGURES]), bool paced)
{
	pid_t reader;
	int failed;

	memset(said, 0, sizeof(*said));
	said->paced = paced;
	if (p->prepare && p->prepare() != 0)
		return -1;
	reader = start_reader(p);
	failed = p->connect && p->connect() != 0;
	if (!failed)
		what(p, out);
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
		if (results[peer][f][rounds / 2] != ABSENT)
			printf(", \"%s\": %.*f", names[f], f == LOST || f == LATENCY_LOST ? 6 : 1,
			    results[peer][f][rounds / 2]);
	}
	puts("}");
}

int main(int argc, char **argv)
{
	int rounds = argc > 1 ? atoi(argv[1]) : 5;
	bool broken[PEERS] = {false};

	said = mmap(NULL, sizeof(*said), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (said == MAP_FAILED)
		return EXIT_FAILURE;
	if (rounds < 1 || rounds > ROUNDS_MAX) {
		fprintf(stderr, "usage: bench_transports [ROUNDS], 1 to %d\n", ROUNDS_MAX);
		return 2;
	}
	for (int r = 0; r < rounds; r++)
		for (size_t i = 0; i < PEERS; i++) {
			double out[FIGURES];

			for (int f = 0; f < FIGURES; f++)
				out[f] = ABSENT;
			broken[i] |= broken[i] || run(peers[i], out, measure, false) != 0;
			if (peers[i]->drain && !broken[i])
				run(peers[i], out, measure_latency, true);
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
