/*
 * restore.c: the aggregator as the last checkpoint had it, or, where that is damaged, the one
 * before.
 *
 * save.c says why the one before does as well: as long as the ring holds what came since. Without
 * either, counting goes on from now: what the ring holds cannot be told from what the files hold.
 *
 * Damaged is only what was read to its end and fails its checksum or its schema. An error of
 * reading says nothing about the content: nothing is moved or changed then, and the agent ends, to
 * be started again once the file can be read.
 *
 * It is also the way out when memory was refused: what was counted in part is forgotten, and read
 * again.
 */
#include "restore.h"
#include "agent/common/quarantine.h"
#include "agent/store/read.h"
#include "base/clock.h"
#include "checkpoint_restore.h"
#include "doc/checkpoint_file.h"
#include "period_scan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int begin_anew(const struct restore *r)
{
	const struct calendar calendar = {r->config->utc, r->config->snapshot_hours};

	return aggregator_restart(
	    r->aggregator, &calendar, r->config->retention_days, clock_realtime_ns());
}

/*
 * Takes a checkpoint over into the empty aggregator. An error of reading it is returned in *unread,
 * and -EIO with it.
 */
static int load(const struct restore *r, const char *name, struct checkpoint_bus *bus, int *unread)
{
	char *bytes = NULL;
	size_t length = 0;
	int err = store_read_file(r->folder->fd, name, CHECKPOINT_FILE_BYTES_MAX, &bytes, &length);

	*unread = 0;
	if (err == -ENOENT)
		return err;
	if (err) {
		*unread = err;
		return -EIO;
	}
	err = checkpoint_restore(bytes, length, clock_realtime_ns(), r->aggregator, bus);
	free(bytes);
	for (struct period *p = r->aggregator->periods.first; p; p = p->next)
		p->in_checkpoint = p->has_base;
	return err;
}

/*
 * Before the last one is moved, the one before must be known to be readable: else the next start
 * would find it alone, and not know that the last was damaged.
 */
static int check_previous(const struct restore *r)
{
	char *bytes;
	size_t length;
	int err = store_read_file(
	    r->folder->fd, CHECKPOINT_PREVIOUS_NAME, CHECKPOINT_FILE_BYTES_MAX, &bytes, &length);

	free(bytes);
	if (!err || err == -ENOENT || store_is_foreign(err))
		return 0;
	report_unreadable(r->folder, CHECKPOINT_PREVIOUS_NAME, err);
	return -EIO;
}

/*
 * Loads one, or sets it aside: 0, -ENOENT where there is none (any more), -ENOMEM, -EIO where it
 * can neither be read nor moved: then it stays as it is.
 *
 * A link, a folder, a FIFO of that name is moved too, though nothing was read: none of our writing,
 * it would be in the way of every save, and moving it destroys nothing.
 */
static int load_or_quarantine(
    const struct restore *r, const char *name, struct checkpoint_bus *bus, bool *damaged)
{
	int unread, err = load(r, name, bus, &unread);

	if (!err || err == -ENOENT || err == -ENOMEM)
		return err;
	if (unread && !store_is_foreign(unread)) {
		report_unreadable(r->folder, name, unread);
		return -EIO;
	}
	if (!*damaged && check_previous(r) < 0)
		return -EIO;
	*damaged = true;
	/* Half of it may have been taken over. */
	checkpoint_bus_free(bus);
	err = quarantine_file(r->folder, name,
	    unread                    ? store_foreign_text(unread)
	    : err == -EPROTONOSUPPORT ? "was written by a newer version"
				      : "is damaged");
	if (!err)
		err = begin_anew(r);
	return err ? err : -ENOENT;
}

/* The one before the last: of use after damage only while the ring can give what came since. */
static int load_previous(const struct restore *r, struct checkpoint_bus *bus, bool *damaged)
{
	bool last_is_damaged = *damaged;
	int err = load_or_quarantine(r, CHECKPOINT_PREVIOUS_NAME, bus, damaged);

	if (err || !last_is_damaged)
		return err;
	if (drain_is_same_bus(r->drain, bus)) {
		log_warning(r->log, "going on from the checkpoint before it, and the ring");
		return 0;
	}
	err = begin_anew(r);
	return err ? err : -ENOENT;
}

static int restore_journal(
    const struct restore *r, const struct checkpoint_bus *saved, bool same, bool skipped)
{
	struct checkpoint_bus now;
	struct journal_ring ring;
	int err = drain_positions(r->drain, &now);

	if (err)
		return err;
	ring = (struct journal_ring){
	    reader_ring_bytes(drain_reader(r->drain)), now.lane_count, now.positions};
	err = journal_restore(r->journal, saved, &ring, same, skipped);
	checkpoint_bus_free(&now);
	return err;
}

static int restore(const struct restore *r)
{
	struct checkpoint_bus bus = {0};
	bool damaged = false;
	int err = begin_anew(r), scanned;

	if (err)
		return err;
	err = load_or_quarantine(r, CHECKPOINT_NAME, &bus, &damaged);
	if (err == -ENOENT)
		err = load_previous(r, &bus, &damaged);
	scanned = !err || err == -ENOENT ? period_scan(r->folder->fd, &r->aggregator->periods) : 0;
	if (scanned < 0) {
		if (scanned != -ENOMEM)
			report_unreadable(r->folder, ".", scanned);
		err = scanned;
	}
	if (!err) {
		drain_resume(r->drain, &bus, false);
		err = restore_journal(r, &bus, drain_is_same_bus(r->drain, &bus), false);
	} else if (err == -ENOENT) {
		drain_resume(r->drain, NULL, damaged);
		err = restore_journal(r, NULL, false, damaged);
	}
	checkpoint_bus_free(&bus);
	r->aggregator->changes++;
	return err;
}

int restore_aggregator(const struct restore *r)
{
	int err = restore(r);

	if (!err)
		r->folder->unreadable_error = 0;
	/* Other errors become -EIO: some have an exit status of their own, which is not meant here.
	 */
	return err == 0 || err == -ENOMEM ? err : -EIO;
}

int restore_after_shortage(const struct restore *r)
{
	int err = drain_reopen(r->drain);

	if (err)
		return err;
	err = restore_aggregator(r);
	r->aggregator->out_of_memory = err != 0;
	return err;
}
