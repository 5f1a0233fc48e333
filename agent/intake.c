/*
 * intake.c: from the ring into the ledger.
 */
#include "agent.h"
#include "layout.h"
#include "state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* Samples in one turn, so that the rest of the loop gets its own. */
#define DRAIN_MAX 65536
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
	struct board_snapshot board;
	struct stat st;
	int err, fd = object_open(&a->paths, a->paths.locks, O_RDWR);

	if (fd < 0)
		return fd;
	while ((err = object_lock(fd, ORBUS_LOCK_AGENT)) == -EAGAIN && patience-- > 0)
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
	if (err != -EAGAIN)
		return err;
	(void)board_read(a->config->bus, &board);
	free(board.bytes);
	log_error(a->log,
	    "another agent (pid %d) already serves bus '%s': stop it, or name another "
	    "--bus",
	    (int)board.pid, a->paths.name);
	return -EBUSY;
}

static void say_bus_error(struct agent *a, int err)
{
	struct orbus_bus_info info;

	if (err == -EBUSY)
		return;
	if (err == -EPROTONOSUPPORT) {
		(void)orbus_inspect(a->config->bus, &info);
		log_error(a->log, "bus '%s' has layout version %u, this agent speaks %u",
		    a->paths.name, info.layout_version, info.library_layout_version);
		return;
	}
	log_error(a->log, "cannot open bus '%s': %s", a->paths.name, orbus_strerror(err));
}

int intake_open_reader(const struct agent *a, struct orbus_reader **out)
{
	int err = orbus_reader_open(a->config->bus, out);

	if (!err)
		reader_set_poll_ms(*out, POLL_MS);
	return err;
}

int intake_open(struct agent *a)
{
	const struct config *c = a->config;
	const gid_t *group = c->create.set_group ? &c->create.group : NULL;
	int err = bus_paths_resolve(c->bus, &a->paths);

	if (err) {
		log_error(a->log,
		    "'%s' is no name of a bus: use letters, digits, '.', '_' and "
		    "'-', or an absolute path on a tmpfs",
		    c->bus ? c->bus : getenv("ORBUS"));
		return err;
	}
	err = orbus_create(c->bus, &c->create);
	if (err >= 0)
		err = take_bus_lock(a, BUS_LOCK_PATIENCE);
	if (!err)
		err = intake_open_reader(a, &a->reader);
	if (!err)
		err =
		    board_create(c->bus, c->create.mode ? c->create.mode : 0600, group, &a->board);
	if (err) {
		say_bus_error(a, err);
		return err;
	}
	memcpy(a->bus_id, reader_bus_id(a->reader), sizeof(a->bus_id));
	return 0;
}

void intake_close(struct agent *a)
{
	orbus_reader_close(a->reader);
	board_close(a->board);
	if (a->bus_lock_fd >= 0)
		close(a->bus_lock_fd);
}

bool intake_is_same_bus(const struct agent *a, const struct state_bus *saved)
{
	char boot[40];

	state_boot_id(boot);
	return saved && memcmp(saved->bus_id, a->bus_id, sizeof(a->bus_id)) == 0 &&
	       strcmp(saved->boot_id, boot) == 0 &&
	       saved->lane_count == reader_lane_count(a->reader);
}

void intake_resume(struct agent *a, const struct state_bus *saved, bool skip)
{
	bool same = intake_is_same_bus(a, saved);

	if (skip) {
		orbus_reader_skip(a->reader);
		return;
	}
	/* A lane without a saved position has been counted up to 0: all it ever held is due. */
	for (uint32_t i = 0; i < reader_lane_count(a->reader); i++)
		if (!reader_set_position(a->reader, i, same ? saved->positions[i] : 0, 0))
			log_warning(a->log,
			    "lane %u is behind its checkpoint: counting from its "
			    "beginning",
			    i);
	if (saved && !same)
		inflight_clear(a->ledger.inflight);
}

static void take_losses(struct agent *a, uint64_t now_ns)
{
	uint64_t lost = orbus_reader_lost(a->reader), rejected = orbus_reader_rejected(a->reader);

	ledger_add_losses(&a->ledger, lost - a->lost_seen, rejected - a->rejected_seen, now_ns);
	if (lost != a->lost_seen)
		log_warning(a->log, "%llu samples were overwritten before they could be counted",
		    (unsigned long long)(lost - a->lost_seen));
	a->lost_seen = lost;
	a->rejected_seen = rejected;
}

