/*
 * lane_view.c: what a lane says of itself in the ring, and what its slots hold.
 */
#include "lane_view.h"
#include "head.h"

#define VIEW_TRIES 4

const struct lane_header *lane_view_header(const struct ring_view *s, uint32_t lane)
{
	const struct ring_shape *shape = &s->segment.shape;

	return (const struct lane_header *)(s->segment.base + shape->lanes_offset +
					    lane * shape->lane_stride);
}

const struct slot *lane_view_slot(const struct ring_view *s, uint32_t lane, uint64_t record)
{
	const struct ring_shape *shape = &s->segment.shape;
	const uint8_t *slots = (const uint8_t *)(lane_view_header(s, lane) + 1);

	return (const struct slot *)(slots + (size_t)(record & (shape->slots_per_lane - 1)) *
						 shape->slot_bytes);
}

bool lane_view_in_use(const struct ring_view *s, uint32_t lane)
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

uint32_t lane_view_epoch(const struct ring_view *s, uint32_t lane)
{
	return (uint32_t)atomic_load_explicit(
	    &lane_view_header(s, lane)->epoch, memory_order_acquire);
}

uint64_t lane_view_head(const struct ring_view *s, uint32_t lane)
{
	/* Acquire: pairs with the release store of head in lane_store_header(). */
	return atomic_load_explicit(&lane_view_header(s, lane)->head, memory_order_acquire);
}

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

bool lane_view_has_moved(const struct ring_view *s, uint32_t lane)
{
	const struct cursor *c = &s->cursors[lane];

	return lane_view_head(s, lane) != c->next ||
	       atomic_load_explicit(&lane_view_header(s, lane)->epoch, memory_order_acquire) !=
	           c->epoch;
}

bool lane_view_is_older_than(
    const struct ring_view *s, uint32_t lane, uint64_t place, uint64_t epoch)
{
	const struct slot *slot = lane_view_slot(s, lane, place - 1);

	return place > 0 &&
	       lane_view_sequence(s, lane, place - 1) == slot_sequence_whole(place - 1) &&
	       atomic_load_explicit(&slot->owner, memory_order_relaxed) >> 32 != epoch;
}
