/*
 * liar.c: a producer that claims a lane of its own and lies in it until it is killed, for the soak.
 * (scribble.c lies in lanes that it has not claimed.)
 *
 *   liar BUS BOOKS heads|records PACE_US SEED
 *
 * heads     its lane's header: heads that race, go back or are anything, epochs and claims that are
 *           made up. It publishes nothing, so nothing of it may be counted, lost or rejected
 * records   records that are rubbish, truly counted: each is due as a rejected sample
 *
 * BOOKS is as bot.c has it, of the records; a third count is the lane's index.
 */
#include "ring/head.h"
#include "ring/lane.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

struct books {
	_Atomic uint64_t intended, published, lane;
};

static uint64_t state;

static uint64_t any(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	/* Small and large ones alike. */
	return state >> (state & 63);
}

static void store(_Atomic uint64_t *word, uint64_t value)
{
	atomic_store_explicit(word, value, memory_order_release);
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

/*
 * A head that is exactly one too low takes back the former owner's last sample, if no reader has
 * read it yet: it looks like an owner that died before it had published that sample. This one lie
 * is left out; docs/reliability.md lists it under "Not promised".
 */
static uint64_t any_head(const struct lane *lane)
{
	uint64_t head = any();

	return head + 1 == lane->head ? head - 1 : head;
}

static void lie_in_header(const struct lane *lane)
{
	struct lane_header *h = lane->header;
	uint64_t slots = lane->shape.slots_per_lane, times = 2 + any() % 64, epoch = any();

	switch (any() % 4) {
	case 0: store(&h->head, lane->head + times * slots); break;
	case 1: store(&h->head, lane->head > times ? lane->head - times : any_head(lane)); break;
	case 2:
		store(&h->count_head, any());
		store(&h->count_id, any());
		store(&h->claim, head_claim_word(epoch, h->count_id, h->count_head));
		store(&h->epoch, epoch);
		store(&h->head, any_head(lane));
		break;
	default: store(&h->head, any_head(lane));
	}
}

static void publish_rubbish(struct lane *lane, struct books *books)
{
	uint64_t rubbish[2] = {any(), any()}, slot = lane->head & (lane->shape.slots_per_lane - 1);

	/* No msgpack begins like this: chance makes no sample of it. */
	rubbish[0] = (rubbish[0] & ~UINT64_C(0xff)) | 0xc1;
	atomic_fetch_add(&books->intended, 1);
	slot_write((struct slot *)(lane->slots + slot * lane->shape.slot_bytes), lane->head,
	    lane->epoch, rubbish, sizeof(rubbish));
	lane->head++;
	lane_store_header(lane->header, lane);
	atomic_fetch_add(&books->published, 1);
}

int main(int argc, char **argv)
{
	struct lane_effort effort = {.wait_ms = 1000};
	struct bus_paths paths;
	struct timespec pause;
	struct books *books;
	struct lane lane;
	long pace_us;

	if (argc != 6)
		return 2;
	pace_us = strtol(argv[4], NULL, 10);
	pause = (struct timespec){pace_us / 1000000, pace_us % 1000000 * 1000};
	state = strtoull(argv[5], NULL, 10) | 1;
	if (bus_paths_resolve(argv[1], &paths) != 0 || lane_claim(&paths, &effort, &lane) != 0)
		return EXIT_FAILURE;
	books = open_books(argv[2]);
	if (!books)
		return EXIT_FAILURE;
	atomic_store(&books->lane, lane.index + 1);
	for (;;) {
		if (strcmp(argv[3], "records") == 0)
			publish_rubbish(&lane, books);
		else
			lie_in_header(&lane);
		nanosleep(&pause, NULL);
	}
}
