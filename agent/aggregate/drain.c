/*
 * drain.c: from the ring into the aggregator.
 */
#include "drain.h"
#include "agent/common/run_time.h"
#include "base/clock.h"
#include "base/text_safe.h"
#include "board/board.h"
#include "live/bus_error.h"
#include "live/bus_near.h"
#include "live/reaper.h"
#include "lying_lanes.h"
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

struct drain {
	const struct config *config;
	const char *boot_id;
	struct aggregator *aggregator;
	struct log *log;
	struct bus_paths paths;
	struct orbus_reader *reader;
	struct reaper *reaper;
	int bus_lock_fd; /* holds the bus's agent lock */
	/* The errors of bus and lock that were logged last; 0: none. */
	int bus_error, bus_lock_error;
	uint64_t bus_lock_inode, ring_inode; /* of the bus as it was last made or found */
	uint8_t bus_id[16];
	uint64_t lost_seen, rejected_seen; /* of the reader, already in the aggregator */
	uint64_t lost_unsaid;              /* lost samples that were not logged yet */
	uint64_t lost_say_ns;              /* CLOCK_MONOTONIC: the next such line, not before */
	uint64_t forgotten_say_ns;         /* likewise of requests in flight */
	struct lying_lanes *lying_lanes;
};

/*
 * One agent a bus: the lock is a byte of the bus's lock object, which mere readers cannot open. One
 * that was killed just now may still hold it: it is given so many steps of 5 ms.
 */
static int take_bus_lock(struct drain *d, int patience)
{
	const struct timespec step = {0, 5000000};
	struct stat st;
	int err, fd = object_open(&d->paths, d->paths.locks, O_RDWR);

	if (fd < 0)
		return fd;
	while (
	    (err = object_lock(fd, ORBUS_LOCK_AGENT)) == -EAGAIN && patience-- > 0 && !agent_stop)
		nanosleep(&step, NULL);
	if (!err && fstat(fd, &st) < 0)
		err = -errno;
	if (!err) {
		if (d->bus_lock_fd >= 0)
			close(d->bus_lock_fd);
		d->bus_lock_fd = fd;
		d->bus_lock_inode = st.st_ino;
		return 0;
	}
	close(fd);
	return err == -EAGAIN ? -EBUSY : err;
}

/* Whether another agent keeps the board. */
static bool is_kept_by_another(const struct drain *d, int *pid)
{
	struct board_snapshot board;

	if (board_peek(d->config->bus, &board) != 0 || !board.is_live || board.pid == getpid())
		return false;
	*pid = (int)board.pid;
	return true;
}

static void say_lock_error(struct drain *d, int err)
{
	char why[PATH_MAX + 256];
	int pid;

	if (err == -EBUSY && is_kept_by_another(d, &pid)) {
		log_error(d->log,
		    "another agent (pid %d) already serves bus '%s': stop it, or name another "
		    "--bus",
		    pid, d->paths.name);
		return;
	}
	if (err == -EBUSY)
		snprintf(why, sizeof(why),
		    "another program holds the agent's lock in '%s': lslocks or fuser tell which; "
		    "stop it",
		    d->paths.locks);
	else
		bus_error_describe(d->config->bus, err, why, sizeof(why));
	log_error(d->log, "cannot be the agent of bus '%s': %s", d->paths.name, why);
}

/* Another shape is asked for than the bus has: both, and what can be done. */
static void say_other_shape(const struct drain *d)
{
	const struct orbus_create_options *o = &d->config->create;
	struct orbus_bus_info info;

	if (orbus_inspect(d->config->bus, &info) != 0)
		return;
	log_error(d->log,
	    "bus '%s' exists with %u lanes of %u slots of %u bytes, and %u lanes of %u slots of %u "
	    "bytes are asked for: stop its producers, remove %s and start the agent first, or leave "
	    "--lanes, --slots and --slot-bytes out",
	    d->paths.name, info.lanes, info.slots, info.slot_bytes,
	    o->lanes ? o->lanes : info.lanes, o->slots ? o->slots : info.slots,
	    o->slot_bytes ? o->slot_bytes : info.slot_bytes, d->paths.ring);
}

