/*
 * bot.c: a bot that publishes until it is killed, and keeps books of its own, for fault tests.
 *
 *   bot BUS NAME BOOKS PACE_US SEED [punctual | leak | HOURS]
 *
 * PACE_US: the mean pause between requests; 0: bursts at full speed. One request in a hundred is an
 * hour late. The last argument changes that: punctual, none is late; leak, it begins requests and
 * ends none; HOURS, each is of a random one of so many hours that have ended. BOOKS is a file of
 * two counts, shared with the test: samples that were about to be published, and that had been.
 * They differ by one at most, while a publish is under way.
 */
#include "orbus.h"

#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define BURST   3000
#define HOUR_NS UINT64_C(3600000000000)

struct books {
	_Atomic uint64_t intended, published;
};

static volatile sig_atomic_t stopped;

static void stop(int number)
{
	(void)number;
	stopped = 1;
}

static struct books *open_books(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	struct books *books;

	if (fd < 0 || ftruncate(fd, sizeof(*books)) != 0)
		return NULL;
	books = mmap(NULL, sizeof(*books), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	return books == MAP_FAILED ? NULL : books;
}

/* What the bot publishes. */
struct habit {
	bool leaks, is_punctual;
	unsigned hours;
};

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* When the request ended; 0: now. */
static uint64_t choose_time(const struct habit *habit, unsigned *seed)
{
	uint64_t now = now_ns();

	if (habit->hours > 0)
		return now - now % HOUR_NS - (1 + (unsigned)rand_r(seed) % habit->hours) * HOUR_NS;
	if (habit->is_punctual || habit->leaks || rand_r(seed) % 100 != 0)
		return 0;
	return now - HOUR_NS;
}

/* Pids come again within an hour of a soak. */
static unsigned long long life;

static int publish(
    struct orbus_producer *p, const struct habit *habit, struct books *books, unsigned *seed)
{
	static const char *const models[] = {"a/one", "b/two", "c/three", "d/four"};
	char id[64];
	struct orbus_sample s;
	int err;

	orbus_sample_init(&s);
	s.model = models[rand_r(seed) % 4];
	if (habit->leaks) {
		s.kind = ORBUS_KIND_BEGIN;
	} else {
		s.response_ms = 1 + rand_r(seed) % 5000;
		s.prompt_tokens = 1;
		s.completion_tokens = 2;
	}
	snprintf(id, sizeof(id), "%d-%llx-%llu", (int)getpid(), life,
	    (unsigned long long)atomic_load(&books->intended));
	s.request_id = id;
	s.ts = choose_time(habit, seed);
	atomic_fetch_add(&books->intended, 1);
	err = orbus_publish(p, &s);
	if (err)
		atomic_fetch_sub(&books->intended, 1);
	else
		atomic_fetch_add(&books->published, 1);
	return err;
}

static void pause_for(double us)
{
	struct timespec t = {(time_t)(us / 1e6), (long)fmod(us * 1e3, 1e9)};

	nanosleep(&t, NULL);
}

int main(int argc, char **argv)
{
	struct timespec started;
	struct habit habit = {0};
	struct orbus_producer *p;
	struct books *books;
	double pace_us;
	unsigned seed;

	if (argc != 6 && argc != 7)
		return 2;
	if (argc == 7) {
		habit.leaks = strcmp(argv[6], "leak") == 0;
		habit.is_punctual = strcmp(argv[6], "punctual") == 0;
		habit.hours = (unsigned)strtoul(argv[6], NULL, 10);
	}
	pace_us = strtod(argv[4], NULL);
	seed = (unsigned)strtoul(argv[5], NULL, 10);
	signal(SIGTERM, stop);
	clock_gettime(CLOCK_BOOTTIME, &started);
	life = (unsigned long long)started.tv_sec * 1000 +
	       (unsigned long long)started.tv_nsec / 1000000;
	books = open_books(argv[3]);
	if (!books || orbus_producer_open(argv[1], argv[2], &p) != 0)
		return EXIT_FAILURE;
	while (!stopped) {
		for (int i = 0; i < (pace_us > 0 ? 1 : BURST) && !stopped; i++)
			(void)publish(p, &habit, books, &seed);
		pause_for(
		    pace_us > 0 ? -log((rand_r(&seed) + 1.0) / (RAND_MAX + 2.0)) * pace_us : 30000);
	}
	orbus_producer_close(p);
	return EXIT_SUCCESS;
}
