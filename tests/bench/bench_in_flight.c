/*
 * bench_in_flight.c: what requests in flight cost the readers of the ring, as lines of JSON.
 *
 *   bench_in_flight [ORSTAT]
 *
 * 16,000 requests are in flight on 2,048 lanes. For five seconds a reader drains, notes losses,
 * looks for dead producers and settles, as the agent does each turn; a bot begins and ends requests
 * meanwhile. Printed are the longest time between two drains, the longest step of it, and its share
 * of a core; then, with the path of an orstat, the CPU time of `orstat --watch` for each second.
 */
#include "base/now.h"
#include "live/inflight.h"
#include "live/reaper.h"
#include "ring/shm_object.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define LANES    2048
#define REQUESTS 16000
#define SECONDS  5
/* As agent/drain.c has them. */
#define LOOK_NS   1000000
#define SETTLE_NS 1000000
#define TURN_NS   1000000

struct bench {
	struct orbus_producer *producers[LANES];
	struct orbus_reader *reader;
	struct inflight *inflight;
	struct reaper *reaper;
	uint64_t look_ns, settle_ns, gap_ns; /* the longest of each */
};

static void give_up(const char *what)
{
	fprintf(stderr, "bench_in_flight: %s\n", what);
	exit(EXIT_FAILURE);
}

static void publish(struct orbus_producer *p, enum orbus_kind kind, unsigned id)
{
	struct orbus_sample s;
	char text[40];

	orbus_sample_init(&s);
	s.kind = kind;
	snprintf(text, sizeof(text), "gen-1764001800-abcdefghijkl%08u", id);
	s.request_id = text;
	s.requested_model = "openai/gpt-4o-mini";
	s.provider = "OpenAI";
	(void)orbus_publish(p, &s);
}

static void open_all(struct bench *b, const char *bus)
{
	struct orbus_create_options options = {.lanes = LANES + 1, .slots = 64};

	if (orbus_create(bus, &options) != 0)
		give_up("cannot make the bus: 80 MB of shared memory are needed");
	for (unsigned i = 0; i < LANES; i++)
		if (orbus_producer_open(bus, "acore", &b->producers[i]) != 0)
			give_up("cannot open a producer");
	b->inflight = inflight_new();
	b->reaper = reaper_new(false);
	if (!b->inflight || !b->reaper || orbus_reader_open(bus, &b->reader) != 0)
		give_up("cannot open the bus");
	for (unsigned i = 0; i < REQUESTS; i++)
		publish(b->producers[i % LANES], ORBUS_KIND_BEGIN, i);
}

/* By CPU time: the machine may be shared. */
static uint64_t cpu_ns(void)
{
	return now_ns_of(CLOCK_THREAD_CPUTIME_ID);
}

static void drain(struct bench *b)
{
	struct orbus_sample s;

	while (orbus_reader_next(b->reader, &s) == 1)
		if (!inflight_note(b->inflight, reader_origin(b->reader), &s))
			give_up("out of memory");
}

static void note_longest(uint64_t *longest, uint64_t *from_ns)
{
	uint64_t now_ns = cpu_ns();

	if (now_ns - *from_ns > *longest)
		*longest = now_ns - *from_ns;
	*from_ns = now_ns;
}

static void run(struct bench *b)
{
	const struct timespec pause = {0, TURN_NS};
	uint64_t until_ns, at_ns, used_ns, step_ns;
	unsigned id = REQUESTS;

	drain(b);
	used_ns = cpu_ns();
	until_ns = now_ns_of(CLOCK_MONOTONIC) + SECONDS * NS_PER_SECOND;
	while (now_ns_of(CLOCK_MONOTONIC) < until_ns) {
		drain(b);
		at_ns = step_ns = cpu_ns();
		reaper_note_losses(b->reaper, b->reader, b->inflight, NULL, NULL);
		reaper_look(b->reaper, b->reader, b->inflight, LOOK_NS);
		note_longest(&b->look_ns, &step_ns);
		reaper_settle(b->reaper, b->reader, b->inflight, SETTLE_NS, NULL, NULL);
		note_longest(&b->settle_ns, &step_ns);
		note_longest(&b->gap_ns, &at_ns);
		publish(b->producers[id % LANES], ORBUS_KIND_BEGIN, id);
		publish(b->producers[id % LANES], ORBUS_KIND_REQUEST, id);
		id++;
		nanosleep(&pause, NULL);
	}
	used_ns = cpu_ns() - used_ns;
	printf("{\"in_flight\": %llu, \"lanes\": %d, \"longest_gap_ms\": %.3f, "
	       "\"longest_look_ms\": %.3f, \"longest_settle_ms\": %.3f, \"cpu_ms_per_s\": %.1f}\n",
	    (unsigned long long)inflight_count(b->inflight), LANES, (double)b->gap_ns / 1e6,
	    (double)b->look_ns / 1e6, (double)b->settle_ns / 1e6, (double)used_ns / 1e6 / SECONDS);
}

