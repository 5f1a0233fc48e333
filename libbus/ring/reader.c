/*
 * reader.c: reading every lane of a bus through a read-only mapping, and counting every record that
 * was lost.
 *
 * A reader stores to nothing shared. It looks at a lane's `head` once per round and then works off
 * what is there, so producers pay a cache miss a few times a second, not per publish. lane_belief.c
 * decides what to believe of a head. What the agent and the tools need beyond orbus.h is in
 * reader_lanes.c.
 *
 * Loss. `next` is the number of the next record to take. Every record below a head that was seen
 * is either delivered, rejected or lost: a record whose slot no longer holds it was overwritten.
 */
#include "base/now.h"
#include "handle.h"
#include "reader_body.h"
#include "sample/sample.h"
#include "slow_path.h"

#include <errno.h>
#include <linux/futex.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define POLL_LIVE_MS  5
#define POLL_QUIET_MS 500
/* Producers leave a removed bus within a second of publishing. */
#define LINGER_NS  UINT64_C(2000000000)
#define LANE_BATCH 256
/* Records without a sample, and visits to idle lanes beside two rounds, in one call. */
#define STEPS_MAX 4096

/* Buffers for one payload and its decoded strings; both grow with the slots of a new bus. */
static int fit_buffers(struct reader *r, const struct ring_shape *shape)
{
	uint32_t bytes = shape_payload_bytes(shape);
	uint64_t *payload;
	char *arena;

	if (bytes <= r->payload_bytes)
		return 0;
	payload = malloc(bytes);
	arena = malloc(sample_arena_bytes(bytes));
	if (!payload || !arena) {
		free(payload);
		free(arena);
		return -ENOMEM;
	}
	free(r->payload);
	free(r->storage.arena);
	r->payload = payload;
	r->storage.arena = arena;
	r->payload_bytes = bytes;
	return 0;
}

/*
 * Begins a call. A child that was forked while another thread was in one is refused too: that
 * call may have left the reader half-changed.
 */
static int enter(const struct orbus_reader *h, struct handle_cell **cell, struct reader **out)
{
	int err = handle_enter(h, HANDLE_READER, cell);

	if (err)
		return err;
	*out = (*cell)->body;
	if ((*out)->is_inside) {
		handle_leave(*cell);
		return -EALREADY;
	}
	(*out)->is_inside = true;
	return 0;
}

static void leave(struct handle_cell *cell, struct reader *r)
{
	r->is_inside = false;
	handle_leave(cell);
}

static void destroy(void *body)
{
	struct reader *r = body;

	/*
	 * A child that was forked during another thread's call cannot know which parts are whole,
	 * and frees nothing.
	 */
	if (r->is_inside)
		return;
	ring_view_close(&r->now);
	ring_view_close(&r->before);
	if (r->locks_fd >= 0)
		close(r->locks_fd);
	free(r->payload);
	free(r->storage.arena);
	free(r);
}

static int open_on(const char *bus, struct reader **out)
{
	struct reader *r = calloc(1, sizeof(*r));
	int err;

	if (!r)
		return -ENOMEM;
	r->locks_fd = -1;
	r->poll_live_ms = POLL_LIVE_MS;
	err = bus_paths_resolve(bus, &r->paths);
	if (!err)
		err = ring_view_open(&r->now, &r->paths, r->clock);
	if (!err)
		err = fit_buffers(r, &r->now.segment.shape);
	if (err) {
		destroy(r);
		return err;
	}
	r->last_sample_ns = now_ns_of(CLOCK_MONOTONIC);
	r->next_identity_ns = r->last_sample_ns + IDENTITY_EVERY_NS;
	*out = r;
	return 0;
}

int orbus_reader_open(const char *bus, struct orbus_reader **out)
{
	struct slow_path before;
	struct handle_cell *cell;
	struct reader *r;
	int err;

	if (!out)
		return -EINVAL;
	*out = NULL;
	before = slow_path_begin();
	cell = handle_take(&err);
	if (cell) {
		err = open_on(bus, &r);
		if (err)
			handle_drop(cell);
		else
			*out = handle_show(cell, HANDLE_READER, r, destroy);
	}
	slow_path_end(before);
	return err;
}

void orbus_reader_close(struct orbus_reader *r)
{
	handle_close(r, HANDLE_READER);
}

/* So much of a slot is fetched ahead, while others are read. Most samples are not longer. */
#define PREFETCH_BYTES 256
#define CACHE_LINE     64

/*
 * Only published records: fetching a cache line that is being written would take it from its
 * writer.
 */
static inline void prefetch(const struct ring_view *s, uint32_t lane, uint64_t record)
{
	const char *slot;

	if (record >= s->cursors[lane].head)
		return;
	slot = (const char *)lane_view_slot(s, lane, record);
	for (unsigned i = 0; i < PREFETCH_BYTES; i += CACHE_LINE)
		__builtin_prefetch(slot + i);
}

