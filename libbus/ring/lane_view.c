/*
 * lane_view.c: what a lane says of itself in the ring, and what its slots hold.
 */
#include "lane_view.h"
#include "head.h"

#define VIEW_TRIES 4

/*
 * The epoch is read before the head and after it. A new owner stores the epoch before the head, so
 * a head of the new owner is never taken for one of the old owner.
 */
bool lane_view_read(const struct ring_view *s, uint32_t lane, struct lane_view *v)
{
	const struct lane_header *h = lane_view_header(s, lane);

	for (int tries = 0; tries < VIEW_TRIES; tries++) {
		uint64_t claim;

		/* Acquire: pairs with the release stores in lane_store_header(). */
		v->epoch = atomic_load_explicit(&h->epoch, memory_order_acquire);
		v->head = lane_view_head(s, lane);
		claim = atomic_load_explicit(&h->claim, memory_order_acquire);
		v->begin = atomic_load_explicit(&h->count_head, memory_order_acquire);
		v->count_id = atomic_load_explicit(&h->count_id, memory_order_acquire);
		v->is_claimed = v->count_id != 0 && v->begin <= v->head &&
		                claim == head_claim_word(v->epoch, v->count_id, v->begin);
		if (atomic_load_explicit(&h->epoch, memory_order_relaxed) == v->epoch)
			return true;
	}
	return false;
}

/* The epoch of the record's owner. False: it is not in its slot, or just being replaced there. */
static bool read_owner(const struct ring_view *s, uint32_t lane, uint64_t record, uint64_t *epoch)
{
	const struct slot *slot = lane_view_slot(s, lane, record);

	if (lane_view_sequence(s, lane, record) != slot_sequence_whole(record))
		return false;
	*epoch = atomic_load_explicit(&slot->owner, memory_order_relaxed) >> 32;
	atomic_thread_fence(
	    memory_order_acquire); /* pairs with the release fence in slot_write() */
	return atomic_load_explicit(&slot->sequence, memory_order_relaxed) ==
	       slot_sequence_whole(record);
}

bool lane_view_is_by(const struct ring_view *s, uint32_t lane, uint64_t record, uint64_t epoch)
{
	uint64_t owner;

	return read_owner(s, lane, record, &owner) && owner == epoch;
}

bool lane_view_is_older_than(
    const struct ring_view *s, uint32_t lane, uint64_t place, uint64_t epoch)
{
	uint64_t owner;

	return place > 0 && read_owner(s, lane, place - 1, &owner) && owner != epoch;
}

void lane_view_note_place(const struct ring_view *s, uint32_t lane, uint64_t place)
{
	struct cursor *c = &s->cursors[lane];

	c->taken = place > 0 && read_owner(s, lane, place - 1, &c->taken_epoch) ? place : 0;
}

bool lane_view_is_current(const struct ring_view *s, uint32_t lane, const struct lane_view *v)
{
	/*
	 * Relaxed: after the acquire loads of the slots' sequences. A record of a later owner that
	 * one of them saw comes after that owner's claim (lane_store_header()), so the claim shows
	 * here.
	 */
	return atomic_load_explicit(&lane_view_header(s, lane)->epoch, memory_order_relaxed) ==
	       v->epoch;
}
