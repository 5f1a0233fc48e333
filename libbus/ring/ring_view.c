/*
 * ring_view.c: one incarnation of a bus as a reader sees it, with the place reached in each lane.
 *
 * Whoever may write the ring may write anything into a lane's header. What a reader believes of it
 * is held against three things:
 *   - Time. No head is higher than what can have been published since the machine was started, nor
 *     rises faster than anybody publishes (head.h).
 *   - The slots. An honest writer's slot bears its record before `head` counts it: a head whose
 * last record is not in its slot (or overwritten by a later one) is a lie. Then the head is left
 * aside and what the slots hold from `next` on is taken.
 *   - The owner's claim. Each owner says where he began. Whatever a former owner left in `head`,
 * and wherever that led the reader, the new owner's records are due from there on.
 *
 * Nothing vanishes: an honest owner writes the whole header with each publish, so after the last
 * scribble over his lane it is true again with the next sample; from then on each record below
 * `head` is delivered, rejected or counted as lost. Where the reader cannot know how much of what
 * he missed was real, it is counted as lost rather than left out.
 *
 * A lane that lies, or has nothing but losses and rubbish, is put aside: not looked at for 5 ms,
 * twice as long each time, up to 640 ms. So it costs a bounded share of the reader's time.
 */
#include "ring_view.h"
#include "base/now.h"
#include "head.h"

#include <errno.h>
#include <stdlib.h>

#define ASIDE_NS    UINT64_C(5000000)
#define ASIDE_LEVEL 7 /* 5 ms << 7 is 640 ms */
/* A lane that has lied is on probation for so long, whatever it delivers. */
#define PROBATION_NS UINT64_C(1000000000)
/* Records without a sample after which a lane is put aside: at first, and when it had been before.
 */
#define BARREN_MAX       256
#define BARREN_MAX_AGAIN 32
/* Records taken at once from a lane whose head is not believed. */
#define RUN_MAX    256
#define VIEW_TRIES 4

/* A lane's header at one instant. */
struct lane_view {
	uint64_t head;
	uint64_t epoch;
	bool is_claimed; /* and the count's id and first record are told */
	uint64_t count_id;
	uint64_t begin;
};

static uint64_t boottime_ns(void)
{
	return now_ns_of(CLOCK_BOOTTIME);
}

/* Once a call of the reader, and so some milliseconds ago at most: early enough to be fair. */
static uint64_t source_now(struct ring_view *s)
{
	if (s->now_ns == 0)
		s->now_ns = s->clock();
	return s->now_ns;
}

const struct lane_header *ring_view_lane(const struct ring_view *s, uint32_t lane)
{
	const struct ring_shape *shape = &s->segment.shape;

	return (const struct lane_header *)(s->segment.base + shape->lanes_offset +
					    lane * shape->lane_stride);
}

const struct slot *ring_view_slot(const struct ring_view *s, uint32_t lane, uint64_t record)
{
	const struct ring_shape *shape = &s->segment.shape;
	const uint8_t *slots = (const uint8_t *)(ring_view_lane(s, lane) + 1);

	return (const struct slot *)(slots + (size_t)(record & (shape->slots_per_lane - 1)) *
						 shape->slot_bytes);
}

bool ring_view_lane_in_use(const struct ring_view *s, uint32_t lane)
{
	uint64_t word;

	/* Once it was, it is: whoever clears the bit hides nobody. */
	if (s->cursors && s->cursors[lane].in_use)
		return true;
	/* Acquire: pairs with the release in lane_say_reserved(). */
	word = atomic_load_explicit(&s->segment.shared->reserved[lane / 64], memory_order_acquire);
	return word >> (lane % 64) & 1;
}

uint32_t ring_view_epoch(const struct ring_view *s, uint32_t lane)
{
	return (uint32_t)atomic_load_explicit(
	    &ring_view_lane(s, lane)->epoch, memory_order_acquire);
}

uint64_t ring_view_head(const struct ring_view *s, uint32_t lane)
{
	/* Acquire: pairs with the release store of head in lane_store_header(). */
	return atomic_load_explicit(&ring_view_lane(s, lane)->head, memory_order_acquire);
}

/*
 * Reads a header whose parts belong together. The epoch is read before the head and after: a head
 * of a new owner, who stored the epoch first, is then never taken for one of the old. False: it
 * changed under each look.
 */
