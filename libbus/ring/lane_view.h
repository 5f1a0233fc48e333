/*
 * lane_view.h: what a lane says of itself in the ring, and what its slots hold.
 *
 * Nothing is checked here: lane_belief.h compares the two.
 */
#ifndef ORBUS_RING_LANE_VIEW_H
#define ORBUS_RING_LANE_VIEW_H

#include "segment.h"
#include "slot.h"

/* The place reached in a lane, and how far its writer can be believed. */
struct cursor {
	uint64_t next;    /* record to take next */
	uint64_t head;    /* as last looked at */
	uint64_t counted; /* records below were counted by an earlier process */
	uint64_t lost;
	uint64_t lies; /* times that the lane's header was impossible */

	/* The place after the last record that was taken, and whose that was; 0: not known. */
	uint64_t taken;
	uint64_t taken_epoch;

	uint64_t epoch;       /* as the header had it at last */
	uint64_t owner;       /* the epoch of the owner whose claim was seen last */
	uint64_t owner_count; /* the count that he claims to be in */
	uint64_t count_id;    /* of the count that `next` goes by; 0: not known */
	uint64_t from;        /* the claim's first record: those from here on were published */
	uint64_t believed_ns; /* when a head was last believed; 0: never */

	uint64_t aside_until_ns; /* not looked at before; 0: not put aside */
	uint64_t lied_ns;        /* at last */
	uint32_t barren;         /* records in a row of which none was a sample */
	uint8_t level;           /* of the time for which it is put aside next */
	bool in_use;             /* its memory is reserved, which stays so */
	bool is_claimed;         /* what is below `head` was looked at under the owner's claim */
	bool is_behind;          /* its head was below `next`, and was given time to recover */
};

/* CLOCK_BOOTTIME in nanoseconds, or what a test wants. */
typedef uint64_t ring_view_clock(void);

/* One incarnation of the bus, with the place reached in each of its lanes. */
struct ring_view {
	struct segment segment;
	struct cursor *cursors;
	ring_view_clock *clock;
	uint64_t now_ns; /* as of this call of the reader, which sets it to 0: not yet asked for */
};

/* A lane's header at one instant. */
struct lane_view {
	uint64_t head;
	uint64_t epoch;
	bool is_claimed; /* and the count's id and first record are told */
	uint64_t count_id;
	uint64_t begin;
};

/*
 * The time of this call of the reader, and so some milliseconds old at most: early enough to be
 * fair to a head that is read later.
 */
static inline uint64_t ring_view_now(struct ring_view *s)
{
	if (s->now_ns == 0)
		s->now_ns = s->clock();
	return s->now_ns;
}

static inline const struct lane_header *lane_view_header(const struct ring_view *s, uint32_t lane)
{
	const struct ring_shape *shape = &s->segment.shape;

	return (const struct lane_header *)(s->segment.base + shape->lanes_offset +
					    lane * shape->lane_stride);
}

static inline const struct slot *lane_view_slot(
    const struct ring_view *s, uint32_t lane, uint64_t record)
{
	const struct ring_shape *shape = &s->segment.shape;
	const uint8_t *slots = (const uint8_t *)(lane_view_header(s, lane) + 1);

	return (const struct slot *)(slots + (size_t)(record & (shape->slots_per_lane - 1)) *
						 shape->slot_bytes);
}

/* True once the lane's memory is reserved: no other lane is ever touched. */
static inline bool lane_view_in_use(const struct ring_view *s, uint32_t lane)
{
	uint64_t word;

	/* Memory stays reserved: a lane that was seen in use stays so, even if its bit is cleared.
	 */
	if (s->cursors && s->cursors[lane].in_use)
		return true;
	/* Acquire: pairs with the release in lane_say_reserved(). */
	word = atomic_load_explicit(&s->segment.shared->reserved[lane / 64], memory_order_acquire);
	return word >> (lane % 64) & 1;
}

/* What the lane's header says now: records ever published, and its owner's epoch. */
static inline uint64_t lane_view_head(const struct ring_view *s, uint32_t lane)
{
	/* Acquire: pairs with the release store of head in lane_store_header(). */
	return atomic_load_explicit(&lane_view_header(s, lane)->head, memory_order_acquire);
}

static inline uint32_t lane_view_epoch(const struct ring_view *s, uint32_t lane)
{
	return (uint32_t)atomic_load_explicit(
	    &lane_view_header(s, lane)->epoch, memory_order_acquire);
}

/* Reads a header whose parts belong together. False: it changed during each attempt. */
bool lane_view_read(const struct ring_view *s, uint32_t lane, struct lane_view *v);

/* The sequence of the record's slot. Acquire: pairs with the release store in slot_write(). */
static inline uint64_t lane_view_sequence(const struct ring_view *s, uint32_t lane, uint64_t record)
{
	return atomic_load_explicit(
	    &lane_view_slot(s, lane, record)->sequence, memory_order_acquire);
}

/* The record was written: its slot holds it, or a later one. */
static inline bool lane_view_was_written(const struct ring_view *s, uint32_t lane, uint64_t record)
{
	return lane_view_sequence(s, lane, record) >= slot_sequence_whole(record);
}

/* The lane's last record is there, as it is wherever an honest writer's head counts it. */
static inline bool lane_view_is_backed(const struct ring_view *s, uint32_t lane, uint64_t head)
{
	return head == 0 || lane_view_was_written(s, lane, head - 1);
}

/* The oldest record that the lane can still hold. */
static inline uint64_t lane_view_oldest(const struct ring_view *s, uint64_t head)
{
	uint32_t slots = s->segment.shape.slots_per_lane;

	return head > slots ? head - slots : 0;
}

/* The place reached, by us or by an earlier process. */
static inline uint64_t cursor_reached(const struct cursor *c)
{
	return c->next > c->counted ? c->next : c->counted;
}

static inline uint64_t min_u64(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/*
 * Whether there is another record, or another owner, whose first records may have the numbers of
 * some that were taken.
 */
static inline bool lane_view_has_moved(const struct ring_view *s, uint32_t lane)
{
	const struct cursor *c = &s->cursors[lane];

	return lane_view_head(s, lane) != c->next ||
	       atomic_load_explicit(&lane_view_header(s, lane)->epoch, memory_order_acquire) !=
	           c->epoch;
}

/* The record is in its slot, whole, and the owner of `epoch` wrote it. */
bool lane_view_is_by(const struct ring_view *s, uint32_t lane, uint64_t record, uint64_t epoch);

/* Notes that the records before `place` were taken, the last of them as its slot has it now. */
void lane_view_note_place(const struct ring_view *s, uint32_t lane, uint64_t place);

/*
 * The header still names the owner of `v`. Asked after loads of the slots: what these showed was
 * published by then, and by no later owner.
 */
bool lane_view_is_current(const struct ring_view *s, uint32_t lane, const struct lane_view *v);

/*
 * The record before `place` is in its slot, by another owner than the one of `epoch`. So the owner
 * of `epoch` found it there, and can have begun a count before `place` only at that record, by
 * writing it again.
 */
bool lane_view_is_older_than(
    const struct ring_view *s, uint32_t lane, uint64_t place, uint64_t epoch);

#endif