/* Mode or group cannot be given to a bus that exists. */
static void say_not_ours_to_change(const struct drain *d)
{
	struct orbus_bus_info info;
	char owner[128];

	if (orbus_inspect(d->config->bus, &info) != 0)
		return;
	user_display_name(info.owner_uid, owner, sizeof(owner));
	log_error(d->log,
	    "bus '%s' exists and cannot be given another mode or group: that takes its owner, %s, "
	    "who must be in the group, or root; leave --mode and --group out, or start the agent as "
	    "one of them",
	    d->paths.name, owner);
}

static void say_bus_error(struct drain *d, int err)
{
	const struct orbus_create_options *o = &d->config->create;
	char why[1024];

	if (err == -EEXIST) {
		say_other_shape(d);
	} else if (err == -EPERM && (o->mode || o->set_group)) {
		say_not_ours_to_change(d);
	} else {
		bus_error_describe(d->config->bus, err, why, sizeof(why));
		log_error(d->log, "%s", why);
	}
}

/* A new bus whose name is near to another's: an agent that serves it may serve nobody. */
static void say_new_bus(struct drain *d)
{
	char what[1200];

	if (bus_new_describe(d->config->bus, what, sizeof(what)))
		log_warning(d->log, "%s", what);
}

/* Makes the bus, or gives the one that is there what was asked for: 0 made, 1 it was there. */
static int make_bus(struct drain *d, unsigned wait_ms)
{
	const struct orbus_create_options *o = &d->config->create;
	struct stat before, after;
	bool existed = lstat(d->paths.ring, &before) == 0;
	int made = segment_create(&d->paths, o, wait_ms);

	if (made == 1 && existed && (o->mode || o->set_group) &&
	    lstat(d->paths.ring, &after) == 0 && after.st_ino == before.st_ino &&
	    (after.st_mode != before.st_mode || after.st_gid != before.st_gid))
		log_info(d->log, "bus '%s' existed with mode %04o and group %u: now %04o and %u",
		    d->paths.name, (unsigned)before.st_mode & 0777, (unsigned)before.st_gid,
		    (unsigned)after.st_mode & 0777, (unsigned)after.st_gid);
	return made;
}

static int open_reader(const struct drain *d, struct orbus_reader **out)
{
	int err = orbus_reader_open(d->config->bus, out);

	if (!err)
		reader_set_poll_ms(*out, POLL_MS);
	return err;
}

static int open_bus(struct drain *d)
{
	int err = bus_paths_resolve(d->config->bus, &d->paths);

	if (err) {
		say_bus_error(d, err);
		return err;
	}
	err = make_bus(d, SEGMENT_WAIT_MS);
	if (err == 0)
		say_new_bus(d);
	if (err >= 0)
		err = open_reader(d, &d->reader);
	if (err) {
		say_bus_error(d, err);
		return err;
	}
	err = take_bus_lock(d, BUS_LOCK_PATIENCE);
	if (err) {
		say_lock_error(d, err);
		return err;
	}
	memcpy(d->bus_id, reader_bus_id(d->reader), sizeof(d->bus_id));
	d->ring_inode = object_inode(d->paths.ring);
	d->reaper = reaper_new(false);
	return d->reaper ? 0 : -ENOMEM;
}

int drain_open(const struct config *config, const char *boot_id, struct aggregator *aggregator,
    struct log *log, struct drain **out)
{
	struct drain *d = *out = calloc(1, sizeof(*d));

	if (!d)
		return -ENOMEM;
	d->config = config;
	d->boot_id = boot_id;
	d->aggregator = aggregator;
	d->log = log;
	d->bus_lock_fd = -1;
	return open_bus(d);
}

void drain_close(struct drain *d)
{
	if (!d)
		return;
	orbus_reader_close(d->reader);
	reaper_free(d->reaper);
	free(d->lying_lanes);
	if (d->bus_lock_fd >= 0)
		close(d->bus_lock_fd);
	free(d);
}

const struct bus_paths *drain_paths(const struct drain *d)
{
	return &d->paths;
}

struct orbus_reader *drain_reader(const struct drain *d)
{
	return d->reader;
}

