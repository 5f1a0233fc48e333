/*
 * reaper.c: which requests in flight have died with their process, or lost their end.
 *
 * The outcome. At a look at a lane this is noted, in this order:
 *
 *   N  how many begins have been noted from the ring so far
 *   E  the epoch in the lane's header            acquire: pairs with continue_sequence()
 *   U  whether the lane's lock is free           asked of the kernel
 *   H  the lane's head                           acquire: pairs with publish_payload()
 *
 * Once the reader has passed H, two kinds of requests are dead, also if the lane is claimed again
 * in the meantime:
 *
 * 1. Those of another epoch than E whose begin was noted before N. An owner writes its epoch into
 *    the header before it publishes, so the read of E, which comes after the read of such a begin,
 *    saw that begin's epoch or a later owner's. It is not the begin's, so it is a later owner's,
 *    which claimed the lane after the begin's owner had given it up.
 * 2. If U, those of E. The owner that wrote E held the lock before it did so, and had given it back
 *    before U was asked, since the lock was free then. A claim between E and U does not matter: it
 *    needed the lock too, and its requests are of another epoch.
 *
 * Their ends, if there are any, lie below H: the kernel orders the release of a lock after all
 * stores of its holder, and H is read after U, or after E, whose writer had that lock. So an end
 * that was published just before the death has been seen when the reader has passed H, and its
 * begin is no longer there. Epochs are compared for equality only: they need not grow.
 *
 * A lane whose head lies. If the head is now below H, it was taken back: the note is made anew. If
 * the reader stays below H for some seconds, through several looks, it cannot reach H, and the note
 * no longer waits. In both cases only the requests of this lane are affected.
 *
 * The bound. To ask the kernel for a lane's lock takes 1 us, and 10 to 20 where thousands of lanes
 * are taken, since it walks the list of locks. So lanes are asked in turn, in steps of a given
 * time, with pauses; and not where the epoch alone tells.
 */
#include "reaper.h"
#include "base/now.h"

#include <stdlib.h>
#include <string.h>

/* A little less than the second after which an idle caller calls again. */
#define ROUND_NS     (NS_PER_SECOND * 9 / 10)
#define PAUSE_FACTOR 40

/* A look that finds the reader where it was counts only when this much time has passed. */
#define STUCK_NS  (NS_PER_SECOND / 2)
#define STUCK_MAX 4

struct note {
	struct inflight_outcome outcome;
	uint64_t head;
	uint64_t position,
	    looked_ns;  /* where the reader was, and when, at the last look that counts */
	unsigned stuck; /* looks that found it there */
};

struct reaper {
	bool all_lanes;
	uint64_t incarnation; /* of the requests that the notes are about */
	uint8_t bus_id[16];   /* of the bus that they are on */
	struct note notes[ORBUS_LANES_MAX];
	/* By lane: a note waits for the reader; the lane had an owner at the last look. */
	uint64_t pending[ORBUS_LANES_MAX / 64], owned[ORBUS_LANES_MAX / 64];
	uint64_t lost[ORBUS_LANES_MAX], lost_in_all;
	uint32_t pending_count, owned_count;
	uint32_t settle_lane; /* where settling goes on */
	uint32_t look_lane;   /* where the running round goes on */
	bool in_round, is_refused;
	uint64_t round_next_ns, step_next_ns; /* CLOCK_MONOTONIC */
};

struct reaper *reaper_new(bool all_lanes)
{
	struct reaper *p = calloc(1, sizeof(*p));

	if (p)
		p->all_lanes = all_lanes;
	return p;
}

void reaper_free(struct reaper *p)
{
	free(p);
}

static bool bit(const uint64_t *bits, uint32_t lane)
{
	return bits[lane / 64] >> (lane % 64) & 1;
}

/* Sets a lane's bit, with the count of those that are set. */
static void set_bit(uint64_t *bits, uint32_t *count, uint32_t lane, bool value)
{
	if (bit(bits, lane) == value)
		return;
	bits[lane / 64] ^= UINT64_C(1) << (lane % 64);
	*count += value ? 1 : UINT32_MAX;
}

/*
 * Notes about requests that are no longer there are void. False: the reader has gone to another
 * bus, and the requests are still those of the one before: nothing can be said about them.
 */
static bool keep_up(struct reaper *p, const struct orbus_reader *r, const struct inflight *f)
{
	if (p->incarnation == inflight_incarnation(f))
		return memcmp(p->bus_id, reader_bus_id(r), sizeof(p->bus_id)) == 0;
	p->incarnation = inflight_incarnation(f);
	memcpy(p->bus_id, reader_bus_id(r), sizeof(p->bus_id));
	memset(p->pending, 0, sizeof(p->pending));
	memset(p->owned, 0, sizeof(p->owned));
	memset(p->lost, 0, sizeof(p->lost));
	p->pending_count = p->owned_count = 0;
	p->lost_in_all = 0;
	p->in_round = false;
	p->round_next_ns = 0;
	return true;
}

/* --- Looking ---------------------------------------------------------------------------------- */

static bool is_wanted(
    const struct reaper *p, const struct orbus_reader *r, const struct inflight *f, uint32_t lane)
{
	return lane < reader_lane_count(r) && (p->all_lanes || inflight_in_lane(f, lane)) &&
	       reader_lane_in_use(r, lane);
}

/*
 * Asks whether a lane has a living owner. Without permission to ask, it assumes that the lane has
 * one.
 */
static bool has_owner(struct reaper *p, struct orbus_reader *r, uint32_t lane)
{
	int owned = p->is_refused ? 1 : reader_lane_is_owned(r, lane);

	p->is_refused |= owned < 0;
	set_bit(p->owned, &p->owned_count, lane, owned > 0);
	return owned != 0;
}

