/*
 * source.c: one incarnation of a bus as a reader sees it, with the place reached in each lane.
 */
#include "source.h"

#include <errno.h>
#include <stdlib.h>

const struct lane_header *source_lane(const struct source *s, uint32_t lane)
{
	const struct ring_shape *shape = &s->segment.shape;

	return (const struct lane_header *)(s->segment.base + shape->lanes_offset +
					    lane * shape->lane_stride);
}

const struct slot *source_slot(const struct source *s, uint32_t lane, uint64_t record)
{
	const struct ring_shape *shape = &s->segment.shape;
	const uint8_t *slots = (const uint8_t *)(source_lane(s, lane) + 1);

	return (const struct slot *)(slots + (size_t)(record & (shape->slots_per_lane - 1)) *
						 shape->slot_bytes);
}

bool source_lane_in_use(const struct source *s, uint32_t lane)
{
	/* Acquire: pairs with the release in lane.c's reserve(). */
	uint64_t word =
	    atomic_load_explicit(&s->segment.shared->reserved[lane / 64], memory_order_acquire);

	return word >> (lane % 64) & 1;
}

uint64_t source_head(const struct source *s, uint32_t lane)
{
	/* Acquire: pairs with the release store in publish_payload(). */
	uint64_t head = atomic_load_explicit(&source_lane(s, lane)->head, memory_order_acquire);

	return head < ORBUS_HEAD_LIMIT ? head : 0;
}

void source_close(struct source *s)
{
	segment_unmap(&s->segment);
	free(s->cursors);
	s->cursors = NULL;
}

int source_open(struct source *s, const char *path)
{
	int err = segment_map_readonly(path, &s->segment);

	if (err)
		return err;
	s->cursors = calloc(s->segment.shape.lane_count, sizeof(*s->cursors));
	if (!s->cursors) {
		segment_unmap(&s->segment);
		return -ENOMEM;
	}
	/* Begin with the oldest record that is still there: what came before was not for us. */
	for (uint32_t i = 0; i < s->segment.shape.lane_count; i++) {
		uint64_t head = source_lane_in_use(s, i) ? source_head(s, i) : 0;
		uint32_t slots = s->segment.shape.slots_per_lane;

		s->cursors[i].next = head > slots ? head - slots : 0;
	}
	return 0;
}

/* Takes a fresh look at a lane. False: nothing to take there. */
bool source_look(const struct source *s, struct cursor *c, uint32_t lane)
{
	uint32_t slots = s->segment.shape.slots_per_lane;
	uint64_t head;

	if (!source_lane_in_use(s, lane))
		return false;
	head = source_head(s, lane);
	/*
	 * Only a broken or hostile writer takes `head` back, or whoever claims the lane after one
	 * that put it beyond the limit. What the slots hold of this new count is due.
	 */
	if (head < c->next)
		c->next = c->counted = head > slots ? head - slots : 0;
	c->head = head;
	if (head - c->next > slots) {
		uint64_t oldest = head - slots;

		/* What an earlier process counted is not lost by being overwritten. */
		if (oldest > c->counted)
			c->lost += oldest - (c->next > c->counted ? c->next : c->counted);
		c->next = oldest;
	}
	return head > c->next;
}

uint64_t source_lost(const struct source *s)
{
	uint64_t lost = 0;

	for (uint32_t i = 0; s->cursors && i < s->segment.shape.lane_count; i++)
		lost += s->cursors[i].lost;
	return lost;
}

bool source_has_news(const struct source *s)
{
	for (uint32_t i = 0; s->cursors && i < s->segment.shape.lane_count; i++)
		if (source_lane_in_use(s, i) && source_head(s, i) != s->cursors[i].next)
			return true;
	return false;
}

void source_skip(struct source *s)
{
	for (uint32_t i = 0; s->cursors && i < s->segment.shape.lane_count; i++)
		if (source_lane_in_use(s, i))
			s->cursors[i].next = s->cursors[i].head = source_head(s, i);
}
