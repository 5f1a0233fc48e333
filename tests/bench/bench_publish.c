/*
 * bench_publish.c: what a publish costs beside the floor under it, by turns in one run.
 *
 *   bench_publish [ROUNDS]
 *
 *   clock      clock_gettime(CLOCK_REALTIME) alone
 *   encode     the same map by msgpack-c alone, into a buffer that is large enough
 *   copy       128 bytes and a release store
 *   line       a cache line's way from one core to another (nothing, where there is only one)
 *   publish    orbus_publish() of one request's sample
 *
 * Prints a line of JSON for each kind of reader: none, one in another process that drains the ring
 * every millisecond, one that does so without a pause. Nanoseconds: the median of an operation over
 * rounds of 1,000; for single publishes the percentiles, less what reading the clock costs.
 */
#include <orbus.h>

#include <msgpack.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define BATCH      1000
#define SINGLES    200000
#define ROUNDS_MAX 10000

struct subjects {
	struct orbus_producer *producer;
	struct orbus_sample sample;
	msgpack_sbuffer buffer;
};

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* --- What is measured ------------------------------------------------------------------------- */

static void read_clock(struct subjects *s)
{
	struct timespec t;

	(void)s;
	clock_gettime(CLOCK_REALTIME, &t);
}

static void pack_text(msgpack_packer *pk, const char *text)
{
	size_t length = strlen(text);

	msgpack_pack_str(pk, length);
	msgpack_pack_str_body(pk, text, length);
}

static void encode(struct subjects *s)
{
	const struct orbus_sample *o = &s->sample;
	msgpack_packer pk;

	msgpack_sbuffer_clear(&s->buffer);
	msgpack_packer_init(&pk, &s->buffer, msgpack_sbuffer_write);
	msgpack_pack_map(&pk, 9);
	pack_text(&pk, "status");
	pack_text(&pk, "ok");
	pack_text(&pk, "ts");
	msgpack_pack_uint64(&pk, 1764000000000000000u);
	pack_text(&pk, "bot");
	pack_text(&pk, "acore");
	pack_text(&pk, "model");
	pack_text(&pk, o->model);
	pack_text(&pk, "response_ms");
	msgpack_pack_double(&pk, o->response_ms);
	pack_text(&pk, "ttft_ms");
	msgpack_pack_double(&pk, o->ttft_ms);
	pack_text(&pk, "prompt_tokens");
	msgpack_pack_uint64(&pk, o->prompt_tokens);
	pack_text(&pk, "completion_tokens");
	msgpack_pack_uint64(&pk, o->completion_tokens);
	pack_text(&pk, "cost_usd");
	msgpack_pack_double(&pk, o->cost_usd);
}

static void copy(struct subjects *s)
{
	static char from[128], to[128];
	static _Atomic uint64_t published;

	(void)s;
	memcpy(to, from, sizeof(to));
	__asm__ volatile("" : : "r"(to) : "memory");
	atomic_store_explicit(&published, 1, memory_order_release);
}

static void publish(struct subjects *s)
{
	orbus_publish(s->producer, &s->sample);
}

/* --- Readers ---------------------------------------------------------------------------------- */

static void drain(const char *bus, useconds_t pause_us)
{
	struct orbus_reader *r;
	struct orbus_sample s;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (orbus_reader_open(bus, &r) != 0)
		_exit(1);
	for (;;) {
		while (orbus_reader_next(r, &s) == 1)
			continue;
		if (pause_us)
			usleep(pause_us);
	}
}

static pid_t start_reader(const char *bus, useconds_t pause_us)
{
	pid_t pid = fork();

	if (pid == 0)
		drain(bus, pause_us);
	usleep(100000);
	return pid;
}

