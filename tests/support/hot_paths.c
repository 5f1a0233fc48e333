/*
 * hot_paths.c: what is done for each sample, so many times over, for counting instructions and
 * time.
 *
 *   hot_paths publish|decode|aggregate|drain COUNT
 *
 * publish    orbus_publish() of one request's sample, without a reader
 * decode     sample_decode() of a sample with all that OpenRouter reports
 * aggregate  aggregate_add() of it: by model, bot and provider
 * drain      the two together, from the ring
 *
 * Prints the nanoseconds that one took.
 */
#include "base/now.h"
#include "orbus.h"
#include "ring/shm_object.h"
#include "sample/sample.h"
#include "stats/aggregate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MODELS 16

static struct orbus_sample request(unsigned number)
{
	static const char *const models[] = {
	    "openai/gpt-4o-mini", "anthropic/claude-3-opus", "meta-llama/llama-3-70b-instruct"};
	struct orbus_sample s;

	orbus_sample_init(&s);
	s.model = models[number % 3];
	s.provider = "Acme";
	s.request_id = "gen-1764000000-aBcDeFgHiJkLmNoPqRsT";
	s.finish_reason = "stop";
	s.stream = true;
	s.http_status = 200;
	s.response_ms = 1000 + number % 3000;
	s.ttft_ms = 400 + number % 100;
	s.prompt_tokens = 225;
	s.completion_tokens = 287;
	s.total_tokens = 512;
	s.cost_usd = 0.00042;
	return s;
}

static void publish(struct orbus_producer *p, unsigned long count)
{
	struct orbus_sample s = request(0);

	for (unsigned long i = 0; i < count; i++)
		orbus_publish(p, &s);
}

static void decode(unsigned long count)
{
	struct orbus_sample s = request(0), out;
	char bytes[512];
	int length = sample_encode(&s, 1, "acore", bytes, sizeof(bytes));
	struct sample_storage storage = {.arena = malloc(sample_arena_bytes(sizeof(bytes)))};

	for (unsigned long i = 0; i < count; i++)
		sample_decode(bytes, (size_t)length, &storage, &out);
	free(storage.arena);
}

static void aggregate(unsigned long count)
{
	struct orbus_sample samples[MODELS];
	struct aggregate a;

	aggregate_init(&a);
	for (unsigned i = 0; i < MODELS; i++)
		samples[i] = request(i);
	for (unsigned long i = 0; i < count; i++)
		aggregate_add(&a, &samples[i % MODELS]);
	aggregate_free(&a);
}

/* The ring holds `count`; they are read and counted. */
static uint64_t drain(const char *bus, struct orbus_producer *p, unsigned long count)
{
	struct orbus_reader *r;
	struct orbus_sample s;
	struct aggregate a;
	uint64_t start;

	for (unsigned long i = 0; i < count; i++) {
		s = request((unsigned)i);
		orbus_publish(p, &s);
	}
	if (orbus_reader_open(bus, &r) != 0)
		return 0;
	aggregate_init(&a);
	start = now_ns_of(CLOCK_MONOTONIC);
	while (orbus_reader_next(r, &s) == 1)
		aggregate_add(&a, &s);
	start = now_ns_of(CLOCK_MONOTONIC) - start;
	count = a.requests.total;
	aggregate_free(&a);
	orbus_reader_close(r);
	return count ? start / count : 0;
}

static int run(const char *what, unsigned long count, const char *bus)
{
	const struct orbus_create_options options = {.slots = 65536};
	struct orbus_producer *p;
	uint64_t start, each = 0;

	if (orbus_create(bus, &options) < 0 || orbus_producer_open(bus, "acore", &p) != 0)
		return EXIT_FAILURE;
	start = now_ns_of(CLOCK_MONOTONIC);
	if (strcmp(what, "publish") == 0)
		publish(p, count);
	else if (strcmp(what, "decode") == 0)
		decode(count);
	else if (strcmp(what, "aggregate") == 0)
		aggregate(count);
	else
		each = drain(bus, p, count);
	if (!each)
		each = (now_ns_of(CLOCK_MONOTONIC) - start) / count;
	printf("%llu\n", (unsigned long long)each);
	orbus_producer_close(p);
	return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	unsigned long count = argc == 3 ? strtoul(argv[2], NULL, 10) : 0;
	struct bus_paths paths;
	char bus[64];
	int status;

	if (count == 0) {
		fprintf(stderr, "usage: hot_paths publish|decode|aggregate|drain COUNT\n");
		return 2;
	}
	snprintf(bus, sizeof(bus), "orbus-hot-%d", (int)getpid());
	status = run(argv[1], count, bus);
	if (bus_paths_resolve(bus, &paths) == 0) {
		unlink(paths.ring);
		unlink(paths.locks);
	}
	return status;
}
