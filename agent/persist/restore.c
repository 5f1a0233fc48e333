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
#include "agent/agent.h"
#include "agent/period_scan.h"
#include "base/clock.h"
#include "checkpoint.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int begin_aggregator(struct agent *a)
{
	const struct calendar calendar = {a->config->utc, a->config->snapshot_hours};
	int err = aggregator_init(
	    &a->aggregator, &calendar, a->config->retention_days, clock_realtime_ns());

	a->aggregator.keep = journal_keep;
	a->aggregator.keep_context = a;
	a->aggregator.reference_ns = trusted_clock_reference_ns(&a->retention.clock);
	return err;
}

/* Half of a damaged checkpoint may have been taken over. */
static int begin_anew(struct agent *a)
{
	aggregator_free(&a->aggregator);
	a->aggregator_generation++;
	return begin_aggregator(a);
}

void restore_unreadable(struct agent *a, const char *name, int error)
{
	/* That memory is short has been said where it becomes so while the agent runs. */
	if (a->restore_error != error && !(error == -ENOMEM && a->shortage_said))
		log_error(a->log,
		    "cannot read %s/%s: %s. It was left as it is, and nothing was counted; start "
		    "again when the disk, or the permissions, are repaired",
		    a->folder.path, name, strerror(-error));
	a->restore_error = error;
}

/*
 * Takes a checkpoint over into the empty aggregator. An error of reading it is returned in *unread,
 * and -EIO with it.
 */
static int load(struct agent *a, const char *name, struct checkpoint_bus *bus, int *unread)
{
	char *bytes = NULL;
	size_t length = 0;
	int err = store_read_file(a->folder.fd, name, CHECKPOINT_FILE_BYTES_MAX, &bytes, &length);

	*unread = 0;
	if (err == -ENOENT)
		return err;
	if (err) {
		*unread = err;
		return -EIO;
	}
	err = checkpoint_restore(bytes, length, clock_realtime_ns(), &a->aggregator, bus);
	free(bytes);
	for (struct period *p = a->aggregator.periods.first; p; p = p->next)
		p->in_checkpoint = p->has_base;
	return err;
}

/*
 * Before the last one is moved, the one before must be known to be readable: else the next start
 * would find it alone, and not know that the last was damaged.
 */
static int check_previous(struct agent *a)
{
	char *bytes;
	size_t length;
	int err = store_read_file(
	    a->folder.fd, CHECKPOINT_PREVIOUS_NAME, CHECKPOINT_FILE_BYTES_MAX, &bytes, &length);

	free(bytes);
	if (!err || err == -ENOENT || store_is_foreign(err))
		return 0;
	restore_unreadable(a, CHECKPOINT_PREVIOUS_NAME, err);
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
    struct agent *a, const char *name, struct checkpoint_bus *bus, bool *damaged)
{
	int unread, err = load(a, name, bus, &unread);

	if (!err || err == -ENOENT || err == -ENOMEM)
		return err;
	if (unread && !store_is_foreign(unread)) {
		restore_unreadable(a, name, unread);
		return -EIO;
	}
	if (!*damaged && check_previous(a) < 0)
		return -EIO;
	*damaged = true;
	checkpoint_bus_free(bus);
	err = quarantine_file(a, name,
	    unread                    ? store_foreign_text(unread)
	    : err == -EPROTONOSUPPORT ? "was written by a newer version"
				      : "is damaged");
	if (!err)
		err = begin_anew(a);
	return err ? err : -ENOENT;
}

/* The one before the last: of use after damage only while the ring can give what came since. */
static int load_previous(struct agent *a, struct checkpoint_bus *bus, bool *damaged)
{
	bool last_is_damaged = *damaged;
	int err = load_or_quarantine(a, CHECKPOINT_PREVIOUS_NAME, bus, damaged);

	if (err || !last_is_damaged)
		return err;
	if (drain_is_same_bus(a, bus)) {
		log_warning(a->log, "going on from the checkpoint before it, and the ring");
		return 0;
	}
	err = begin_anew(a);
	return err ? err : -ENOENT;
}

static int restore(struct agent *a)
{
	struct checkpoint_bus bus = {0};
	bool damaged = false;
	int err = begin_aggregator(a), scanned;

	if (err)
		return err;
	err = load_or_quarantine(a, CHECKPOINT_NAME, &bus, &damaged);
	if (err == -ENOENT)
		err = load_previous(a, &bus, &damaged);
	scanned = !err || err == -ENOENT ? period_scan(a->folder.fd, &a->aggregator.periods) : 0;
	if (scanned < 0) {
		if (scanned != -ENOMEM)
			restore_unreadable(a, ".", scanned);
		err = scanned;
	}
	if (!err) {
		drain_resume(a, &bus, false);
		err = journal_restore(a, &bus, drain_is_same_bus(a, &bus), false);
	} else if (err == -ENOENT) {
		drain_resume(a, NULL, damaged);
		err = journal_restore(a, NULL, false, damaged);
	}
	checkpoint_bus_free(&bus);
	a->aggregator.changes++;
	return err;
}

int restore_aggregator(struct agent *a)
{
	int err = restore(a);

	if (!err)
		a->restore_error = 0;
	/* Whatever failed, it is none of the errors that have an exit status of their own. */
	return err == 0 || err == -ENOMEM ? err : -EIO;
}

int restore_after_shortage(struct agent *a)
{
	struct orbus_reader *reader;
	int err = drain_open_reader(a, &reader);

	if (err)
		return err;
	orbus_reader_close(a->reader);
	a->reader = reader;
	a->lost_seen = a->rejected_seen = 0;
	memcpy(a->bus_id, reader_bus_id(reader), sizeof(a->bus_id));
	aggregator_free(&a->aggregator);
	a->aggregator_generation++;
	err = restore_aggregator(a);
	a->aggregator.out_of_memory = err != 0;
	a->save.saved_changes = a->save.checkpoint_changes = a->crowded_out_said = 0;
	a->board_changes = UINT64_MAX;
	return err;
}