/* What the checkpoint takes of it, in the agent's loop. */
static void write_out(struct bench *b)
{
	uint64_t from_ns = cpu_ns(), took_ns = 0;
	struct msgpack_writer m;
	size_t length;

	msgpack_writer_init(&m);
	inflight_write(b->inflight, &m, NULL);
	free(msgpack_writer_take(&m, &length));
	note_longest(&took_ns, &from_ns);
	printf("{\"in_flight\": %llu, \"checkpoint_ms\": %.3f, \"checkpoint_bytes\": %zu}\n",
	    (unsigned long long)inflight_count(b->inflight), (double)took_ns / 1e6, length);
}

/* What all of them cost when their processes die at once. */
static void die(struct bench *b)
{
	uint64_t longest_ns = 0, turns = 0, from_ns;

	for (unsigned i = 0; i < LANES; i++)
		orbus_producer_close(b->producers[i]);
	while (inflight_count(b->inflight) > 0) {
		drain(b);
		from_ns = cpu_ns();
		reaper_look(b->reaper, b->reader, b->inflight, LOOK_NS);
		reaper_settle(b->reaper, b->reader, b->inflight, SETTLE_NS, NULL, NULL);
		note_longest(&longest_ns, &from_ns);
		usleep(1000);
		turns++;
	}
	printf("{\"died\": %d, \"longest_gap_ms\": %.3f, \"turns\": %llu}\n", REQUESTS,
	    (double)longest_ns / 1e6, (unsigned long long)turns);
}

static void watch(const char *bus, const char *orstat)
{
	struct rusage first = {0}, used;
	double ms[2];

	/* The longer run less the shorter one: what a start costs is not counted. */
	for (int i = 0; i < 2; i++) {
		pid_t pid = fork();

		if (pid == 0) {
			if (!freopen("/dev/null", "w", stdout))
				_exit(126);
			execl(orstat, orstat, "--bus", bus, "--watch", "1", "--json", (char *)NULL);
			_exit(127);
		}
		sleep(i ? 12 : 2);
		kill(pid, SIGTERM);
		waitpid(pid, NULL, 0);
		getrusage(RUSAGE_CHILDREN, &used);
		ms[i] = (double)(used.ru_utime.tv_sec - first.ru_utime.tv_sec +
				 used.ru_stime.tv_sec - first.ru_stime.tv_sec) *
		            1e3 +
		        (double)(used.ru_utime.tv_usec - first.ru_utime.tv_usec +
				 used.ru_stime.tv_usec - first.ru_stime.tv_usec) /
		            1e3;
		first = used;
	}
	printf("{\"orstat_watch_cpu_ms_per_s\": %.1f}\n", (ms[1] - ms[0]) / 10);
}

static void remove_bus(const char *bus)
{
	struct bus_paths paths;

	if (bus_paths_resolve(bus, &paths) != 0)
		return;
	unlink(paths.ring);
	unlink(paths.locks);
}

int main(int argc, char **argv)
{
	static struct bench b;
	char bus[64];

	setvbuf(stdout, NULL, _IOLBF, 0);
	snprintf(bus, sizeof(bus), "orbus-bench-%d", (int)getpid());
	open_all(&b, bus);
	run(&b);
	write_out(&b);
	if (argc > 1)
		watch(bus, argv[1]);
	die(&b);
	remove_bus(bus);
	return EXIT_SUCCESS;
}
