/*
 * segment.h: the ring object as a whole: made, opened, checked, mapped.
 *
 * It is not for lanes' ownership (lane.h) nor for what slots hold (slot.h).
 */
#ifndef ORBUS_RING_SEGMENT_H
#define ORBUS_RING_SEGMENT_H

#include "layout.h"
#include "orbus.h"
#include "shm_object.h"

/* A private, validated copy of what the header says. */
struct ring_shape {
	uint8_t bus_id[16];
	uint64_t created_ns;
	uint64_t locks_inode;
	uint64_t inode; /* of the ring object itself */
	uint32_t page_bytes;
	uint32_t lane_count;
	uint32_t slots_per_lane;
	uint32_t slot_bytes;
	uint64_t lanes_offset;
	uint64_t lane_stride;
	uint64_t ring_bytes;
};

/*
 * Opens the ring of the bus and validates its header against the object's real size. Returns a
 * descriptor or a negative errno: -ENOENT, -EACCES, -EKEYREJECTED of a user who is not trusted,
 * -EBADMSG foreign or damaged, -EPROTONOSUPPORT with the version met in *version (may be NULL).
 */
int segment_open(
    const struct bus_paths *paths, int flags, struct ring_shape *shape, uint32_t *version);

/*
 * Opens the bus for producing, making what is missing: returns 0 with descriptors of the ring and
 * of the lock object (both read-write) that belong together. *created tells whether this call made
 * the ring. `options` may be NULL, and are of a ring that is made here: see segment_adjust().
 *
 * Where the lock of those who make a ring is held it tries again for at most `wait_ms`; 0: not at
 * all. -EBUSY: it is held still.
 */
int segment_attach(const struct bus_paths *paths, const struct orbus_create_options *options,
    unsigned wait_ms, struct ring_shape *shape, int *ring_fd, int *locks_fd, bool *created);

/* How long opening and creating may try. A ring is made in a fraction of a millisecond. */
#define SEGMENT_WAIT_MS 80

/*
 * Gives a ring that exists, and its lock object, the mode and group of `options`. -EEXIST: they
 * ask for another shape; -EPERM: they belong to another user, or the group is not one of ours.
 */
int segment_adjust(const struct orbus_create_options *options, const struct ring_shape *shape,
    int ring_fd, int locks_fd);

/* orbus_create(), with what it may wait: see segment_attach(). */
int segment_create(
    const struct bus_paths *paths, const struct orbus_create_options *options, unsigned wait_ms);

/* A whole ring mapped for reading. */
struct segment {
	struct ring_shape shape;
	const uint8_t *base;
	const struct ring_shared *shared;
};

int segment_map_readonly(const struct bus_paths *paths, struct segment *out);
void segment_unmap(struct segment *s);

/* The payload bytes that a slot holds. */
static inline uint32_t shape_payload_bytes(const struct ring_shape *shape)
{
	return shape->slot_bytes - (uint32_t)sizeof(struct slot);
}

#endif