int drain_reopen(struct drain *d)
{
	struct orbus_reader *reader;
	int err = open_reader(d, &reader);

	if (err)
		return err;
	orbus_reader_close(d->reader);
	d->reader = reader;
	d->lost_seen = d->rejected_seen = 0;
	memcpy(d->bus_id, reader_bus_id(reader), sizeof(d->bus_id));
	return 0;
}

bool drain_is_same_bus(const struct drain *d, const struct checkpoint_bus *saved)
{
	return saved && memcmp(saved->bus_id, d->bus_id, sizeof(d->bus_id)) == 0 &&
	       strcmp(saved->boot_id, d->boot_id) == 0 &&
	       saved->lane_count == reader_lane_count(d->reader);
}

void drain_resume(struct drain *d, const struct checkpoint_bus *saved, bool skip)
{
	bool same = drain_is_same_bus(d, saved);

	if (!same)
		given_times_forget(d->aggregator->given);
	if (skip) {
		orbus_reader_skip(d->reader);
		return;
	}
	/* A lane without a saved position has been counted up to 0: all it ever held is due. */
	for (uint32_t i = 0; i < reader_lane_count(d->reader); i++)
		if (!reader_set_position(d->reader, i, same ? saved->positions[i] : 0,
			same && saved->counts ? saved->counts[i] : 0)) {
			given_times_forget_lane(d->aggregator->given, i);
			log_warning(d->log,
			    "lane %u is behind its checkpoint: counting from its "
			    "beginning",
			    i);
		}
	if (saved && !same) {
		inflight_clear(d->aggregator->inflight);
		bots_disconnect(d->aggregator->bots);
	}
}

/* Nothing from there was noted yet. */
bool drain_follow(struct drain *d)
{
	if (memcmp(d->bus_id, reader_bus_id(d->reader), sizeof(d->bus_id)) == 0)
		return false;
	log_info(d->log, "following bus '%s' to its new incarnation", d->paths.name);
	memcpy(d->bus_id, reader_bus_id(d->reader), sizeof(d->bus_id));
	inflight_clear(d->aggregator->inflight);
	bots_disconnect(d->aggregator->bots);
	given_times_forget(d->aggregator->given);
	d->aggregator->changes++;
	return true;
}

static void take_losses(struct drain *d, uint64_t now_ns)
{
	uint64_t lost = orbus_reader_lost(d->reader), rejected = orbus_reader_rejected(d->reader);

	aggregator_add_losses(
	    d->aggregator, lost - d->lost_seen, rejected - d->rejected_seen, now_ns);
	d->lost_unsaid += lost - d->lost_seen;
	d->lost_seen = lost;
	d->rejected_seen = rejected;
	reaper_note_losses(d->reaper, d->reader, d->aggregator->inflight, NULL, NULL);
}

bool drain_ring(struct drain *d, uint64_t now_ns)
{
	uint64_t until_ns = clock_monotonic_ns() + DRAIN_NS;
	struct orbus_sample s;
	unsigned taken = 0;
	bool more = false;

	while (!more && !d->aggregator->out_of_memory && orbus_reader_next(d->reader, &s) == 1) {
		aggregator_add(d->aggregator, &s, reader_origin(d->reader), now_ns);
		more = ++taken % DRAIN_SAMPLES == 0 && clock_monotonic_ns() >= until_ns;
	}
	take_losses(d, now_ns);
	/* The reader stops among records that are none: there may be others behind them. */
	return more || (!d->aggregator->out_of_memory && !reader_is_drained(d->reader));
}

struct orphan_context {
	struct aggregator *aggregator;
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
	aggregator_add(c->aggregator, &orphan, &nowhere, c->now_ns);
}

void drain_reap(struct drain *d, uint64_t now_ns, bool at_once)
{
	struct orphan_context c = {d->aggregator, now_ns};
	struct inflight *f = d->aggregator->inflight;

	reaper_look(d->reaper, d->reader, f, at_once ? UINT64_MAX : LOOK_NS);
	reaper_settle(d->reaper, d->reader, f, at_once ? UINT64_MAX : SETTLE_NS, count_orphan, &c);
	if (bots_look(d->aggregator->bots, d->reader, at_once ? UINT64_MAX : LOOK_NS))
		d->aggregator->changes++;
}

uint64_t drain_reap_due_ns(const struct drain *d)
{
	return reaper_due_ns(d->reaper);
}

