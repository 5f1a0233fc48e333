/*
 * lane_belief.c: what a reader believes of a lane.
 *
 * A process that may write the ring can write anything into a lane's header. A reader checks what
 * the header says by three things:
 *   - Time. No head is higher than what can have been published since the machine was started, and
 *     none rises faster than a producer can publish (head.h).
 *   - The slots. An honest producer writes a record into its slot before `head` counts it. A head
 *     whose last record is not in its slot, nor overwritten by a later one, is a lie: the reader
 *     ignores it, and takes the records that the slots hold from `next` on.
 *   - The owner's claim. Each owner says at which record it began. The records of a new owner are
 *     due from there on, even if a former owner's `head` has led the reader beyond them,
 *     but not where the last record that was taken is in its slot still. An honest owner would have
 *     found it there, so the claim is invented.
 *
 * Anybody who has the lane can make up a claim, so the claim alone moves nothing: the count of the
 * place, which is saved with it, becomes another one only by a record of the owner who claims that
 * count. Else the true header, seen later, would look like a new count, and what was taken would
 * come again. For the same reason header and slots must be of one owner: a look during which the
 * owner changes is repeated.
 *
 * No record vanishes: an honest owner writes the whole header with each publish, so the first
 * sample after the last scribble over its lane makes the header true again. From then on each
 * record below `head` is delivered, rejected or counted as lost. Where the reader cannot know how
 * many of the records that it missed were real, it counts them as lost.
 *
 * A lane that lies, or that brings only losses and invalid records, is put aside: the reader does
 * not look at it for 5 ms, then twice as long each time, up to 640 ms. So such a lane costs a
 * bounded share of the reader's time.
 */
#include "lane_belief.h"
#include "head.h"

#define ASIDE_NS    UINT64_C(5000000)
#define ASIDE_LEVEL 7 /* 5 ms << 7 is 640 ms */
/* A lane that has lied is on probation for so long, even if it delivers samples. */
#define PROBATION_NS UINT64_C(1000000000)
/* Records without a sample after which a lane is put aside: at first, and when it had been before.
 */
#define BARREN_MAX       256
#define BARREN_MAX_AGAIN 32
/* Looks at a lane whose owner changes in between. */
#define LOOK_TRIES 4
/* Records taken at once from a lane whose head is not believed. */
#define RUN_MAX 256

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

bool lane_belief_is_aside(struct ring_view *s, const struct cursor *c)
{
	return c->aside_until_ns != 0 && c->aside_until_ns > ring_view_now(s);
}

static void put_aside(struct ring_view *s, struct cursor *c)
{
	c->aside_until_ns = ring_view_now(s) + (ASIDE_NS << c->level);
	if (c->level < ASIDE_LEVEL)
		c->level++;
	c->barren = 0;
	c->head = c->next;
}

static void note_lie(struct ring_view *s, struct cursor *c)
{
	c->lies++;
	c->lied_ns = ring_view_now(s);
}

static void note_barren(struct ring_view *s, struct cursor *c)
{
	if (++c->barren >= (c->level ? BARREN_MAX_AGAIN : BARREN_MAX))
		put_aside(s, c);
}

/* --- Looking ---------------------------------------------------------------------------------- */

/*
 * Takes whole records from `next` on, without regard to the head. False: there are none. They may
 * be of any owner and count: of the header's only where that was met.
 */
static bool take_run(
    const struct ring_view *s, struct cursor *c, uint32_t lane, const struct lane_view *v)
{
	uint64_t end;

	/* What would come again may be overwritten. What is due may be there. */
	if (c->next < c->counted &&
	    lane_view_sequence(s, lane, c->next) != slot_sequence_whole(c->next))
		c->next = c->counted;
	end = c->next;
	while (
	    end - c->next < RUN_MAX && lane_view_sequence(s, lane, end) == slot_sequence_whole(end))
		end++;
	c->head = end;
	c->is_claimed = v->is_claimed && (v->epoch == c->owner || v->count_id == c->count_id);
	return end > c->next;
}

/*
 * The last record before the place reached is in its slot still, as it was when it was taken. So no
 * owner has begun a count before that place since then: it would have found the record there. This
 * holds even if a header claims otherwise. (An owner that began with this very record has not
 * written it yet.)
 */
static bool is_place_there(
    const struct ring_view *s, const struct cursor *c, uint32_t lane, uint64_t epoch)
{
	uint64_t place = cursor_reached(c);

	if (place > 0 && c->taken == place)
		return lane_view_is_by(s, lane, place - 1, c->taken_epoch);
	return lane_view_is_older_than(s, lane, place, epoch);
}

