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

/* Where a reader begins who has not been here before, by a header that was read. */
static void begin_with(struct ring_view *s, uint32_t lane, const struct lane_view *v)
{
	struct cursor *c = &s->cursors[lane];

	c->epoch = v->epoch;
	c->owner = v->is_claimed ? v->epoch : 0;
	c->count_id = c->owner_count = v->is_claimed ? v->count_id : 0;
	c->is_claimed = v->is_claimed;
	c->from = v->is_claimed ? v->begin : 0;
	c->taken = 0;
	c->believed_ns = 0;
	if (head_is_credible(v->head, ring_view_now(s)) && lane_view_is_backed(s, lane, v->head)) {
		c->next = lane_view_oldest(s, v->head);
		c->believed_ns = ring_view_now(s);
	} else {
		c->next = c->from;
	}
	c->head = c->next;
}

/* False: the header, which is in `v`, is not believed. */
static bool begin_lane(struct ring_view *s, uint32_t lane, struct lane_view *v)
{
	struct cursor *c = &s->cursors[lane];

	c->in_use = lane_view_in_use(s, lane);
	(void)ring_view_now(s); /* before the head is read, as in lane_belief_look() */
	if (!c->in_use || !lane_view_read(s, lane, v))
		return false;
	begin_with(s, lane, v);
	return c->believed_ns != 0;
}

int ring_view_open(struct ring_view *s, const struct bus_paths *paths, ring_view_clock *clock)
{
	int err = segment_map_readonly(paths, &s->segment);
	struct lane_view v;

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
		(void)begin_lane(s, i, &v);
	return 0;
}

/*
 * Whether the saved position stands, and the header's count is not to be followed:
 *   - The header is not believed, or its head is below the position in the same count. It tells
 *     nothing, and the position is all that is known.
 *   - The header has another count, but an honest owner would have found the last record that was
 *     taken and begun behind it. So the count is invented. What was counted must not come again.
 *   - Which count the position is of is not known, and the last record before it is there.
 */
static bool is_position_kept(const struct ring_view *s, uint32_t lane, const struct lane_view *v,
    uint64_t position, uint64_t count_id)
{
	const struct cursor *c = &s->cursors[lane];
	bool is_other_count = count_id != c->count_id;

	if (c->believed_ns == 0 || (position > v->head && !is_other_count && count_id != 0))
		return true;
	if (position <= v->head && (!is_other_count || position <= c->from))
		return false;
	return lane_view_is_older_than(s, lane, position, v->epoch) ||
	       (count_id == 0 && position > 0 && lane_view_is_by(s, lane, position - 1, v->epoch));
}

/*
 * The first record below the position that is due by the header's count. Where its owner wrote over
 * the last record that was taken, these are his own, as far as the slots show them to be: what is
 * another's before them may have been taken, and must not come again.
 */
static uint64_t own_start(
    const struct ring_view *s, uint32_t lane, const struct lane_view *v, uint64_t position)
{
	uint64_t begin = v->is_claimed ? v->begin : 0, start = position;

	if (start == 0 || !lane_view_is_by(s, lane, start - 1, v->epoch))
		return begin;
	while (start > begin && lane_view_is_by(s, lane, start - 1, v->epoch))
		start--;
	return start;
}

static void keep_position(struct ring_view *s, uint32_t lane, uint64_t position, uint64_t count_id)
{
	struct cursor *c = &s->cursors[lane];

	c->next = c->head = c->counted = position;
	/* The owner of another count in the header has not been seen yet. */
	c->owner = count_id == c->count_id ? c->owner : 0;
	c->owner_count = c->owner ? c->owner_count : 0;
	c->is_claimed = c->is_claimed && c->owner;
	c->count_id = count_id;
	lane_view_note_place(s, lane, position);
}

/* As ring_view_set_position(), by a header that was read. */
static bool place_by(struct ring_view *s, uint32_t lane, const struct lane_view *v,
    uint64_t position, uint64_t count_id)
{
	struct cursor *c = &s->cursors[lane];
	bool is_ours = true;

	begin_with(s, lane, v);
	/* A header without a count may have been overwritten: the count that was saved is taken
	 * until it has one. */
	if (c->count_id == 0)
		c->count_id = count_id;
	if (is_position_kept(s, lane, v, position, count_id)) {
		keep_position(s, lane, position, count_id);
		return true;
	}
	/* Of another count, or of another life of the lane: what is of this one is due. */
	if ((count_id != 0 && count_id != c->count_id && position > c->from) ||
	    position > v->head) {
		uint64_t start = own_start(s, lane, v, position);

		is_ours = position == 0;
		c->lost += min_u64(start - c->from, head_possible_in(ring_view_now(s)));
		position = start;
	}
	/* Until a record bears out the header's count, the position is of the saved one. */
	else
		c->count_id = count_id;
	c->counted = position;
	lane_view_note_place(s, lane, position);
	if (c->next <= position)
		return is_ours;
	/* What was overwritten between then and now is lost to the process that counts. */
	if (lane_view_was_written(s, lane, c->next)) {
		c->lost += min_u64(c->next - position, head_possible_in(ring_view_now(s)));
		/* As where a lane is found overwritten later (lane_belief.c). */
		if (c->count_id != c->owner_count)
			c->count_id = 0;
	} else
		c->next = c->head = position;
	return is_ours;
}

bool ring_view_set_position(
    struct ring_view *s, uint32_t lane, uint64_t position, uint64_t count_id)
{
	struct lane_view v;

	if (!lane_view_in_use(s, lane))
		return position == 0;
	(void)ring_view_now(s); /* before the head is read, as in lane_belief_look() */
	if (lane_view_read(s, lane, &v))
		return place_by(s, lane, &v, position, count_id);
	keep_position(s, lane, position, count_id);
	return true;
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
		struct lane_view v;

		if (begin_lane(s, i, &v))
			c->next = c->head = v.head;
	}
}