/* Takes one record of a lane that lane_belief_look() found something in. False: lost or rejected.
 */
static bool take_record(
    struct reader *r, struct ring_view *s, uint32_t lane, struct orbus_sample *out)
{
	struct cursor *c = &s->cursors[lane];
	uint64_t record = c->next++;
	uint32_t length;
	bool whole;
	int err;

	prefetch(s, lane, record + 2);
	whole = slot_read(lane_view_slot(s, lane, record), record, r->payload,
	    shape_payload_bytes(&s->segment.shape), &r->origin.epoch, &length);
	r->origin.lane = lane;
	r->origin.record = record;
	r->origin.replayed = record < c->counted;
	r->origin.is_removed = s == &r->before;
	if (!whole) {
		lane_belief_note_missing(s, lane);
		return false;
	}
	lane_belief_note_taken(s, lane, r->origin.epoch);
	err = sample_decode(r->payload, length, &r->storage, out);
	/* A kind of a later version is of an honest lane, and none of this reader's. */
	if (err == 0 || err == -ENOMSG) {
		lane_belief_note_sample(s, lane);
		return err == 0;
	}
	/*
	 * Does not count against the lane if an earlier process has counted it. Otherwise each new
	 * process would stop at the same place, and never reach the records that are due. It is
	 * passed once, so it costs little.
	 */
	if (!r->origin.replayed) {
		r->rejected++;
		lane_belief_note_rejected(s, lane);
	}
	return false;
}

/*
 * Goes round the lanes of one source, a batch from each, until a sample (1), a round of nothing
 * (0), or its bound of work (-EAGAIN): the place is kept.
 */
static int next_from(struct reader *r, struct ring_view *s, struct orbus_sample *out)
{
	uint32_t lanes = s->segment.shape.lane_count;
	uint32_t steps = STEPS_MAX + 2 * lanes;

	if (r->lane >= lanes)
		r->lane = 0;
	while (r->idle < lanes) {
		struct cursor *c = &s->cursors[r->lane];

		if (steps-- == 0)
			return -EAGAIN;
		if (r->batch > 0 && (c->next < c->head || lane_belief_look(s, r->lane))) {
			r->batch--;
			r->idle = 0;
			if (take_record(r, s, r->lane, out))
				return 1;
			continue;
		}
		/* A lane left because its turn was over may have more: it was not idle. */
		r->idle += r->batch > 0;
		r->lane = r->lane + 1 == lanes ? 0 : r->lane + 1;
		r->batch = LANE_BATCH;
	}
	r->idle = 0;
	return 0;
}

static void drop_before(struct reader *r)
{
	r->lost_before += ring_view_lost(&r->before);
	ring_view_close(&r->before);
}

/* The name stands for another bus now: it is read from here on, and the former to its end. */
static void move_on(struct reader *r, uint64_t now_ns)
{
	struct ring_view fresh = {0};

	if (ring_view_open(&fresh, &r->paths, r->clock) < 0)
		return;
	if (fit_buffers(r, &fresh.segment.shape) < 0) {
		ring_view_close(&fresh);
		return;
	}
	if (r->before.cursors)
		drop_before(r);
	r->before = r->now;
	r->before_until_ns = now_ns + LINGER_NS;
	r->now = fresh;
	if (r->locks_fd >= 0)
		close(r->locks_fd);
	r->locks_fd = -1;
}

/* Once a second: does the name still mean the bus that we read? */
static void follow_name(struct reader *r, uint64_t now_ns)
{
	struct slow_path before;
	uint64_t inode;

	if (r->before.cursors && now_ns >= r->before_until_ns)
		drop_before(r);
	if (now_ns < r->next_identity_ns)
		return;
	r->next_identity_ns = now_ns + IDENTITY_EVERY_NS;
	before = slow_path_begin();
	inode = object_inode(r->paths.ring);
	if (inode != r->now.segment.shape.inode && inode != 0)
		move_on(r, now_ns);
	slow_path_end(before);
}

static int next(struct reader *r, struct orbus_sample *out)
{
	int before = 0, now;

	reader_forget_time(r);
	if (r->before.cursors) {
		before = next_from(r, &r->before, out);
		if (before > 0)
			return 1;
	}
	now = next_from(r, &r->now, out);
	if (now > 0)
		return 1;
	follow_name(r, now_ns_of(CLOCK_MONOTONIC));
	r->drained = before == 0 && now == 0;
	return 0;
}

int orbus_reader_next(struct orbus_reader *h, struct orbus_sample *out)
{
	struct handle_cell *cell;
	struct reader *r;
	int err = out ? enter(h, &cell, &r) : -EINVAL;

	if (err)
		return err;
	err = next(r, out);
	leave(cell, r);
	return err;
}