/* The head cannot be true. Records that were published before it was written are still taken. */
static bool disbelieve(
    struct ring_view *s, struct cursor *c, uint32_t lane, const struct lane_view *v)
{
	if (take_run(s, c, lane, v))
		return true;
	note_lie(s, c);
	put_aside(s, c);
	return false;
}

/* What is from `due` on is not known yet: the count that had led beyond it was not the owner's. */
static void go_back(struct cursor *c, uint64_t due)
{
	c->next = min_u64(c->next, due);
	c->counted = min_u64(c->counted, due);
}

/*
 * A new count, all of whose records are due, unless the slots show that it is invented. False:
 * records of the one before are to be taken first.
 *
 * The records between `next` and its beginning are of the count before. They are not counted as
 * lost where the owner that began the new count did not find them, or where there cannot be so
 * many: then they were never published, or the slots still hold them.
 */
static bool meet_count(
    struct ring_view *s, struct cursor *c, uint32_t lane, const struct lane_view *v)
{
	if (c->next < v->begin && v->begin - c->next > possible_since(s, c)) {
		if (take_run(s, c, lane, v))
			return false;
		if (c->next < v->begin) {
			note_lie(s, c);
			c->next = v->begin;
		}
	}
	if (cursor_reached(c) > v->begin && !is_place_there(s, c, lane, v->epoch)) {
		note_lie(s, c);
		go_back(c, v->begin);
	}
	return true;
}

/*
 * An owner that does not say where it began: a producer of before 1.1, or an overwritten header. It
 * may have begun at 0, where the head that it found was too high to be true. Its records are due,
 * as far as the slots show them to be its own, and not the ones that were taken.
 */
static void meet_stranger(
    const struct ring_view *s, struct cursor *c, uint32_t lane, const struct lane_view *v)
{
	uint64_t oldest = lane_view_oldest(s, v->head), start = v->head;

	if (c->count_id != 0 || v->epoch == c->epoch || v->head >= cursor_reached(c) ||
	    (c->taken == cursor_reached(c) && c->taken_epoch == v->epoch))
		return;
	while (start > oldest && lane_view_is_by(s, lane, start - 1, v->epoch))
		start--;
	if (start < v->head)
		go_back(c, start);
}

/* The slots hold a record that we took and that a head this low has still to count: it is behind.
 */
static bool is_contradicted(
    const struct ring_view *s, const struct cursor *c, uint32_t lane, uint64_t head)
{
	uint64_t sequence = lane_view_sequence(s, lane, head), record = sequence / 2 - 1;
	uint64_t mask = s->segment.shape.slots_per_lane - 1;

	return sequence >= slot_sequence_whole(head) && (sequence & 1) == 0 &&
	       (record & mask) == (head & mask) && record < cursor_reached(c);
}

/*
 * The head is below what was taken, in the same count. If another process wrote this head, the next
 * publish corrects it, or the next owner begins a new count there; the slots show that. Otherwise
 * another process wrote the records that were taken. If the head stays so for a while, what the
 * slots hold by the owner's count is due, and what they no longer hold is lost.
 */
static bool fall_back(
    struct ring_view *s, struct cursor *c, uint32_t lane, const struct lane_view *v)
{
	uint64_t oldest = lane_view_oldest(s, v->head);
	uint64_t begin = v->is_claimed ? v->begin : 0;

	/* The slots go on where we are: the lane is further than this head. */
	if (take_run(s, c, lane, v))
		return true;
	note_lie(s, c);
	if (!c->is_behind || is_contradicted(s, c, lane, v->head)) {
		c->is_behind = true;
		c->level = ASIDE_LEVEL;
		put_aside(s, c);
		return false;
	}
	c->is_behind = false;
	c->next = c->counted = oldest > begin ? oldest : begin;
	if (oldest > begin && lane_view_was_written(s, lane, oldest))
		c->lost += min_u64(oldest - begin, possible_since(s, c));
	c->head = v->head;
	c->believed_ns = ring_view_now(s);
	return c->head > c->next;
}

/* Passes over what was overwritten. False: the slots still hold something before that. */
static bool skip_overwritten(
    struct ring_view *s, struct cursor *c, uint32_t lane, const struct lane_view *v)
{
	uint64_t oldest = lane_view_oldest(s, v->head), lost = 0;

	if (oldest <= c->next)
		return true;
	/* A lane that is full by an honest count is full of written records. */
	if (lane_view_was_written(s, lane, oldest))
		lost = min_u64(oldest - c->next, possible_since(s, c));
	if (lost < oldest - c->next) {
		if (take_run(s, c, lane, v))
			return false;
		note_lie(s, c);
	}
	lose_before(c, oldest, lost);
	c->next = oldest;
	/* No record bears out the claim yet: which count the place is of is not known. */
	if (v->count_id != c->count_id)
		c->count_id = 0;
	return true;
}

