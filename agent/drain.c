/*
 * drain.c: from the ring into the aggregator.
 */
#include "agent.h"
#include "agent/persist/checkpoint.h"
#include "base/clock.h"
#include "base/text_safe.h"
#include "live/bus_error.h"
#include "ring/layout.h"
#include "ring/segment.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/*
 * What one turn may take, so that the rest of the loop gets its own: of draining, of looking who
 * lives, of counting the dead. The clock costs a quarter of a sample: it is looked at now and then.
 */
#define DRAIN_NS      4000000
#define DRAIN_SAMPLES 32
#define LOOK_NS       1000000
#define SETTLE_NS     1000000
/* Between two lines that tell of the same trouble. */
#define LOST_EVERY_NS      (10 * NS_PER_SECOND)
#define FORGOTTEN_EVERY_NS (60 * NS_PER_SECOND)
/* While samples come; a flood rings the bell earlier. */
#define POLL_MS           100
#define BUS_LOCK_PATIENCE 100

/*
 * One agent a bus: the lock is a byte of the bus's lock object, which mere readers cannot open. One
 * that was killed just now may still hold it: it is given so many steps of 5 ms.
 */
static int take_bus_lock(struct agent *a, int patience)
{
	const struct timespec step = {0, 5000000};
	struct stat st;
	int err, fd = object_open(&a->paths, a->paths.locks, O_RDWR);

	if (fd < 0)
		return fd;
	while (
	    (err = object_lock(fd, ORBUS_LOCK_AGENT)) == -EAGAIN && patience-- > 0 && !agent_stop)
		nanosleep(&step, NULL);
	if (!err && fstat(fd, &st) < 0)
		err = -errno;
	if (!err) {
		if (a->bus_lock_fd >= 0)
			close(a->bus_lock_fd);
		a->bus_lock_fd = fd;
		a->bus_lock_inode = st.st_ino;
		return 0;
	}
	close(fd);
	return err == -EAGAIN ? -EBUSY : err;
}

/* Whether another agent keeps the board. */
static bool is_served_by_another(const struct agent *a, int *pid)
{
	struct board_snapshot board;

	if (board_peek(a->config->bus, &board) != 0 || !board.is_live || board.pid == getpid())
		return false;
	*pid = (int)board.pid;
	return true;
}

static void say_lock_error(struct agent *a, int err)
{
	char why[PATH_MAX + 256];
	int pid;

	if (err == -EBUSY && is_served_by_another(a, &pid)) {
		log_error(a->log,
		    "another agent (pid %d) already serves bus '%s': stop it, or name another "
		    "--bus",
		    pid, a->paths.name);
		return;
	}
	if (err == -EBUSY)
		snprintf(why, sizeof(why),
		    "another program holds the agent's lock in '%s': lslocks or fuser tell which; "
		    "stop it",
		    a->paths.locks);
	else
		bus_error_describe(a->config->bus, err, why, sizeof(why));
	log_error(a->log, "cannot be the agent of bus '%s': %s", a->paths.name, why);
}

/* Another shape is asked for than the bus has: both, and what can be done. */
static void say_other_shape(const struct agent *a)
{
	const struct orbus_create_options *o = &a->config->create;
	struct orbus_bus_info info;

	if (orbus_inspect(a->config->bus, &info) != 0)
		return;
	log_error(a->log,
	    "bus '%s' exists with %u lanes of %u slots of %u bytes, and %u lanes of %u slots of %u "
	    "bytes are asked for: stop its producers, remove %s and start the agent first, or leave "
	    "--lanes, --slots and --slot-bytes out",
	    a->paths.name, info.lanes, info.slots, info.slot_bytes,
	    o->lanes ? o->lanes : info.lanes, o->slots ? o->slots : info.slots,
	    o->slot_bytes ? o->slot_bytes : info.slot_bytes, a->paths.ring);
}

/* Mode or group cannot be given to a bus that exists. */
static void say_not_ours_to_change(const struct agent *a)
{
	struct orbus_bus_info info;
	char owner[128];

	if (orbus_inspect(a->config->bus, &info) != 0)
		return;
	user_display_name(info.owner_uid, owner, sizeof(owner));
	log_error(a->log,
	    "bus '%s' exists and cannot be given another mode or group: that takes its owner, %s, "
	    "who must be in the group, or root; leave --mode and --group out, or start the agent as "
	    "one of them",
	    a->paths.name, owner);
}