bool drain_has_to_reap(const struct drain *d)
{
	return reaper_pending(d->reaper) > 0;
}

/*
 * The ring or its lock object was removed (RemoveIPC, rm), or made anew by a bot: makes what is
 * missing, and gives it the mode and group that were asked for. What cannot be done is said once
 * and tried again each second; meanwhile the bus that is open is served on.
 */
static void look_after_objects(struct drain *d)
{
	uint64_t ring = object_inode(d->paths.ring), locks = object_inode(d->paths.locks);
	int err;

	if (ring == d->ring_inode && locks == d->bus_lock_inode)
		return;
	err = make_bus(d, 0);
	if (err == 0 && ring == 0)
		log_warning(d->log, "bus '%s' was removed: made it anew", d->paths.name);
	else if (err == 0)
		log_warning(d->log, "the lock object of bus '%s' was removed: made the bus anew",
		    d->paths.name);
	if (err < 0 && err != d->bus_error)
		say_bus_error(d, err);
	d->bus_error = err < 0 ? err : 0;
	if (object_inode(d->paths.locks) != d->bus_lock_inode) {
		err = take_bus_lock(d, 0);
		if (err && err != d->bus_lock_error && err != d->bus_error)
			say_lock_error(d, err);
		d->bus_lock_error = err;
	}
	/* Another shape than was asked for is said, and served. */
	if (d->bus_error == 0 || d->bus_error == -EEXIST || d->bus_error == -EPERM)
		d->ring_inode = object_inode(d->paths.ring);
}

static void say_losses(struct drain *d)
{
	uint64_t monotonic_ns = clock_monotonic_ns();

	if (d->lost_unsaid == 0 || monotonic_ns < d->lost_say_ns)
		return;
	log_warning(d->log, "%llu samples were overwritten before they could be counted",
	    (unsigned long long)d->lost_unsaid);
	d->lost_unsaid = 0;
	d->lost_say_ns = monotonic_ns + LOST_EVERY_NS;
}

/* Names the bot that begins requests and never ends them. */
static void say_forgotten(struct drain *d)
{
	uint64_t monotonic_ns = clock_monotonic_ns();
	struct inflight_worst worst;
	char bot[INFLIGHT_TEXT_BYTES];

	if (monotonic_ns < d->forgotten_say_ns || !inflight_worst(d->aggregator->inflight, &worst))
		return;
	(void)text_sanitise(bot, sizeof(bot), worst.bot);
	log_warning(d->log,
	    "forgot %llu requests that were begun and never ended, up to %llu of one producer (bot "
	    "'%s', lane %u): if their process dies, they are not counted as orphaned; bots must "
	    "end what they begin",
	    (unsigned long long)worst.in_all, (unsigned long long)worst.in_lane, bot, worst.lane);
	d->forgotten_say_ns = monotonic_ns + FORGOTTEN_EVERY_NS;
}

bool drain_is_served_by_another(const struct drain *d)
{
	int pid;

	return d->bus_lock_error && is_kept_by_another(d, &pid);
}

void drain_look_after(struct drain *d)
{
	look_after_objects(d);
	lying_lanes_report(&d->lying_lanes, d->reader, d->paths.name, d->log, clock_monotonic_ns());
	say_losses(d);
	say_forgotten(d);
}

void drain_say_rest(struct drain *d)
{
	d->lost_say_ns = d->forgotten_say_ns = 0;
	say_losses(d);
	say_forgotten(d);
}

int drain_positions(const struct drain *d, struct checkpoint_bus *out)
{
	memset(out, 0, sizeof(*out));
	memcpy(out->bus_id, reader_bus_id(d->reader), sizeof(out->bus_id));
	memcpy(out->boot_id, d->boot_id, sizeof(out->boot_id));
	out->lane_count = reader_lane_count(d->reader);
	out->positions = calloc(out->lane_count, sizeof(*out->positions));
	out->counts = calloc(out->lane_count, sizeof(*out->counts));
	if (!out->positions || !out->counts) {
		checkpoint_bus_free(out);
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < out->lane_count; i++) {
		out->positions[i] = reader_position(d->reader, i);
		out->counts[i] = reader_position_count(d->reader, i);
	}
	return 0;
}