/*
 * The header is believed: first its owner and count, then its head. True where there is something
 * to take.
 */
static bool follow_header(
    struct ring_view *s, struct cursor *c, uint32_t lane, const struct lane_view *v)
{
	if (!v->is_claimed)
		meet_stranger(s, c, lane, v);
	/* Only a new owner begins a new count. */
	else if (v->count_id != c->count_id && v->count_id != c->owner_count &&
		 v->epoch != c->owner) {
		/* One that begins with the last record that was taken has not written it yet. */
		if (v->head < cursor_reached(c) && is_place_there(s, c, lane, v->epoch))
			return fall_back(s, c, lane, v);
		if (!meet_count(s, c, lane, v))
			return true;
	}
	c->epoch = v->epoch;
	c->is_claimed = v->is_claimed;
	if (v->is_claimed) {
		c->owner = v->epoch;
		c->owner_count = v->count_id;
	}
	c->from = v->is_claimed ? v->begin : 0;
	/* A new owner without a sample yet. Counted as barren, so that invented owners cost little.
	 */
	if (v->head == c->next && v->head == cursor_reached(c)) {
		note_barren(s, c);
		return false;
	}
	if (v->head < cursor_reached(c))
		return fall_back(s, c, lane, v);
	c->is_behind = false;
	if (!skip_overwritten(s, c, lane, v))
		return true;
	c->head = v->head;
	c->believed_ns = ring_view_now(s);
	return c->head > c->next;
}

/* What the header says, held against the slots. */
static bool weigh(struct ring_view *s, struct cursor *c, uint32_t lane, const struct lane_view *v)
{
	if (!head_is_credible(v->head, ring_view_now(s)) || !lane_view_is_backed(s, lane, v->head))
		return disbelieve(s, c, lane, v);
	return follow_header(s, c, lane, v);
}

bool lane_belief_look(struct ring_view *s, uint32_t lane)
{
	struct cursor *c = &s->cursors[lane], before;
	struct lane_view v;

	if (!lane_view_in_use(s, lane))
		return false;
	/* Before the head is read: samples that are published in between are newer than this time.
	 */
	(void)ring_view_now(s);
	if (lane_belief_is_aside(s, c))
		return false;
	c->in_use = true;
	c->aside_until_ns = 0;
	if (!lane_view_has_moved(s, lane)) {
		c->is_behind = false;
		return false;
	}
	before = *c;
	/*
	 * The header and the slots of one owner: a record is taken only once its owner's claim was
	 * looked at, or the count of the place after it would be another one's.
	 */
	for (int tries = 0; tries < LOOK_TRIES && lane_view_read(s, lane, &v); tries++) {
		bool is_there = weigh(s, c, lane, &v);

		if (lane_view_is_current(s, lane, &v))
			return is_there;
		*c = before;
	}
	c->head = c->next;
	note_barren(s, c);
	return false;
}

void lane_belief_note_taken(struct ring_view *s, uint32_t lane, uint64_t epoch)
{
	struct cursor *c = &s->cursors[lane];

	/* What comes again is below the place. */
	if (c->next <= c->counted)
		return;
	c->taken = c->next;
	c->taken_epoch = epoch;
	/*
	 * Anybody can write a claim into the header. A record by the one who claims bears it out.
	 * One by another tells nothing new, where both are of the count that we go by; else its
	 * owner's claim was not seen, and which count the place is of is not known.
	 */
	if (epoch == c->owner)
		c->count_id = c->owner_count;
	else if (!c->is_claimed || c->owner_count != c->count_id)
		c->count_id = 0;
}

void lane_belief_note_sample(struct ring_view *s, uint32_t lane)
{
	struct cursor *c = &s->cursors[lane];

	c->barren = 0;
	if (c->level && ring_view_now(s) - c->lied_ns > PROBATION_NS)
		c->level = 0;
}

void lane_belief_note_rejected(struct ring_view *s, uint32_t lane)
{
	note_barren(s, &s->cursors[lane]);
}

void lane_belief_note_missing(struct ring_view *s, uint32_t lane)
{
	struct cursor *c = &s->cursors[lane];
	uint64_t record = c->next - 1;

	/*
	 * Lost, if a later record took its place, or if the owner vouches for it. What is neither
	 * was never published: the count began beyond it.
	 */
	if (record >= c->from || lane_view_sequence(s, lane, record) > slot_sequence_whole(record))
		lose_before(c, record + 1, 1);
	else
		note_lie(s, c);
	/* More may have been overwritten: the next look tells how many. */
	c->head = c->next;
	note_barren(s, c);
}