static void say_bus_error(struct agent *a, int err)
{
	const struct orbus_create_options *o = &a->config->create;
	char why[1024];

	if (err == -EEXIST) {
		say_other_shape(a);
	} else if (err == -EPERM && (o->mode || o->set_group)) {
		say_not_ours_to_change(a);
	} else {
		bus_error_describe(a->config->bus, err, why, sizeof(why));
		log_error(a->log, "%s", why);
	}
}

/* Makes the bus, or gives the one that is there what was asked for: 0 made, 1 it was there. */
static int make_bus(struct agent *a, unsigned wait_ms)
{
	const struct orbus_create_options *o = &a->config->create;
	struct stat before, after;
	bool existed = lstat(a->paths.ring, &before) == 0;
	int made = segment_create(&a->paths, o, wait_ms);

	if (made == 1 && existed && (o->mode || o->set_group) &&
	    lstat(a->paths.ring, &after) == 0 && after.st_ino == before.st_ino &&
	    (after.st_mode != before.st_mode || after.st_gid != before.st_gid))
		log_info(a->log, "bus '%s' existed with mode %04o and group %u: now %04o and %u",
		    a->paths.name, (unsigned)before.st_mode & 0777, (unsigned)before.st_gid,
		    (unsigned)after.st_mode & 0777, (unsigned)after.st_gid);
	return made;
}

/* The board is for whoever may read the ring, as that is now. */
static int create_board(const struct agent *a, struct board **out)
{
	struct stat ring;
	int err;

	if (lstat(a->paths.ring, &ring) < 0)
		return -errno;
	err = board_create(a->config->bus, ring.st_mode & 0666,
	    ring.st_gid == getegid() ? NULL : &ring.st_gid, out);
	/* A group that is not one of ours, of a bus of somebody else's: then for the others. */
	if (err == -EPERM && ring.st_gid != getegid())
		err = board_create(a->config->bus, ring.st_mode & 0606, NULL, out);
	return err;
}

/*
 * Makes the board, or makes it again. Without one the agent serves all the same: samples are
 * counted and stored, and orstat shows what the ring holds.
 */
static void open_board(struct agent *a)
{
	struct board *board = NULL;
	char why[1024];
	int err = create_board(a, &board);

	if (!err) {
		if (a->board_error)
			log_info(a->log, "bus '%s' has a board", a->paths.name);
		board_close(a->board);
		a->board = board;
		a->board_changes = UINT64_MAX;
		a->board_error = 0;
		return;
	}
	if (err == a->board_error)
		return;
	a->board_error = err;
	if (!bus_stranger_describe(&a->paths, a->paths.board, why, sizeof(why)))
		snprintf(why, sizeof(why), "%s", orbus_strerror(err));
	log_warning(a->log,
	    "bus '%s' has no board, tools show what the ring holds; trying again each second: %s",
	    a->paths.name, why);
}

int drain_open_reader(const struct agent *a, struct orbus_reader **out)
{
	int err = orbus_reader_open(a->config->bus, out);

	if (!err)
		reader_set_poll_ms(*out, POLL_MS);
	return err;
}

int drain_open(struct agent *a)
{
	const struct config *c = a->config;
	int err = bus_paths_resolve(c->bus, &a->paths);

	if (err) {
		say_bus_error(a, err);
		return err;
	}
	err = make_bus(a, SEGMENT_WAIT_MS);
	if (err >= 0)
		err = drain_open_reader(a, &a->reader);
	if (err) {
		say_bus_error(a, err);
		return err;
	}
	err = take_bus_lock(a, BUS_LOCK_PATIENCE);
	if (err) {
		say_lock_error(a, err);
		return err;
	}
	memcpy(a->bus_id, reader_bus_id(a->reader), sizeof(a->bus_id));
	a->ring_inode = object_inode(a->paths.ring);
	open_board(a);
	a->reaper = reaper_new(false);
	return a->reaper ? 0 : -ENOMEM;
}

void drain_close(struct agent *a)
{
	orbus_reader_close(a->reader);
	reaper_free(a->reaper);
	board_close(a->board);
	free(a->lying_lanes);
	if (a->bus_lock_fd >= 0)
		close(a->bus_lock_fd);
}

