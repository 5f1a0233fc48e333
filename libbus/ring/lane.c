/*
 * lane.c: owning one lane of a ring: claimed, mapped, given back.
 *
 * Ownership is an open-file-description lock on the lane's byte of the lock object. The lock lives
 * in a mapping: the descriptor that took it is closed at once, so that a daemon which closes all
 * its descriptors keeps its lane, and the lane costs no descriptor. Each claim opens a description
 * of its own, so two handles of one process exclude each other like two processes do. The mapping
 * is MADV_DONTFORK, or a child would keep its dead parent's lane locked.
 *
 * The kernel drops the lock at any death of the process, and orders that after all the
 * owner's stores; the next owner's lock acquires them. So `head` and `epoch` are read here, once,
 * by a thread that is the lane's only writer, and kept in private memory from then on.
 */
#include "lane.h"
#include "base/now.h"
#include "head.h"
#include "slow_path.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

#define EPOCH_STEP_MAX 65536u
#define ALLOCATE_TRIES 8
static void *map_private_to_process(int fd, uint64_t offset, size_t bytes, int protection)
{
	void *p = mmap(NULL, bytes, protection, MAP_SHARED, fd, (off_t)offset);

	if (p == MAP_FAILED)
		return NULL;
	if (madvise(p, bytes, MADV_DONTFORK) < 0) {
		munmap(p, bytes);
		return NULL;
	}
	return p;
}

/* A page that the kernel wipes in a forked child; its first word is the liveness token. */
static uint64_t *map_token(size_t page)
{
	uint64_t *token =
	    mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (token == MAP_FAILED)
		return NULL;
	if (madvise(token, page, MADV_WIPEONFORK) < 0) {
		munmap(token, page);
		return NULL;
	}
	*token = 1;
	return token;
}

/*
 * Locks the lowest free lane, so that short-lived producers reuse the memory of those before.
 * For each question the kernel walks its list of locks: 10 us where thousands are taken.
 */
static int lock_free_lane(
    int locks_fd, uint32_t lane_count, struct lane_effort *effort, uint32_t *index)
{
	/* All lanes of a bus of the usual size are asked at once: that takes half a millisecond. */
	bool is_bounded = effort->walk_ns && lane_count > ORBUS_LANES_DEFAULT;
	/* CPU time of this thread: waiting for the processor does not count. */
	uint64_t start_ns = is_bounded ? now_ns_of(CLOCK_THREAD_CPUTIME_ID) : 0;
	uint32_t i = effort->from < lane_count ? effort->from : 0;

	for (effort->from = 0; i < lane_count; i++) {
		int err = object_lock(locks_fd, i);

		*index = i;
		if (err != -EAGAIN)
			return err;
		if (is_bounded && now_ns_of(CLOCK_THREAD_CPUTIME_ID) - start_ns > effort->walk_ns) {
			effort->from = i + 1;
			return -EAGAIN;
		}
	}
	return -EUSERS;
}

void lane_say_reserved(const struct lane *lane)
{
	/* Release: a reader that sees the bit sees a reserved lane. Pairs with lane_in_use(). */
	atomic_fetch_or_explicit(&lane->shared->reserved[lane->index / 64],
	    UINT64_C(1) << (lane->index % 64), memory_order_release);
}

/* Reserves the lane's memory, then shows that to readers. -ENOSPC: /dev/shm is full. */
static int reserve(int ring_fd, struct lane *lane, bool within_publish)
{
	const struct ring_shape *shape = &lane->shape;
	uint64_t start = shape->lanes_offset + lane->index * shape->lane_stride;
	int err = 0;

	/* Bounded: a program's timers may interrupt every attempt. */
	for (int tries = 0; tries < ALLOCATE_TRIES; tries++) {
		err = posix_fallocate(ring_fd, (off_t)start, (off_t)shape->lane_stride);
		if (err != EINTR)
			break;
	}
	if (err)
		return system_error(err);
	lane->header =
	    map_private_to_process(ring_fd, start, shape->lane_stride, PROT_READ | PROT_WRITE);
	if (!lane->header)
		return system_error(errno);
	lane->slots = (uint8_t *)(lane->header + 1);
	/*
	 * Take the page faults now and not in a publish; an older kernel knows no such advice.
	 * Within a publish they are taken one by one: all at once would take a millisecond.
	 */
	if (!within_publish)
		(void)madvise(lane->header, shape->lane_stride, MADV_POPULATE_WRITE);
	lane_say_reserved(lane);
	return 0;
}

static uint64_t random_word(void)
{
	uint64_t word;

	if (getrandom(&word, sizeof(word), GRND_NONBLOCK) != (ssize_t)sizeof(word))
		word = now_ns_of(CLOCK_MONOTONIC) * UINT64_C(0x9e3779b97f4a7c15);
	return word;
}

/* Another one for each owner, random, so that no former owner can guess and claim it; never 0. */
static uint32_t next_epoch(uint32_t former)
{
	uint32_t epoch = former + 1 + (uint32_t)(random_word() % EPOCH_STEP_MAX);

	return epoch ? epoch : 1;
}

/*
 * The number of the record in a slot, plus 1; 0 where there is none, or one that cannot be there.
 * The slot may hold anything. A record is accepted in its own slot only, and with no higher number
 * than can have been reached.
 */