static void stop_reader(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

/* --- Measuring -------------------------------------------------------------------------------- */

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double time_batch(struct subjects *s, void (*subject)(struct subjects *))
{
	uint64_t start = now_ns();

	for (int i = 0; i < BATCH; i++)
		subject(s);
	return (double)(now_ns() - start) / BATCH;
}

static double median(double *figures, size_t count)
{
	qsort(figures, count, sizeof(*figures), compare);
	return figures[count / 2];
}

/* Each in turn, so that other load of the machine affects all of them alike. */
static void compare_with_floor(struct subjects *s, size_t rounds, double out[4])
{
	static void (*const subjects[])(struct subjects *) = {read_clock, encode, copy, publish};
	static double figures[4][ROUNDS_MAX];

	for (size_t r = 0; r < rounds; r++)
		for (int i = 0; i < 4; i++)
			figures[i][r] = time_batch(s, subjects[i]);
	for (int i = 0; i < 4; i++)
		out[i] = median(figures[i], rounds);
}

/* p50, p99 and p99.9 of publishes one by one. */
static void time_singles(struct subjects *s, double out[3])
{
	static double each[SINGLES], clock[SINGLES];
	double floor;

	for (int i = 0; i < SINGLES; i++) {
		uint64_t start = now_ns(), between = now_ns();

		publish(s);
		each[i] = (double)(now_ns() - between);
		clock[i] = (double)(between - start);
	}
	floor = median(clock, SINGLES);
	qsort(each, SINGLES, sizeof(*each), compare);
	out[0] = each[SINGLES / 2] - floor;
	out[1] = each[SINGLES / 100 * 99] - floor;
	out[2] = each[SINGLES / 1000 * 999] - floor;
}

static void report(struct subjects *s, const char *reader, size_t rounds)
{
	double ns[4], singles[3];

	compare_with_floor(s, rounds, ns);
	time_singles(s, singles);
	printf("{\"reader\": \"%s\", \"clock\": %.1f, \"encode\": %.1f, \"copy\": %.1f, "
	       "\"publish\": %.1f, \"p50\": %.0f, \"p99\": %.0f, \"p999\": %.0f}\n",
	    reader, ns[0], ns[1], ns[2], ns[3], singles[0], singles[1], singles[2]);
	fflush(stdout);
}

/* --- A cache line's way ----------------------------------------------------------------------- */

#define TRIPS 100000

static void pin(int core)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(core, &set);
	sched_setaffinity(0, sizeof(set), &set);
}

/* Two processes hand a word to and fro: half a round trip. */
static void report_line(void)
{
	_Atomic uint32_t *word;
	uint64_t start;
	pid_t other;

	if (sysconf(_SC_NPROCESSORS_ONLN) < 2)
		return;
	word = mmap(NULL, 64, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (word == MAP_FAILED)
		return;
	other = fork();
	pin(other == 0);
	if (other == 0) {
		for (uint32_t i = 0; i < TRIPS; i++) {
			while (atomic_load_explicit(word, memory_order_acquire) != 2 * i + 1)
				continue;
			atomic_store_explicit(word, 2 * i + 2, memory_order_release);
		}
		_exit(0);
	}
	start = now_ns();
	for (uint32_t i = 0; i < TRIPS; i++) {
		atomic_store_explicit(word, 2 * i + 1, memory_order_release);
		while (atomic_load_explicit(word, memory_order_acquire) != 2 * i + 2)
			continue;
	}
	printf("{\"line\": %.1f}\n", (double)(now_ns() - start) / (2 * TRIPS));
	fflush(stdout);
	waitpid(other, NULL, 0);
}

static void remove_bus(const char *bus)
{
	static const char *const suffixes[] = {"", ".lanes"};
	char path[96];

	for (int i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "/dev/shm/%s%s", bus, suffixes[i]);
		unlink(path);
	}
}

int main(int argc, char **argv)
{
	size_t rounds = argc > 1 ? strtoul(argv[1], NULL, 10) : 1000;
	struct subjects s = {0};
	char bus[64];
	pid_t reader;

	snprintf(bus, sizeof(bus), "orbus-bench-%d", (int)getpid());
	if (rounds < 1 || rounds > ROUNDS_MAX || orbus_create(bus, NULL) < 0 ||
	    orbus_producer_open(bus, "acore", &s.producer) != 0)
		return EXIT_FAILURE;
	msgpack_sbuffer_init(&s.buffer);
	orbus_sample_init(&s.sample);
	s.sample.model = "openai/gpt-4o-mini";
	s.sample.response_ms = 3450.25;
	s.sample.ttft_ms = 412.5;
	s.sample.prompt_tokens = 225;
	s.sample.completion_tokens = 287;
	s.sample.cost_usd = 0.00042;
	report(&s, "none", rounds);
	reader = start_reader(bus, 1000);
	report(&s, "drains every millisecond", rounds);
	stop_reader(reader);
	reader = start_reader(bus, 0);
	report(&s, "spins", rounds);
	stop_reader(reader);
	report_line();
	orbus_producer_close(s.producer);
	msgpack_sbuffer_destroy(&s.buffer);
	remove_bus(bus);
	return EXIT_SUCCESS;
}