/* Whether a note is still to wait for the reader. */
static bool is_waiting(struct note *n, const struct orbus_reader *r, uint32_t lane)
{
	uint64_t position = reader_position(r, lane), now_ns = now_ns_of(CLOCK_MONOTONIC);

	if (reader_lane_head(r, lane) < n->head)
		return false;
	if (position != n->position) {
		n->position = position;
		n->looked_ns = now_ns;
		n->stuck = 0;
	} else if (now_ns - n->looked_ns >= STUCK_NS) {
		n->looked_ns = now_ns;
		if (++n->stuck >= STUCK_MAX)
			n->head = 0;
	}
	return true;
}

static void look_at(
    struct reaper *p, struct orbus_reader *r, const struct inflight *f, uint32_t lane)
{
	struct note *n = &p->notes[lane];

	/* What a note says stays true however long it waits. */
	if (!inflight_in_lane(f, lane) || (bit(p->pending, lane) && is_waiting(n, r, lane))) {
		if (p->all_lanes)
			(void)has_owner(p, r, lane);
		return;
	}
	/* The order of these is the file's argument. */
	n->outcome.before = inflight_noted(f);
	n->outcome.epoch = reader_lane_epoch(r, lane);
	n->outcome.is_dead = (p->all_lanes || inflight_newest_is_of(f, lane, n->outcome.epoch)) &&
	                     !has_owner(p, r, lane);
	n->head = reader_lane_head(r, lane);
	n->position = reader_position(r, lane);
	n->looked_ns = now_ns_of(CLOCK_MONOTONIC);
	n->stuck = 0;
	set_bit(p->pending, &p->pending_count, lane, true);
}

/* A round goes over the lanes once, in as many steps as it takes. */
static void step(struct reaper *p, struct orbus_reader *r, struct inflight *f, uint64_t until_ns)
{
	uint64_t boot_ns = now_ns_of(CLOCK_BOOTTIME);

	while (p->look_lane < ORBUS_LANES_MAX) {
		uint32_t lane = p->look_lane++;

		inflight_expire(f, lane, boot_ns);
		if (!is_wanted(p, r, f, lane))
			continue;
		look_at(p, r, f, lane);
		if (now_ns_of(CLOCK_MONOTONIC) >= until_ns)
			return;
	}
	p->in_round = false;
}

void reaper_look(struct reaper *p, struct orbus_reader *r, struct inflight *f, uint64_t budget_ns)
{
	uint64_t now_ns = now_ns_of(CLOCK_MONOTONIC);
	bool at_once = budget_ns == UINT64_MAX;

	if (!keep_up(p, r, f) ||
	    (!at_once && now_ns < (p->in_round ? p->step_next_ns : p->round_next_ns)))
		return;
	if (!p->in_round || at_once) {
		p->in_round = true;
		p->is_refused = false;
		p->look_lane = 0;
		p->round_next_ns = now_ns + ROUND_NS;
	}
	step(p, r, f, at_once ? UINT64_MAX : now_ns + budget_ns);
	p->step_next_ns = now_ns_of(CLOCK_MONOTONIC) + (at_once ? 0 : budget_ns * PAUSE_FACTOR);
}

uint64_t reaper_due_ns(const struct reaper *p)
{
	return p->in_round ? p->step_next_ns : UINT64_MAX;
}

int reaper_owned_lanes(const struct reaper *p)
{
	return p->is_refused ? -1 : (int)p->owned_count;
}

/* --- Settling --------------------------------------------------------------------------------- */

static void settle_lane(struct reaper *p, const struct orbus_reader *r, struct inflight *f,
    uint32_t lane, inflight_gone_fn *dead, void *context)
{
	const struct note *n = &p->notes[lane];

	if (reader_position(r, lane) < n->head)
		return;
	set_bit(p->pending, &p->pending_count, lane, false);
	inflight_reap(f, lane, &n->outcome, dead, context);
}

void reaper_settle(struct reaper *p, const struct orbus_reader *r, struct inflight *f,
    uint64_t budget_ns, inflight_gone_fn *dead, void *context)
{
	uint64_t until_ns =
	    budget_ns == UINT64_MAX ? UINT64_MAX : now_ns_of(CLOCK_MONOTONIC) + budget_ns;
	uint32_t lanes = reader_lane_count(r);

	if (!keep_up(p, r, f))
		return;
	for (uint32_t n = 0; p->pending_count > 0 && n < lanes; n++) {
		uint32_t lane = p->settle_lane < lanes ? p->settle_lane : 0;

		p->settle_lane = lane + 1;
		if (!bit(p->pending, lane))
			continue;
		settle_lane(p, r, f, lane, dead, context);
		if (now_ns_of(CLOCK_MONOTONIC) >= until_ns)
			return;
	}
}

uint32_t reaper_pending(const struct reaper *p)
{
	return p->pending_count;
}

/* --- Lost samples ----------------------------------------------------------------------------- */

void reaper_note_losses(struct reaper *p, const struct orbus_reader *r, struct inflight *f,
    inflight_gone_fn *forgotten, void *context)
{
	if (!keep_up(p, r, f) || orbus_reader_lost(r) == p->lost_in_all)
		return;
	p->lost_in_all = orbus_reader_lost(r);
	for (uint32_t i = 0; i < reader_lane_count(r); i++) {
		uint64_t lost = reader_lane_lost(r, i);

		if (lost == p->lost[i])
			continue;
		p->lost[i] = lost;
		inflight_forget_lane(f, i, forgotten, context);
	}
}
