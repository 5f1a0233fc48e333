/*
 * reader_lanes.c: what the agent and the tools need of a reader beyond orbus.h: its lanes, their
 * positions and owners.
 *
 * These functions do not check the handle: the agent and the tools hold an open one, and use it in
 * one thread.
 */
#include "base/now.h"
#include "handle.h"
#include "reader.h"
#include "reader_body.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* Slots in which reader_lane_bot() looks for a sample. */
#define BOT_SLOTS 64

static struct reader *body_of(const struct orbus_reader *h)
{
	return handle_cell_of(h)->body;
}

void reader_set_poll_ms(struct orbus_reader *h, uint32_t live_ms)
{
	struct reader *r = body_of(h);
	r->poll_live_ms = live_ms;
}

const struct sample_origin *reader_origin(const struct orbus_reader *h)
{
	const struct reader *r = body_of(h);
	return &r->origin;
}

const uint8_t *reader_bus_id(const struct orbus_reader *h)
{
	const struct reader *r = body_of(h);
	return r->now.segment.shape.bus_id;
}

uint32_t reader_lane_count(const struct orbus_reader *h)
{
	const struct reader *r = body_of(h);
	return r->now.segment.shape.lane_count;
}

uint32_t reader_slots_per_lane(const struct orbus_reader *h)
{
	const struct reader *r = body_of(h);
	return r->now.segment.shape.slots_per_lane;
}

uint64_t reader_ring_bytes(const struct orbus_reader *h)
{
	const struct reader *r = body_of(h);
	const struct ring_shape *shape = &r->now.segment.shape;
	uint64_t lanes = 0;

	for (uint32_t i = 0; i < shape->lane_count; i++)
		lanes += lane_view_in_use(&r->now, i);
	return lanes * shape->slots_per_lane * shape->slot_bytes;
}

bool reader_lane_in_use(const struct orbus_reader *h, uint32_t lane)
{
	const struct reader *r = body_of(h);
	return lane_view_in_use(&r->now, lane);
}

uint64_t reader_position(const struct orbus_reader *h, uint32_t lane)
{
	const struct reader *r = body_of(h);
	const struct cursor *c = &r->now.cursors[lane];

	return c->next > c->counted ? c->next : c->counted;
}

uint64_t reader_position_count(const struct orbus_reader *h, uint32_t lane)
{
	const struct reader *r = body_of(h);
	return r->now.cursors[lane].count_id;
}

bool reader_set_position(
    struct orbus_reader *h, uint32_t lane, uint64_t position, uint64_t count_id)
{
	struct reader *r = body_of(h);
	reader_forget_time(r);
	return ring_view_set_position(&r->now, lane, position, count_id);
}

uint32_t reader_lane_epoch(const struct orbus_reader *h, uint32_t lane)
{
	const struct reader *r = body_of(h);
	return lane_view_epoch(&r->now, lane);
}

/* The lock object that belongs to this ring: in another one no lane of ours would have an owner. */
static int open_locks(const struct reader *r)
{
	struct stat st;
	int fd = object_open(&r->paths, r->paths.locks, O_RDWR);

	if (fd < 0 || (fstat(fd, &st) == 0 && st.st_ino == r->now.segment.shape.locks_inode))
		return fd;
	close(fd);
	return -ESTALE;
}

bool reader_is_drained(const struct orbus_reader *h)
{
	const struct reader *r = body_of(h);
	return r->drained;
}

uint64_t reader_lane_head(const struct orbus_reader *h, uint32_t lane)
{
	const struct reader *r = body_of(h);
	return lane_view_head(&r->now, lane);
}

int reader_lane_is_owned(struct orbus_reader *h, uint32_t lane)
{
	struct reader *r = body_of(h);
	uint64_t now_ns;

	if (r->locks_fd >= 0)
		return object_is_locked(r->locks_fd, lane);
	now_ns = now_ns_of(CLOCK_MONOTONIC);
	if (r->locks_error == 0 || now_ns >= r->locks_retry_ns) {
		r->locks_fd = open_locks(r);
		r->locks_error = r->locks_fd < 0 ? r->locks_fd : 0;
		r->locks_retry_ns = now_ns + IDENTITY_EVERY_NS / 2;
	}
	return r->locks_fd < 0 ? r->locks_error : object_is_locked(r->locks_fd, lane);
}

uint64_t reader_lane_lies(const struct orbus_reader *h, uint32_t lane)
{
	const struct reader *r = body_of(h);
	return r->now.cursors[lane].lies;
}

void reader_lane_bot(struct orbus_reader *h, uint32_t lane, char *out, size_t bytes)
{
	struct reader *r = body_of(h);
	const struct ring_shape *shape = &r->now.segment.shape;
	struct orbus_sample s;
	uint32_t epoch, length;

	*out = '\0';
	for (uint64_t i = 0; lane_view_in_use(&r->now, lane) && i < BOT_SLOTS; i++) {
		const struct slot *slot = lane_view_slot(&r->now, lane, i);
		uint64_t sequence = atomic_load_explicit(&slot->sequence, memory_order_relaxed);

		if (sequence < 2 || !slot_read(slot, sequence / 2 - 1, r->payload,
					shape_payload_bytes(shape), &epoch, &length))
			continue;
		if (sample_decode(r->payload, length, &r->storage, &s) != 0 || !s.bot)
			continue;
		snprintf(out, bytes, "%s", s.bot);
		return;
	}
}

void reader_set_clock(struct orbus_reader *h, uint64_t (*clock)(void))
{
	struct reader *r = body_of(h);
	r->clock = r->now.clock = clock;
	reader_forget_time(r);
	for (uint32_t i = 0; i < r->now.segment.shape.lane_count; i++)
		if (r->now.cursors[i].believed_ns)
			r->now.cursors[i].believed_ns = clock();
}

uint64_t reader_lane_lost(const struct orbus_reader *h, uint32_t lane)
{
	const struct reader *r = body_of(h);
	return r->now.cursors[lane].lost;
}
