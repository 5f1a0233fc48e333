/*
 * memory.c: peers in shared memory: orbus, and a ring of Concurrency Kit.
 */
#include "peer.h"

#include <ck_ring.h>
#include <orbus.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* --- orbus ------------------------------------------------------------------------------------ */

static struct orbus_producer *producer;
static struct orbus_sample sample;

static int orbus_prepare(void)
{
	return orbus_create(run_name(), NULL) < 0;
}

static void orbus_drain(void)
{
	struct orbus_reader *r;
	struct orbus_sample s;

	if (orbus_reader_open(run_name(), &r) != 0)
		return;
	for (;;) {
		while (orbus_reader_next(r, &s) == 1)
			received_stamp(s.ts);
		if (is_paced())
			(void)orbus_reader_wait(r, 100);
		else
			usleep(1000);
	}
}

static int orbus_connect(void)
{
	orbus_sample_init(&sample);
	sample.model = SAMPLE_MODEL;
	sample.response_ms = SAMPLE_RESPONSE;
	sample.ttft_ms = SAMPLE_TTFT;
	sample.prompt_tokens = SAMPLE_PROMPT;
	sample.completion_tokens = SAMPLE_COMPLETION;
	sample.cost_usd = SAMPLE_COST;
	return orbus_producer_open(run_name(), "acore", &producer);
}

static void orbus_send(void)
{
	orbus_publish(producer, &sample);
}

static void orbus_close(void)
{
	char path[96];

	orbus_producer_close(producer);
	snprintf(path, sizeof(path), "/dev/shm/%s", run_name());
	unlink(path);
	strcat(path, ".lanes");
	unlink(path);
}

const struct peer peer_orbus = {
    "orbus", orbus_prepare, orbus_drain, orbus_connect, orbus_send, orbus_close, 1000000};

/* --- ck_ring ---------------------------------------------------------------------------------- */

#define RING_SLOTS 4096

/* One producer and one consumer; an entry holds the bytes themselves. */
struct shared_ring {
	ck_ring_t ring;
	struct entry {
		uint32_t length;
		char bytes[252];
	} entries[RING_SLOTS];
};

CK_RING_PROTOTYPE(sample, entry)

static struct shared_ring *shared;

static int ck_prepare(void)
{
	shared =
	    mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		return 1;
	ck_ring_init(&shared->ring, RING_SLOTS);
	return 0;
}

static void ck_drain(void)
{
	struct entry e;

	for (;;) {
		while (CK_RING_DEQUEUE_SPSC(sample, &shared->ring, shared->entries, &e))
			received(e.bytes, e.length);
		usleep(1000);
	}
}

static void ck_send(void)
{
	struct entry e;

	e.length = (uint32_t)sample_pack(e.bytes);
	(void)CK_RING_ENQUEUE_SPSC(sample, &shared->ring, shared->entries, &e);
}

static void ck_close(void)
{
	munmap(shared, sizeof(*shared));
}

const struct peer peer_ck_ring = {
    "ck_ring in shared memory", ck_prepare, ck_drain, NULL, ck_send, ck_close, 1000000};