bool drain_is_same_bus(const struct agent *a, const struct checkpoint_bus *saved)
{
	return saved && memcmp(saved->bus_id, a->bus_id, sizeof(a->bus_id)) == 0 &&
	       strcmp(saved->boot_id, a->boot_id) == 0 &&
	       saved->lane_count == reader_lane_count(a->reader);
}

void drain_resume(struct agent *a, const struct checkpoint_bus *saved, bool skip)
{
	bool same = drain_is_same_bus(a, saved);

	if (!same)
		given_times_forget(a->aggregator.given);
	if (skip) {
		orbus_reader_skip(a->reader);
		return;
	}
	/* A lane without a saved position has been counted up to 0: all it ever held is due. */
	for (uint32_t i = 0; i < reader_lane_count(a->reader); i++)
		if (!reader_set_position(a->reader, i, same ? saved->positions[i] : 0,
			same && saved->counts ? saved->counts[i] : 0)) {
			given_times_forget_lane(a->aggregator.given, i);
			log_warning(a->log,
			    "lane %u is behind its checkpoint: counting from its "
			    "beginning",
			    i);
		}
	if (saved && !same)
		inflight_clear(a->aggregator.inflight);
}

/* The reader has gone to the bus that bears the name now: nothing from there was noted yet. */
static void follow_bus(struct agent *a)
{
	if (memcmp(a->bus_id, reader_bus_id(a->reader), sizeof(a->bus_id)) == 0)
		return;
	log_info(a->log, "following bus '%s' to its new incarnation", a->paths.name);
	memcpy(a->bus_id, reader_bus_id(a->reader), sizeof(a->bus_id));
	inflight_clear(a->aggregator.inflight);
	given_times_forget(a->aggregator.given);
	if (journal_begin_bus(a) < 0)
		a->aggregator.out_of_memory = true;
	a->aggregator.changes++;
}

static void take_losses(struct agent *a, uint64_t now_ns)
{
	uint64_t lost = orbus_reader_lost(a->reader), rejected = orbus_reader_rejected(a->reader);

	aggregator_add_losses(
	    &a->aggregator, lost - a->lost_seen, rejected - a->rejected_seen, now_ns);
	a->lost_unsaid += lost - a->lost_seen;
	a->lost_seen = lost;
	a->rejected_seen = rejected;
	reaper_note_losses(a->reaper, a->reader, a->aggregator.inflight, NULL, NULL);
}

bool drain_ring(struct agent *a, uint64_t now_ns)
{
	uint64_t until_ns = clock_monotonic_ns() + DRAIN_NS;
	struct orbus_sample s;
	unsigned taken = 0;
	bool more = false;

	follow_bus(a);
	while (!more && !a->aggregator.out_of_memory && orbus_reader_next(a->reader, &s) == 1) {
		aggregator_add(&a->aggregator, &s, reader_origin(a->reader), now_ns);
		more = ++taken % DRAIN_SAMPLES == 0 && clock_monotonic_ns() >= until_ns;
	}
	take_losses(a, now_ns);
	/* The reader stops among records that are none: there may be others behind them. */
	return more || (!a->aggregator.out_of_memory && !reader_is_drained(a->reader));
}

struct orphan_context {
	struct agent *a;
	uint64_t now_ns;
};

static void count_orphan(void *context, const struct orbus_sample *begin)
{
	const struct sample_origin nowhere = {.lane = UINT32_MAX};
	struct orphan_context *c = context;
	struct orbus_sample orphan = *begin;

	orphan.kind = ORBUS_KIND_REQUEST;
	orphan.status = ORBUS_STATUS_ORPHANED;
	orphan.ts = 0;
	aggregator_add(&c->a->aggregator, &orphan, &nowhere, c->now_ns);
}

void drain_reap(struct agent *a, uint64_t now_ns, bool at_once)
{
	struct orphan_context c = {a, now_ns};
	struct inflight *f = a->aggregator.inflight;

	reaper_look(a->reaper, a->reader, f, at_once ? UINT64_MAX : LOOK_NS);
	reaper_settle(a->reaper, a->reader, f, at_once ? UINT64_MAX : SETTLE_NS, count_orphan, &c);
}

