/*
 * bench_publish.c: what a publish costs beside the floor under it, by turns in one run.
 *
 *   bench_publish [ROUNDS]
 *
 *   clock      clock_gettime(CLOCK_REALTIME) alone
 *   encode     the same map by msgpack-c alone, into a buffer that is large enough
 *   copy       128 bytes and a release store
 *   publish    orbus_publish() of one request's sample, nobody reading
 *   attached   the same while another process drains the ring every millisecond
 *   spinning   the same while another process drains it without a pause
 *
 * Prints the median nanoseconds of an operation, over rounds of 1,000, and its ratio to clock +
 * encode; for single publishes the percentiles, less what reading the clock costs.
 */
#include <orbus.h>

#include <msgpack.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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

/* Each in turn, so that whatever else the machine does meets all of them. */
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

static void print_singles(struct subjects *s)
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
	printf("  one by one: p50 %.0f ns, p99 %.0f ns, p99.9 %.0f ns\n", each[SINGLES / 2] - floor,
	    each[SINGLES / 100 * 99] - floor, each[SINGLES / 1000 * 999] - floor);
}

static void report(struct subjects *s, const char *what, size_t rounds)
{
	double ns[4];

	compare_with_floor(s, rounds, ns);
	printf(
	    "%s\n  clock %.1f ns, encode %.1f ns, copy %.1f ns\n  publish %.1f ns = %.2f x (clock + "
	    "encode)\n",
	    what, ns[0], ns[1], ns[2], ns[3], ns[3] / (ns[0] + ns[1]));
	print_singles(s);
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
	report(&s, "nobody reads", rounds);
	reader = start_reader(bus, 1000);
	report(&s, "a reader drains every millisecond", rounds);
	stop_reader(reader);
	reader = start_reader(bus, 0);
	report(&s, "a reader spins", rounds);
	stop_reader(reader);
	orbus_producer_close(s.producer);
	msgpack_sbuffer_destroy(&s.buffer);
	remove_bus(bus);
	return EXIT_SUCCESS;
}