static bool source_view(const struct ring_view *s, uint32_t lane, struct lane_view *v)
{
	const struct lane_header *h = ring_view_lane(s, lane);

	for (int tries = 0; tries < VIEW_TRIES; tries++) {
		uint64_t claim;

		/* Acquire: pairs with the release stores in lane_store_header(). */
		v->epoch = atomic_load_explicit(&h->epoch, memory_order_acquire);
		v->head = ring_view_head(s, lane);
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

static uint64_t sequence_of(const struct ring_view *s, uint32_t lane, uint64_t record)
{
	return atomic_load_explicit(
	    &ring_view_slot(s, lane, record)->sequence, memory_order_acquire);
}

/* The record was written: its slot holds it, or a later one. */
static bool was_written(const struct ring_view *s, uint32_t lane, uint64_t record)
{
	return sequence_of(s, lane, record) >= slot_sequence_whole(record);
}

/* The lane's last record is there, as it is wherever an honest writer's head counts it. */
static bool is_backed(const struct ring_view *s, uint32_t lane, uint64_t head)
{
	return head == 0 || was_written(s, lane, head - 1);
}

static uint64_t oldest_of(const struct ring_view *s, uint64_t head)
{
	uint32_t slots = s->segment.shape.slots_per_lane;

	return head > slots ? head - slots : 0;
}

/*
 * What can have been published in the lane since a head of it was believed. By the clock itself:
 * much may have happened in this call.
 */
static uint64_t possible_since(const struct ring_view *s, const struct cursor *c)
{
	uint64_t now_ns = s->clock();

	return head_possible_in(now_ns > c->believed_ns ? now_ns - c->believed_ns : 0) +
	       s->segment.shape.slots_per_lane;
}

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* The last `lost` records before `end` were overwritten; those counted earlier are not lost by
 * that. */
static void lose_before(struct cursor *c, uint64_t end, uint64_t lost)
{
	uint64_t start = end - lost;

	if (start < c->counted)
		start = c->counted;
	if (end > start)
		c->lost += end - start;
}

/* --- Lanes put aside -------------------------------------------------------------------------- */

static bool is_aside(struct ring_view *s, const struct cursor *c)
{
	return c->aside_until_ns != 0 && c->aside_until_ns > source_now(s);
}

static void put_aside(struct ring_view *s, struct cursor *c)
{
	c->aside_until_ns = source_now(s) + (ASIDE_NS << c->level);
	if (c->level < ASIDE_LEVEL)
		c->level++;
	c->barren = 0;
	c->head = c->next;
}

static void note_lie(struct ring_view *s, struct cursor *c)
{
	c->lies++;
	c->lied_ns = source_now(s);
}

static void note_barren(struct ring_view *s, struct cursor *c)
{
	if (++c->barren >= (c->level ? BARREN_MAX_AGAIN : BARREN_MAX))
		put_aside(s, c);
}

/* --- Looking ---------------------------------------------------------------------------------- */

/* Whole records from `next` on, in their slots, whatever the head says. False: there are none. */
static bool take_run(const struct ring_view *s, struct cursor *c, uint32_t lane)
{
	uint64_t end = c->next;

	while (end - c->next < RUN_MAX && sequence_of(s, lane, end) == slot_sequence_whole(end))
		end++;
	c->head = end;
	return end > c->next;
}

/* The head cannot be true. What was published before somebody wrote it is still taken. */
static bool disbelieve(struct ring_view *s, struct cursor *c, uint32_t lane)
{
	if (take_run(s, c, lane))
		return true;
	note_lie(s, c);
	put_aside(s, c);
	return false;
}

/* The place reached, by us or by an earlier process. */
static uint64_t reached(const struct cursor *c)
{
	return c->next > c->counted ? c->next : c->counted;
}

/* What is from `due` on is not known yet: the count that had led beyond it was not the owner's. */
static void go_back(struct cursor *c, uint64_t due)
{
	c->next = least(c->next, due);
	c->counted = least(c->counted, due);
}

/*
 * The record before `place` is in its slot, by another owner than the one of `epoch`: then he found
 * it there, and has begun no count before it but at that record, which he wrote again.
 */
static bool is_older_than(const struct ring_view *s, uint32_t lane, uint64_t place, uint64_t epoch)
{
	const struct slot *slot = ring_view_slot(s, lane, place - 1);

	return place > 0 && sequence_of(s, lane, place - 1) == slot_sequence_whole(place - 1) &&
	       atomic_load_explicit(&slot->owner, memory_order_relaxed) >> 32 != epoch;
}

/*
 * A new count, all of whose records are due. False: records of the one before are to be taken
 * first.
 *
 * What lies between `next` and its beginning is of the count before. Nobody vouches for it where
 * the owner who began the new one found it wanting, or where it cannot be: then there was nothing,
 * or the slots still hold it.
 */
static bool meet_count(
    struct ring_view *s, struct cursor *c, uint32_t lane, const struct lane_view *v)
{
	if (c->next < v->begin && v->begin - c->next > possible_since(s, c)) {
		if (take_run(s, c, lane))
			return false;
		note_lie(s, c);
		c->next = v->begin;
	}
	if (reached(c) == v->begin + 1 ||
	    (reached(c) > v->begin && !is_older_than(s, lane, reached(c), v->epoch))) {
		note_lie(s, c);
		go_back(c, v->begin);
	}
	c->count_id = v->count_id;
	return true;
}

/* An owner who says nothing of where he began: a producer of before 1.1, or a scribble. */
static void meet_stranger(const struct ring_view *s, struct cursor *c, const struct lane_view *v)
{
	/* He may have begun at 0, where the head that he found was beyond all bounds. */
	if (c->count_id == 0 && v->epoch != c->epoch && v->head < reached(c))
		go_back(c, oldest_of(s, v->head));
}

/* The slots hold a record that we took and that a head this low has still to count: it is behind.
 */
static bool is_contradicted(
    const struct ring_view *s, const struct cursor *c, uint32_t lane, uint64_t head)
{
	uint64_t sequence = sequence_of(s, lane, head), record = sequence / 2 - 1;
	uint64_t mask = s->segment.shape.slots_per_lane - 1;

	return sequence >= slot_sequence_whole(head) && (sequence & 1) == 0 &&
	       (record & mask) == (head & mask) && record < reached(c);
}

/*
 * The head is below what was taken, in the same count. If it is a scribble, it goes with the next
 * publish, or the next owner begins a new count there; the slots tell. Otherwise what was taken had
 * been put there by somebody else: if it stays so for a while, what the slots hold by the owner's
 * count is due, and what they hold no longer is lost.
 */
static bool fall_back(
    struct ring_view *s, struct cursor *c, uint32_t lane, const struct lane_view *v)
{
	uint64_t oldest = oldest_of(s, v->head);
	uint64_t begin = v->is_claimed ? v->begin : 0;

	note_lie(s, c);
	if (!c->is_behind || is_contradicted(s, c, lane, v->head)) {
		c->is_behind = true;
		c->level = ASIDE_LEVEL;
		put_aside(s, c);
		return false;
	}
	c->is_behind = false;
	c->next = c->counted = oldest > begin ? oldest : begin;
	if (oldest > begin && was_written(s, lane, oldest))
		c->lost += least(oldest - begin, possible_since(s, c));
	c->head = v->head;
	c->believed_ns = source_now(s);
	return c->head > c->next;
}

/* Passes over what was overwritten. False: the slots still hold something before that. */
static bool skip_overwritten(struct ring_view *s, struct cursor *c, uint32_t lane, uint64_t head)
{
	uint64_t oldest = oldest_of(s, head), lost = 0;

	if (oldest <= c->next)
		return true;
	/* A lane that is full by an honest count is full of written records. */
	if (was_written(s, lane, oldest))
		lost = least(oldest - c->next, possible_since(s, c));
	if (lost < oldest - c->next) {
		if (take_run(s, c, lane))
			return false;
		note_lie(s, c);
	}
	lose_before(c, oldest, lost);
	c->next = oldest;
	return true;
}

/* A record, or another owner: whose first records may have the numbers of some that were taken. */
static bool has_moved(const struct ring_view *s, uint32_t lane)
{
	const struct cursor *c = &s->cursors[lane];

	return ring_view_head(s, lane) != c->next ||
	       atomic_load_explicit(&ring_view_lane(s, lane)->epoch, memory_order_acquire) !=
	           c->epoch;
}

bool ring_view_look(struct ring_view *s, uint32_t lane)
{
	struct cursor *c = &s->cursors[lane];
	struct lane_view v;

	if (!ring_view_lane_in_use(s, lane))
		return false;
	/* Before the head is read: what is published while we are kept from the clock came since.
	 */
	(void)source_now(s);
	if (is_aside(s, c))
		return false;
	c->in_use = true;
	c->aside_until_ns = 0;
	if (!has_moved(s, lane)) {
		c->is_behind = false;
		return false;
	}
	if (!source_view(s, lane, &v)) {
		note_barren(s, c);
		return false;
	}
	if (!head_is_credible(v.head, source_now(s)))
		return disbelieve(s, c, lane);
	if (!is_backed(s, lane, v.head))
		return disbelieve(s, c, lane);
	if (!v.is_claimed)
		meet_stranger(s, c, &v);
	/* Only a new owner begins a new count. */
	else if (v.count_id != c->count_id && v.epoch != c->owner && !meet_count(s, c, lane, &v))
		return true;
	c->epoch = v.epoch;
	c->owner = v.is_claimed ? v.epoch : c->owner;
	c->from = v.is_claimed ? v.begin : 0;
	/* A new owner without a sample yet; somebody who makes up owners gets nothing by it. */
	if (v.head == c->next && v.head == reached(c)) {
		note_barren(s, c);
		return false;
	}
	if (v.head < reached(c))
		return fall_back(s, c, lane, &v);
	c->is_behind = false;
	if (!skip_overwritten(s, c, lane, v.head))
		return true;
	c->head = v.head;
	c->believed_ns = source_now(s);
	return c->head > c->next;
}

void ring_view_note_sample(struct ring_view *s, uint32_t lane)
{
	struct cursor *c = &s->cursors[lane];

	c->barren = 0;
	if (c->level && source_now(s) - c->lied_ns > PROBATION_NS)
		c->level = 0;
}

void ring_view_note_rejected(struct ring_view *s, uint32_t lane)
{
	note_barren(s, &s->cursors[lane]);
}

void ring_view_note_missing(struct ring_view *s, uint32_t lane)
{
	struct cursor *c = &s->cursors[lane];
	uint64_t record = c->next - 1;

	/*
	 * Lost, if a later record took its place, or if the owner vouches for it. What is neither
	 * was never published: the count began beyond it.
	 */
	if (record >= c->from || sequence_of(s, lane, record) > slot_sequence_whole(record))
		lose_before(c, record + 1, 1);
	else
		note_lie(s, c);
	/* Where one was overwritten so were more, perhaps: the next look tells how many. */
	c->head = c->next;
	note_barren(s, c);
}

/* --- The whole -------------------------------------------------------------------------------- */

void ring_view_close(struct ring_view *s)
{
	segment_unmap(&s->segment);
	free(s->cursors);
	s->cursors = NULL;
}

/* Where a reader begins who has not been here before. */
static void begin_lane(struct ring_view *s, uint32_t lane)
{
	struct cursor *c = &s->cursors[lane];
	struct lane_view v;

	c->in_use = ring_view_lane_in_use(s, lane);
	(void)source_now(s); /* before the head is read, as in ring_view_look() */
	if (!c->in_use || !source_view(s, lane, &v))
		return;
	c->epoch = v.epoch;
	c->owner = v.is_claimed ? v.epoch : 0;
	c->count_id = v.is_claimed ? v.count_id : 0;
	c->from = v.is_claimed ? v.begin : 0;
	if (head_is_credible(v.head, source_now(s)) && is_backed(s, lane, v.head)) {
		c->next = oldest_of(s, v.head);
		c->believed_ns = source_now(s);
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
	/* Begin with the oldest record that is still there: what came before was not for us. */
	for (uint32_t i = 0; i < s->segment.shape.lane_count; i++)
		begin_lane(s, i);
	return 0;
}

bool ring_view_set_position(
    struct ring_view *s, uint32_t lane, uint64_t position, uint64_t count_id)
{
	struct cursor *c = &s->cursors[lane];
	bool is_ours = true;
	struct lane_view v;

	if (!ring_view_lane_in_use(s, lane) || !source_view(s, lane, &v))
		return position == 0;
	/* A header that tells no count may be a scribble: it is the one that is known, until it
	 * tells. */
	if (c->count_id == 0)
		c->count_id = count_id;
	/* One that is not to be believed tells nothing: the place is what is known. */
	if (position > 0 && (c->believed_ns == 0 ||
				(position > v.head && count_id != 0 && count_id == c->count_id))) {
		c->next = c->head = c->counted = position;
		/* Whatever count the header tells, its owner is still to be met. */
		c->owner = count_id == c->count_id ? c->owner : 0;
		c->count_id = count_id;
		return true;
	}
	/*
	 * Another count, whose owner would have found the last record that was taken and begun
	 * behind it: somebody made it up. What was counted must not come again.
	 */
	if (count_id != 0 && count_id != c->count_id && position > c->from &&
	    is_older_than(s, lane, position, v.epoch)) {
		c->next = c->head = c->counted = position;
		c->owner = 0;
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
	/* What was overwritten between then and now is lost to the one who counts. */
	if (was_written(s, lane, c->next))
		c->lost += least(c->next - position, head_possible_in(source_now(s)));
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
		if (ring_view_lane_in_use(s, i) && !is_aside(s, &s->cursors[i]) && has_moved(s, i))
			return true;
	return false;
}

uint64_t ring_view_next_due_ns(struct ring_view *s)
{
	uint64_t due_ns = UINT64_MAX;

	for (uint32_t i = 0; s->cursors && i < s->segment.shape.lane_count; i++)
		if (is_aside(s, &s->cursors[i]))
			due_ns = least(due_ns, s->cursors[i].aside_until_ns);
	return due_ns;
}

void ring_view_skip(struct ring_view *s)
{
	for (uint32_t i = 0; s->cursors && i < s->segment.shape.lane_count; i++) {
		struct cursor *c = &s->cursors[i];

		begin_lane(s, i);
		if (c->in_use && c->believed_ns == source_now(s))
			c->next = c->head = ring_view_head(s, i);
	}
}
