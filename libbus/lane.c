/*
 * lane.c: owning one lane of a ring: claimed, mapped, given back.
 *
 * Ownership is an open-file-description lock on the lane's byte of the lock object. The lock lives
 * in a mapping: the descriptor that took it is closed at once, so that a daemon which closes all
 * its descriptors keeps its lane, and the lane costs no descriptor. Each claim opens a description
 * of its own, so two handles of one process exclude each other like two processes do. The mapping
 * is MADV_DONTFORK, or a child would keep its dead parent's lane locked.
 *
 * The kernel drops the lock when the process dies however it dies, and orders that after all the
 * owner's stores; the next owner's lock acquires them. So `head` and `epoch` are read here, once,
 * by a thread that is the lane's only writer, and kept in private memory from then on.
 */
#include "lane.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* EINVAL would speak of the caller's arguments, where it is the kernel that knows no such advice.
 */
static int advise(void *p, size_t bytes, int advice)
{
	int err = madvise(p, bytes, advice);

	if (err < 0 && errno == EINVAL)
		errno = ENOSYS;
	return err;
}

static void *map_private_to_process(int fd, uint64_t offset, size_t bytes, int protection)
{
	void *p = mmap(NULL, bytes, protection, MAP_SHARED, fd, (off_t)offset);

	if (p == MAP_FAILED)
		return NULL;
	if (advise(p, bytes, MADV_DONTFORK) < 0) {
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
	if (advise(token, page, MADV_WIPEONFORK) < 0) {
		munmap(token, page);
		return NULL;
	}
	*token = 1;
	return token;
}

/* Locks the lowest free lane, so that short-lived producers reuse the memory of those before. */
static int lock_free_lane(int locks_fd, uint32_t lane_count, uint32_t *index)
{
	for (uint32_t i = 0; i < lane_count; i++) {
		int err = object_lock(locks_fd, i, false);

		if (err == -EAGAIN)
			continue;
		*index = i;
		return err;
	}
	return -EUSERS;
}

/* Reserves the lane's memory, then says so to readers. A full /dev/shm shows here as -ENOSPC. */
static int reserve(int ring_fd, struct lane *lane)
{
	const struct ring_shape *shape = &lane->shape;
	uint64_t start = shape->lanes_offset + lane->index * shape->lane_stride;
	int err;

	do
		err = posix_fallocate(ring_fd, (off_t)start, (off_t)shape->lane_stride);
	while (err == EINTR);
	if (err)
		return -err;
	lane->header =
	    map_private_to_process(ring_fd, start, shape->lane_stride, PROT_READ | PROT_WRITE);
	if (!lane->header)
		return -errno;
	lane->slots = (uint8_t *)(lane->header + 1);
	/* Take the page faults now and not in a publish; an older kernel knows no such advice. */
	(void)madvise(lane->header, shape->lane_stride, MADV_POPULATE_WRITE);
	/* Release: a reader that sees the bit sees a reserved lane. Pairs with source_look(). */
	atomic_fetch_or_explicit(&lane->shared->reserved[lane->index / 64],
	    UINT64_C(1) << (lane->index % 64), memory_order_release);
	return 0;
}

/*
 * Continues the lane where its last owner left it. Had that one died inside a publish, record
 * `head` is begun but not published: its slot is simply written again.
 */
static void continue_sequence(struct lane *lane)
{
	lane->head = atomic_load_explicit(&lane->header->head, memory_order_acquire);
	/* Readers take no such count: it is somebody's scribble, and would hide all that follows.
	 */
	if (lane->head >= ORBUS_HEAD_LIMIT) {
		lane->head = 0;
		atomic_store_explicit(&lane->header->head, 0, memory_order_release);
	}
	lane->epoch =
	    (uint32_t)atomic_load_explicit(&lane->header->epoch, memory_order_acquire) + 1;
	/* Release: pairs with source_look(), which must see the new epoch with its first record. */
	atomic_store_explicit(&lane->header->epoch, lane->epoch, memory_order_release);
}

int lane_claim(const struct bus_paths *paths, struct lane *lane)
{
	bool created;
	int err, ring_fd, locks_fd;

	memset(lane, 0, sizeof(*lane));
	err = segment_attach(paths, NULL, &lane->shape, &ring_fd, &locks_fd, &created);
	if (err)
		return err;
	lane->alive = map_token(lane->shape.page_bytes);
	if (!lane->alive) {
		err = -errno;
		goto out;
	}
	err = lock_free_lane(locks_fd, lane->shape.lane_count, &lane->index);
	if (err)
		goto out;
	lane->lock = map_private_to_process(locks_fd, 0, lane->shape.page_bytes, PROT_NONE);
	if (!lane->lock) {
		err = -errno;
		goto out;
	}
	lane->shared = map_private_to_process(
	    ring_fd, lane->shape.page_bytes, lane->shape.page_bytes, PROT_READ | PROT_WRITE);
	if (!lane->shared) {
		err = -errno;
		goto out;
	}
	err = reserve(ring_fd, lane);
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
		/* Last: from here on the lane is somebody else's. */
		if (lane->lock)
			munmap(lane->lock, page);
	}
	if (lane->alive)
		munmap((void *)(uintptr_t)lane->alive, page);
	memset(lane, 0, sizeof(*lane));
}