/* The longer it is quiet the less often, down to twice a second. */
static int poll_interval_ms(const struct reader *r, uint64_t now_ns)
{
	uint64_t ms = (now_ns - r->last_sample_ns) / 10 / 1000000;

	if (ms > POLL_QUIET_MS)
		return POLL_QUIET_MS;
	return ms < r->poll_live_ms ? (int)r->poll_live_ms : (int)ms;
}

/* At most until a lane that was put aside is due. */
static int until_due_ms(struct reader *r, int ms)
{
	uint64_t due_ns = ring_view_next_due_ns(&r->now),
		 before_ns = ring_view_next_due_ns(&r->before);
	uint64_t now_ns = r->now.clock(), left_ms;

	if (before_ns < due_ns)
		due_ns = before_ns;
	if (due_ns == UINT64_MAX)
		return ms;
	left_ms = due_ns > now_ns ? (due_ns - now_ns) / 1000000 + 1 : 0;
	return left_ms < (uint64_t)ms ? (int)left_ms : ms;
}

/*
 * Sleeps on the bell, whose value was noted before the last look: a ring since then ends the sleep
 * before it begins. The bell is a hint; what it does not tell is found at the next poll.
 */
static int sleep_on_bell(struct reader *r, int timeout_ms)
{
	const struct ring_shared *shared = r->now.segment.shared;
	struct timespec t = {timeout_ms / 1000, timeout_ms % 1000 * 1000000L};
	long n = syscall(SYS_futex, &shared->bell, FUTEX_WAIT, r->bell, &t, NULL, 0);
	int err = n < 0 && errno == EINTR ? -EINTR : 0;

	/* Where a sandbox denies futexes time passes all the same, or the caller would spin. */
	if (n < 0 && errno != EINTR && errno != EAGAIN && errno != ETIMEDOUT)
		err = -clock_nanosleep(CLOCK_MONOTONIC, 0, &t, NULL);
	/* Acquire: pairs with the release in ring_bell(). */
	r->bell = atomic_load_explicit(&shared->bell, memory_order_acquire);
	return err;
}

/* Closed in another thread, it ends at its next look. */
static int wait_for_news(struct reader *r, const struct orbus_reader *h, int timeout_ms)
{
	uint64_t now_ns = now_ns_of(CLOCK_MONOTONIC);
	uint64_t deadline_ns =
	    timeout_ms < 0 ? UINT64_MAX : now_ns + (uint64_t)timeout_ms * 1000000u;

	while (handle_is_open(h, HANDLE_READER)) {
		int ms, err;

		reader_forget_time(r);
		/* Just after a round that found nothing more, it sleeps before it looks again. */
		if (!r->drained &&
		    (ring_view_has_news(&r->now) || ring_view_has_news(&r->before))) {
			r->last_sample_ns = now_ns;
			return 1;
		}
		if (now_ns >= deadline_ns)
			return 0;
		follow_name(r, now_ns);
		ms = poll_interval_ms(r, now_ns);
		/* One sleep that is a little longer, not two. */
		if (deadline_ns - now_ns < (uint64_t)ms * 1250000u)
			ms = (int)((deadline_ns - now_ns + 999999) / 1000000);
		ms = until_due_ms(r, ms);
		err = sleep_on_bell(r, ms);
		r->drained = false;
		if (err)
			return err;
		now_ns = now_ns_of(CLOCK_MONOTONIC);
	}
	return -EINVAL;
}

int orbus_reader_wait(struct orbus_reader *h, int timeout_ms)
{
	struct slow_path before;
	struct handle_cell *cell;
	struct reader *r;
	int err = enter(h, &cell, &r);

	if (err)
		return err;
	before = slow_path_begin();
	err = wait_for_news(r, h, timeout_ms);
	slow_path_end(before);
	leave(cell, r);
	return err;
}

void orbus_reader_skip(struct orbus_reader *h)
{
	struct handle_cell *cell;
	struct reader *r;

	if (enter(h, &cell, &r) != 0)
		return;
	reader_forget_time(r);
	ring_view_skip(&r->before);
	ring_view_skip(&r->now);
	leave(cell, r);
}

uint64_t orbus_reader_lost(const struct orbus_reader *h)
{
	struct handle_cell *cell;
	struct reader *r;
	uint64_t lost;

	if (enter(h, &cell, &r) != 0)
		return 0;
	lost = r->lost_before + ring_view_lost(&r->before) + ring_view_lost(&r->now);
	leave(cell, r);
	return lost;
}

uint64_t orbus_reader_rejected(const struct orbus_reader *h)
{
	struct handle_cell *cell;
	struct reader *r;
	uint64_t rejected;

	if (enter(h, &cell, &r) != 0)
		return 0;
	rejected = r->rejected;
	leave(cell, r);
	return rejected;
}
