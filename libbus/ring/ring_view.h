/*
 * ring_view.h: one incarnation of a bus as a reader sees it, with the place reached in each lane.
 * For reader.c, which may have two of them for a moment.
 */
#ifndef ORBUS_RING_RING_VIEW_H
#define ORBUS_RING_RING_VIEW_H

#include "segment.h"
#include "slot.h"

/* The place reached in a lane, and what its writer is worth. */
struct cursor {
	uint64_t next;    /* record to take next */
	uint64_t head;    /* as last looked at */
	uint64_t counted; /* records below were counted by an earlier process */
	uint64_t lost;
	uint64_t lies; /* times that the lane said what cannot be */

	uint64_t epoch;       /* as the header had it at last */
	uint64_t owner;       /* the epoch of the owner whose claim was seen last */
	uint64_t count_id;    /* of the count that `next` goes by; 0: not known */
	uint64_t from;        /* its first record: owners vouch for those from here on */
	uint64_t believed_ns; /* when a head was last believed; 0: never */

	uint64_t aside_until_ns; /* not looked at before; 0: not put aside */
	uint64_t lied_ns;        /* at last */
	uint32_t barren;         /* records in a row of which none was a sample */
	uint8_t level;           /* of the time for which it is put aside next */
	bool in_use;             /* its memory is reserved, which stays so */
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

/* Maps the bus; begins with the oldest records that it still holds. `clock` NULL: CLOCK_BOOTTIME.
 */
int ring_view_open(struct ring_view *s, const struct bus_paths *paths, ring_view_clock *clock);
void ring_view_close(struct ring_view *s);

const struct lane_header *ring_view_lane(const struct ring_view *s, uint32_t lane);
const struct slot *ring_view_slot(const struct ring_view *s, uint32_t lane, uint64_t record);

/* True once the lane's memory is reserved: no other lane is ever touched. */
bool ring_view_lane_in_use(const struct ring_view *s, uint32_t lane);

/* What the lane's header says now: records ever published, and its owner's epoch. */
uint64_t ring_view_head(const struct ring_view *s, uint32_t lane);
uint32_t ring_view_epoch(const struct ring_view *s, uint32_t lane);

/* Takes a fresh look at a lane. False: nothing to take there now. */
bool ring_view_look(struct ring_view *s, uint32_t lane);

/*
 * Notes what became of the record before `next`: a sample, not a valid one, or not there:
 * overwritten, or never written at all.
 */
void ring_view_note_sample(struct ring_view *s, uint32_t lane);
void ring_view_note_rejected(struct ring_view *s, uint32_t lane);
void ring_view_note_missing(struct ring_view *s, uint32_t lane);

/* Whether any lane has moved since its records were taken; those put aside are passed over. */
bool ring_view_has_news(struct ring_view *s);

/* When the first of the lanes that are put aside is due again; UINT64_MAX: none is put aside. */
uint64_t ring_view_next_due_ns(struct ring_view *s);

/* As reader_set_position() has it. */
bool ring_view_set_position(
    struct ring_view *s, uint32_t lane, uint64_t position, uint64_t count_id);

/* Passes over everything that is there. */
void ring_view_skip(struct ring_view *s);

/* Records overwritten before they were taken. */
uint64_t ring_view_lost(const struct ring_view *s);

#endif
