/*
 * scribble.c: a process that may write a bus and lies in its lanes.
 *
 *   scribble BUS MODE LANES SECONDS
 *
 * It takes the highest LANES lanes, which honest bots come to last, says "ready", and goes on for
 * so long, or until it is killed. MODE: race      heads that rise by a lane's slots, as fast as
 * they can be stored random    heads of any value back      heads that go back and forth by a
 * lane's slots owners    owners that change all the time, and claim anything records   heads that
 * are true, of records that are rubbish spoil     every lane's head and claim once: what the next
 * owner of a lane will find Prints how often it has gone round.
 */
#include "ring/head.h"
#include "ring/layout.h"
#include "ring/segment.h"
#include "ring/slot.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

static uint64_t state = 88172645463325252;

static uint64_t any(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	/* Small and large ones alike. */
	return state >> (state & 63);
}

struct ring {
	struct ring_shape shape;
	uint8_t *base;
	struct ring_shared *shared;
};

static struct lane_header *lane_of(const struct ring *r, uint32_t lane)
{
	return (
	    struct lane_header *)(r->base + r->shape.lanes_offset + lane * r->shape.lane_stride);
}

static void store(_Atomic uint64_t *word, uint64_t value)
{
	atomic_store_explicit(word, value, memory_order_release);
}

static void lie(const struct ring *r, const char *mode, uint32_t lane, uint64_t round)
{
	struct lane_header *h = lane_of(r, lane);
	uint64_t head = atomic_load_explicit(&h->head, memory_order_relaxed);
	uint64_t slots = r->shape.slots_per_lane, rubbish[2] = {any(), any()};
	struct slot *slot;

	if (strcmp(mode, "race") == 0) {
		store(&h->head, head + slots);
	} else if (strcmp(mode, "back") == 0) {
		store(&h->head, round & 1 ? head + slots : head - slots);
	} else if (strcmp(mode, "records") == 0) {
		slot = (struct slot *)((uint8_t *)(h + 1) +
				       (head & (slots - 1)) * r->shape.slot_bytes);
		/* No msgpack begins like this: chance makes no sample of it. */
		rubbish[0] = (rubbish[0] & ~UINT64_C(0xff)) | 0xc1;
		slot_write(slot, head, (uint32_t)any(), rubbish, sizeof(rubbish));
		store(&h->head, head + 1);
	} else {
		if (strcmp(mode, "random") != 0) {
			store(&h->count_head, any());
			store(&h->count_id, any());
			store(&h->claim, head_claim_word(rubbish[0], h->count_id, h->count_head));
			store(&h->epoch, rubbish[0]);
		}
		store(&h->head, any());
	}
}

static bool open_ring(const char *bus, struct ring *r)
{
	struct bus_paths paths;
	int fd;

	if (bus_paths_resolve(bus, &paths) != 0)
		return false;
	fd = segment_open(&paths, O_RDWR, &r->shape, NULL);
	if (fd < 0)
		return false;
	r->base = mmap(NULL, r->shape.ring_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	r->shared = (struct ring_shared *)(r->base + r->shape.page_bytes);
	return r->base != MAP_FAILED;
}

int main(int argc, char **argv)
{
	uint64_t round = 0;
	uint32_t first, lanes;
	struct ring r;
	time_t end;

	if (argc != 5 || !open_ring(argv[1], &r))
		return EXIT_FAILURE;
	lanes = (uint32_t)strtoul(argv[3], NULL, 10);
	first = lanes < r.shape.lane_count ? r.shape.lane_count - lanes : 0;
	for (uint32_t i = first; i < r.shape.lane_count; i++)
		atomic_fetch_or(&r.shared->reserved[i / 64], UINT64_C(1) << (i % 64));
	puts("ready");
	fflush(stdout);
	end = time(NULL) + atoi(argv[4]);
	do {
		for (uint32_t i = first; i < r.shape.lane_count; i++)
			lie(&r, argv[2], i, round);
		round++;
	} while (strcmp(argv[2], "spoil") != 0 && time(NULL) < end);
	printf("%llu rounds\n", (unsigned long long)round);
	return EXIT_SUCCESS;
}