bool intake_drain(struct agent *a, uint64_t now_ns)
{
	uint64_t lost = orbus_reader_lost(a->reader);
	struct orbus_sample s;
	int taken = 0;

	while (taken < DRAIN_MAX && !a->ledger.out_of_memory &&
	       orbus_reader_next(a->reader, &s) == 1) {
		ledger_add(&a->ledger, &s, reader_origin(a->reader), now_ns);
		taken++;
	}
	take_losses(a, now_ns);
	/* Ends may be among what was lost; only lanes that lost something are in doubt. */
	if (orbus_reader_lost(a->reader) != lost)
		for (uint32_t i = 0; i < reader_lane_count(a->reader); i++)
			if (reader_lane_lost(a->reader, i) > 0)
				inflight_forget_lane(a->ledger.inflight, i);
	return taken == DRAIN_MAX;
}

struct orphan_context {
	struct agent *a;
	uint64_t now_ns;
};

static void count_orphan(void *context, const struct orbus_sample *orphan)
{
	struct orphan_context *c = context;
	struct sample_origin nowhere = {.lane = UINT32_MAX};

	ledger_add(&c->a->ledger, orphan, &nowhere, c->now_ns);
}

/*
 * A lane without an owner gets no more samples from whoever had it. The lock is looked at first and
 * the lane drained after that, so that an end published just before the death is still seen.
 */
static void reap_lane(struct agent *a, uint32_t lane, uint64_t now_ns)
{
	struct orphan_context c = {a, now_ns};
	uint32_t epoch = reader_lane_epoch(a->reader, lane);
	int owned = reader_lane_is_owned(a->reader, lane);
	uint64_t left = (uint64_t)reader_lane_count(a->reader) * reader_slots_per_lane(a->reader);

	/* All that the ring can hold, and no more: a flood of others must not keep us here. */
	while (intake_drain(a, now_ns) && left > DRAIN_MAX)
		left -= DRAIN_MAX;
	inflight_reap(a->ledger.inflight, lane, owned == 0 ? epoch + 1 : epoch, count_orphan, &c);
}

/* The bus was removed (RemoveIPC, rm): make it again, and serve the one that is there now. */
static void look_after_bus(struct agent *a)
{
	const struct config *c = a->config;
	const gid_t *group = c->create.set_group ? &c->create.group : NULL;
	struct board *board;

	if (object_inode(a->paths.ring) == 0 && orbus_create(c->bus, &c->create) == 0)
		log_warning(a->log, "bus '%s' was removed: made it anew", a->paths.name);
	if (object_inode(a->paths.locks) != a->bus_lock_inode && take_bus_lock(a, 0) < 0)
		return;
	if (board_is_gone(a->board) &&
	    board_create(c->bus, c->create.mode ? c->create.mode : 0600, group, &board) == 0) {
		board_close(a->board);
		a->board = board;
		a->board_changes = UINT64_MAX;
	}
	if (memcmp(a->bus_id, reader_bus_id(a->reader), sizeof(a->bus_id)) != 0) {
		log_info(a->log, "following bus '%s' to its new incarnation", a->paths.name);
		memcpy(a->bus_id, reader_bus_id(a->reader), sizeof(a->bus_id));
		inflight_clear(a->ledger.inflight);
		if (journal_begin_bus(a) < 0)
			a->ledger.out_of_memory = true;
		a->ledger.changes++;
	}
}

void intake_look_after(struct agent *a, uint64_t now_ns)
{
	look_after_bus(a);
	for (uint32_t i = 0; i < reader_lane_count(a->reader); i++)
		if (inflight_in_lane(a->ledger.inflight, i))
			reap_lane(a, i, now_ns);
}

int intake_positions(const struct agent *a, struct state_bus *out)
{
	memset(out, 0, sizeof(*out));
	memcpy(out->bus_id, reader_bus_id(a->reader), sizeof(out->bus_id));
	state_boot_id(out->boot_id);
	out->lane_count = reader_lane_count(a->reader);
	out->positions = calloc(out->lane_count, sizeof(*out->positions));
	if (!out->positions)
		return -ENOMEM;
	for (uint32_t i = 0; i < out->lane_count; i++)
		out->positions[i] = reader_position(a->reader, i);
	return 0;
}