/*
 * The ring or its lock object was removed (RemoveIPC, rm), or made anew by a bot: makes what is
 * missing, and gives it the mode and group that were asked for. What cannot be done is said once
 * and tried again each second; meanwhile the bus that is open is served on.
 */
static void look_after_objects(struct agent *a)
{
	uint64_t ring = object_inode(a->paths.ring), locks = object_inode(a->paths.locks);
	int err;

	if (ring == a->ring_inode && locks == a->bus_lock_inode)
		return;
	err = make_bus(a, 0);
	if (err == 0 && ring == 0)
		log_warning(a->log, "bus '%s' was removed: made it anew", a->paths.name);
	else if (err == 0)
		log_warning(a->log, "the lock object of bus '%s' was removed: made the bus anew",
		    a->paths.name);
	if (err < 0 && err != a->bus_error)
		say_bus_error(a, err);
	a->bus_error = err < 0 ? err : 0;
	if (object_inode(a->paths.locks) != a->bus_lock_inode) {
		err = take_bus_lock(a, 0);
		if (err && err != a->bus_lock_error && err != a->bus_error)
			say_lock_error(a, err);
		a->bus_lock_error = err;
	}
	/* Another shape than was asked for is said, and served. */
	if (a->bus_error == 0 || a->bus_error == -EEXIST || a->bus_error == -EPERM)
		a->ring_inode = object_inode(a->paths.ring);
}

static void look_after_bus(struct agent *a)
{
	int pid;

	look_after_objects(a);
	/* Without the lock somebody else may be the agent: his board is left to him. */
	if (board_is_gone(a->board) && !(a->bus_lock_error && is_served_by_another(a, &pid)))
		open_board(a);
	lying_lanes_report(a, clock_monotonic_ns());
}

static void say_losses(struct agent *a)
{
	uint64_t monotonic_ns = clock_monotonic_ns();

	if (a->lost_unsaid == 0 || monotonic_ns < a->lost_say_ns)
		return;
	log_warning(a->log, "%llu samples were overwritten before they could be counted",
	    (unsigned long long)a->lost_unsaid);
	a->lost_unsaid = 0;
	a->lost_say_ns = monotonic_ns + LOST_EVERY_NS;
}

/* A bot that begins requests and never ends them is told of by name. */
static void say_forgotten(struct agent *a)
{
	uint64_t monotonic_ns = clock_monotonic_ns();
	struct inflight_worst worst;
	char bot[INFLIGHT_TEXT_BYTES];

	if (monotonic_ns < a->forgotten_say_ns || !inflight_worst(a->aggregator.inflight, &worst))
		return;
	(void)text_sanitise(bot, sizeof(bot), worst.bot);
	log_warning(a->log,
	    "forgot %llu requests that were begun and never ended, up to %llu of one producer (bot "
	    "'%s', lane %u): if their process dies, they are not counted as orphaned; bots must "
	    "end what they begin",
	    (unsigned long long)worst.in_all, (unsigned long long)worst.in_lane, bot, worst.lane);
	a->forgotten_say_ns = monotonic_ns + FORGOTTEN_EVERY_NS;
}

void drain_look_after(struct agent *a)
{
	look_after_bus(a);
	say_losses(a);
	say_forgotten(a);
}

void drain_say_rest(struct agent *a)
{
	a->lost_say_ns = a->forgotten_say_ns = 0;
	say_losses(a);
	say_forgotten(a);
}

int drain_positions(const struct agent *a, struct checkpoint_bus *out)
{
	memset(out, 0, sizeof(*out));
	memcpy(out->bus_id, reader_bus_id(a->reader), sizeof(out->bus_id));
	memcpy(out->boot_id, a->boot_id, sizeof(out->boot_id));
	out->lane_count = reader_lane_count(a->reader);
	out->positions = calloc(out->lane_count, sizeof(*out->positions));
	out->counts = calloc(out->lane_count, sizeof(*out->counts));
	if (!out->positions || !out->counts) {
		checkpoint_bus_free(out);
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < out->lane_count; i++) {
		out->positions[i] = reader_position(a->reader, i);
		out->counts[i] = reader_position_count(a->reader, i);
	}
	return 0;
}