static uint64_t end_of_slot(const struct lane *lane, uint64_t slot, uint64_t boottime_ns)
{
	uint64_t mask = lane->shape.slots_per_lane - 1;
	size_t at = (size_t)(slot & mask) * lane->shape.slot_bytes;
	uint64_t sequence = atomic_load_explicit(
	    &((const struct slot *)(lane->slots + at))->sequence, memory_order_relaxed);
	uint64_t record = sequence / 2 - 1;

	if (sequence < 2 || sequence & 1 || (record & mask) != (slot & mask) ||
	    !head_is_claimable(record, boottime_ns))
		return 0;
	return record + 1;
}

/* Records published in the lane, as its slots have it. Takes some 10 ns a slot. */
static uint64_t count_by_slots(const struct lane *lane, uint64_t boottime_ns)
{
	uint64_t highest = 0;

	for (uint64_t i = 0; i < lane->shape.slots_per_lane; i++) {
		uint64_t end = end_of_slot(lane, i, boottime_ns);

		highest = end > highest ? end : highest;
	}
	return highest;
}

/* The head is possible, the record before it is in its slot, and no later record is. */
static bool is_borne_out(const struct lane *lane, uint64_t head, uint64_t boottime_ns)
{
	return head_is_claimable(head, boottime_ns) &&
	       end_of_slot(lane, head, boottime_ns) <= head &&
	       (head == 0 || end_of_slot(lane, head - 1, boottime_ns) == head);
}

/*
 * Continues the lane where its last owner left it. Had that one died inside a publish, record
 * `head` is begun but not published: its slot is simply written again.
 *
 * The last owner may have left anything. A head that the slots do not confirm, or whose claim is
 * not the last owner's, is not continued: the slots tell how far the lane is, and a new count
 * begins there, of which readers take every record. (Where that owner died between its record and
 * the head, the record was not published: the count begins with it.)
 */
static void continue_sequence(struct lane *lane)
{
	struct lane_header *h = lane->header;
	uint64_t now_ns = now_ns_of(CLOCK_BOOTTIME);
	uint64_t former = atomic_load_explicit(&h->epoch, memory_order_acquire);
	uint64_t claim = atomic_load_explicit(&h->claim, memory_order_relaxed);

	lane->head = atomic_load_explicit(&h->head, memory_order_acquire);
	lane->count_id = atomic_load_explicit(&h->count_id, memory_order_relaxed);
	lane->count_head = atomic_load_explicit(&h->count_head, memory_order_relaxed);
	if (claim != head_claim_word(former, lane->count_id, lane->count_head) ||
	    lane->count_id == 0 || lane->count_head > lane->head ||
	    !is_borne_out(lane, lane->head, now_ns)) {
		uint64_t count = count_by_slots(lane, now_ns);

		if (count == 0 || count - 1 != lane->head)
			lane->head = count;
		lane->count_head = lane->head;
		lane->count_id = random_word() >> 1 | 1; /* JSON has no more bits */
	}
	lane->epoch = next_epoch((uint32_t)former);
	lane->claim = head_claim_word(lane->epoch, lane->count_id, lane->count_head);
	/*
	 * The head twice: a reader that sees the new epoch must see no head of before. Release:
	 * pairs with lane_view_read().
	 */
	atomic_store_explicit(&h->head, lane->head, memory_order_release);
	lane_store_header(h, lane);
}

int lane_claim(const struct bus_paths *paths, struct lane_effort *effort, struct lane *lane)
{
	bool created;
	int err, ring_fd, locks_fd;

	memset(lane, 0, sizeof(*lane));
	err = segment_attach(
	    paths, NULL, effort->wait_ms, &lane->shape, &ring_fd, &locks_fd, &created);
	if (err)
		return err;
	lane->alive = map_token(lane->shape.page_bytes);
	if (!lane->alive) {
		err = system_error(errno);
		goto out;
	}
	err = lock_free_lane(locks_fd, lane->shape.lane_count, effort, &lane->index);
	if (err)
		goto out;
	lane->lock = map_private_to_process(locks_fd, 0, lane->shape.page_bytes, PROT_NONE);
	if (!lane->lock) {
		err = system_error(errno);
		goto out;
	}
	lane->shared = map_private_to_process(
	    ring_fd, lane->shape.page_bytes, lane->shape.page_bytes, PROT_READ | PROT_WRITE);
	if (!lane->shared) {
		err = system_error(errno);
		goto out;
	}
	err = reserve(ring_fd, lane, effort->walk_ns != 0);
	if (!err)
		continue_sequence(lane);
out:
	close(locks_fd);
	close(ring_fd);
	if (err)
		lane_release(lane);
	return err;
}

void lane_release(struct lane *lane)
{
	size_t page = lane->shape.page_bytes;

	if (lane->alive && lane_is_mine(lane)) {
		if (lane->header)
			munmap(lane->header, lane->shape.lane_stride);
		if (lane->shared)
			munmap(lane->shared, page);
		/* Last: from here on another process may own the lane. */
		if (lane->lock)
			munmap(lane->lock, page);
	}
	if (lane->alive)
		munmap((void *)(uintptr_t)lane->alive, page);
	memset(lane, 0, sizeof(*lane));
}
