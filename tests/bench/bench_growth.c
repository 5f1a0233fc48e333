/*
 * bench_growth.c: how cost grows with the work: curves, as lines of JSON.
 *
 *   bench_growth
 *
 *   ring_slots     a publish, by the slots of a lane
 *   sample_bytes   a publish, by the sample's size
 *   lanes          a reader's look at a ring where nothing is new, by the lanes in use
 *   models         the aggregation of a sample, by the models that there are
 *   past           a publish, by the samples published before
 */
#include "base/now.h"
#include "orbus.h"
#include "ring/shm_object.h"
#include "stats/aggregate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ROUNDS    31
#define BATCH     2000
#define LANES_MAX 1024

static double figures[ROUNDS];

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void print(const char *curve, unsigned long x)
{
	qsort(figures, ROUNDS, sizeof(double), compare);
	printf("{\"curve\": \"%s\", \"x\": %lu, \"ns\": %.1f}\n", curve, x, figures[ROUNDS / 2]);
	fflush(stdout);
}

static void remove_bus(const char *bus)
{
	struct bus_paths paths;

	if (bus_paths_resolve(bus, &paths) != 0)
		return;
	unlink(paths.ring);
	unlink(paths.locks);
}

static struct orbus_sample request(void)
{
	struct orbus_sample s;

	orbus_sample_init(&s);
	s.model = "openai/gpt-4o-mini";
	s.response_ms = 3450.25;
	s.completion_tokens = 287;
	return s;
}

static void time_publishes(struct orbus_producer *p, const struct orbus_sample *s)
{
	for (int r = 0; r < ROUNDS; r++) {
		uint64_t start = now_ns_of(CLOCK_MONOTONIC);

		for (int i = 0; i < BATCH; i++)
			orbus_publish(p, s);
		figures[r] = (double)(now_ns_of(CLOCK_MONOTONIC) - start) / BATCH;
	}
}

static void by_ring(const char *bus)
{
	struct orbus_sample s = request();

	for (unsigned slots = 64; slots <= 1u << 18; slots *= 8) {
		struct orbus_create_options options = {.slots = slots, .lanes = 4};
		struct orbus_producer *p;

		if (orbus_create(bus, &options) < 0 || orbus_producer_open(bus, "b", &p) != 0)
			exit(EXIT_FAILURE);
		time_publishes(p, &s);
		print("ring_slots", slots);
		orbus_producer_close(p);
		remove_bus(bus);
	}
}

static void by_size(const char *bus)
{
	char message[ORBUS_ERROR_MESSAGE_MAX + 1];
	struct orbus_sample s = request();
	struct orbus_producer *p;

	if (orbus_create(bus, NULL) < 0 || orbus_producer_open(bus, "b", &p) != 0)
		exit(EXIT_FAILURE);
	s.error_message = message;
	for (size_t bytes = 25; bytes <= ORBUS_ERROR_MESSAGE_MAX; bytes *= 2) {
		memset(message, 'x', bytes);
		message[bytes] = '\0';
		time_publishes(p, &s);
		print("sample_bytes", 80 + bytes);
	}
	s.error_message = NULL;
	for (unsigned long past = 1000; past <= 10000000; past *= 10) {
		for (unsigned long i = 0; i < past; i++)
			orbus_publish(p, &s);
		time_publishes(p, &s);
		print("past", past);
	}
	orbus_producer_close(p);
	remove_bus(bus);
}

static void by_lanes(const char *bus)
{
	static struct orbus_producer *producers[LANES_MAX];
	struct orbus_create_options options = {.slots = 64, .lanes = LANES_MAX};
	struct orbus_sample s = request();
	struct orbus_reader *r;
	unsigned open = 0;

	if (orbus_create(bus, &options) < 0)
		exit(EXIT_FAILURE);
	for (unsigned lanes = 1; lanes <= LANES_MAX; lanes *= 4) {
		for (; open < lanes; open++)
			if (orbus_producer_open(bus, "b", &producers[open]) != 0)
				exit(EXIT_FAILURE);
		if (orbus_reader_open(bus, &r) != 0)
			exit(EXIT_FAILURE);
		orbus_reader_skip(r);
		for (int round = 0; round < ROUNDS; round++) {
			uint64_t start = now_ns_of(CLOCK_MONOTONIC);

			for (int i = 0; i < 200; i++)
				(void)orbus_reader_next(r, &s);
			figures[round] = (double)(now_ns_of(CLOCK_MONOTONIC) - start) / 200;
		}
		print("lanes", lanes);
		orbus_reader_close(r);
	}
	while (open > 0)
		orbus_producer_close(producers[--open]);
	remove_bus(bus);
}

static void by_models(void)
{
	for (unsigned models = 1; models <= 10000; models *= 10) {
		struct orbus_sample s = request();
		struct aggregate a;
		char name[32];

		s.model = name;
		aggregate_init(&a);
		for (int r = 0; r < ROUNDS; r++) {
			uint64_t start = now_ns_of(CLOCK_MONOTONIC);

			for (unsigned i = 0; i < BATCH; i++) {
				snprintf(name, sizeof(name), "model-%u", i * 7919 % models);
				if (!aggregate_add(&a, &s))
					exit(EXIT_FAILURE);
			}
			figures[r] = (double)(now_ns_of(CLOCK_MONOTONIC) - start) / BATCH;
		}
		print("models", models);
		aggregate_free(&a);
	}
}

int main(void)
{
	char bus[64];

	snprintf(bus, sizeof(bus), "orbus-growth-%d", (int)getpid());
	by_ring(bus);
	by_size(bus);
	by_lanes(bus);
	by_models();
	return EXIT_SUCCESS;
}
