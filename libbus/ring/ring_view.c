/*
 * ring_view.c: one incarnation of a bus as a reader sees it, with the place reached in each lane.
 */
#include "ring_view.h"
#include "base/now.h"
#include "head.h"

#include <errno.h>
#include <stdlib.h>

static uint64_t boottime_ns(void)
{
	return now_ns_of(CLOCK_BOOTTIME);
}

void ring_view_close(struct ring_view *s)
{
	segment_unmap(&s->segment);
	free(s->cursors);
	s->cursors = NULL;
}

/* Sets the place at which a new reader begins. */
static void begin_lane(struct ring_view *s, uint32_t lane)
{
	struct cursor *c = &s->cursors[lane];
	struct lane_view v;

	c->in_use = lane_view_in_use(s, lane);
	(void)ring_view_now(s); /* before the head is read, as in lane_belief_look() */
	if (!c->in_use || !lane_view_read(s, lane, &v))
		return;
	c->epoch = v.epoch;
	c->owner = v.is_claimed ? v.epoch : 0;
	c->count_id = v.is_claimed ? v.count_id : 0;
	c->from = v.is_claimed ? v.begin : 0;
	if (head_is_credible(v.head, ring_view_now(s)) && lane_view_is_backed(s, lane, v.head)) {
		c->next = lane_view_oldest(s, v.head);
		c->believed_ns = ring_view_now(s);
	} else {
		c->next = c->from;
	}
	c->head = c->next;
}

int ring_view_open(struct ring_view *s, const struct bus_paths *paths, ring_view_clock *clock)
{
	int err = segment_map_readonly(paths, &s->segment);

	if (err)
		return err;
	s->clock = clock ? clock : boottime_ns;
	s->now_ns = 0;
	s->cursors = calloc(s->segment.shape.lane_count, sizeof(*s->cursors));
	if (!s->cursors) {
		segment_unmap(&s->segment);
		return -ENOMEM;
	}
	/*
	 * Begin with the oldest record that is still there. Earlier ones are not lost to this
	 * reader.
	 */
	for (uint32_t i = 0; i < s->segment.shape.lane_count; i++)
		begin_lane(s, i);
	return 0;
}

/*
 * Whether the saved position stands, and the header's count is not to be followed:
 *   - The header is not believed, or its head is below the position in the same count. It tells
 *     nothing, and the position is all that is known.
 *   - The header has another count, but an honest owner would have found the last record that was
 *     taken and begun behind it. So the count is invented. What was counted must not come again.
 */
static bool is_position_kept(const struct ring_view *s, uint32_t lane, const struct lane_view *v,
    uint64_t position, uint64_t count_id)
{
	const struct cursor *c = &s->cursors[lane];

	if (position > 0 && (c->believed_ns == 0 ||
				(position > v->head && count_id != 0 && count_id == c->count_id)))
		return true;
	return count_id != 0 && count_id != c->count_id && position > c->from &&
	       lane_view_is_older_than(s, lane, position, v->epoch);
}

bool ring_view_set_position(
    struct ring_view *s, uint32_t lane, uint64_t position, uint64_t count_id)
{
	struct cursor *c = &s->cursors[lane];
	bool is_ours = true;
	struct lane_view v;

	if (!lane_view_in_use(s, lane) || !lane_view_read(s, lane, &v))
		return position == 0;
	/* A header without a count may have been overwritten: the count that was saved is taken
	 * until it has one. */
	if (c->count_id == 0)
		c->count_id = count_id;
	if (is_position_kept(s, lane, &v, position, count_id)) {
		c->next = c->head = c->counted = position;
		/* The owner of another count in the header has not been seen yet. */
		c->owner = count_id == c->count_id ? c->owner : 0;
		c->count_id = count_id;
		return true;
	}
	/* Of another count, or of another life of the lane: all of this one is due. */
	if ((count_id != 0 && count_id != c->count_id && position > c->from) || position > v.head) {
		is_ours = position == 0;
		position = c->from;
	}
	c->counted = position;
	if (c->next <= position)
		return is_ours;
	/* What was overwritten between then and now is lost to the process that counts. */
	if (lane_view_was_written(s, lane, c->next))
		c->lost += min_u64(c->next - position, head_possible_in(ring_view_now(s)));
	else
		c->next = c->head = position;
	return is_ours;
}

uint64_t ring_view_lost(const struct ring_view *s)
{
	uint64_t lost = 0;

	for (uint32_t i = 0; s->cursors && i < s->segment.shape.lane_count; i++)
		lost += s->cursors[i].lost;
	return lost;
}

bool ring_view_has_news(struct ring_view *s)
{
	for (uint32_t i = 0; s->cursors && i < s->segment.shape.lane_count; i++)
		if (lane_view_in_use(s, i) && !lane_belief_is_aside(s, &s->cursors[i]) &&
		    lane_view_has_moved(s, i))
			return true;
	return false;
}

uint64_t ring_view_next_due_ns(struct ring_view *s)
{
	uint64_t due_ns = UINT64_MAX;

	for (uint32_t i = 0; s->cursors && i < s->segment.shape.lane_count; i++)
		if (lane_belief_is_aside(s, &s->cursors[i]))
			due_ns = min_u64(due_ns, s->cursors[i].aside_until_ns);
	return due_ns;
}

void ring_view_skip(struct ring_view *s)
{
	for (uint32_t i = 0; s->cursors && i < s->segment.shape.lane_count; i++) {
		struct cursor *c = &s->cursors[i];

		begin_lane(s, i);
		if (c->in_use && c->believed_ns == ring_view_now(s))
			c->next = c->head = lane_view_head(s, i);
	}
}
