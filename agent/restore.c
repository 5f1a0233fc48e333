/*
 * restore.c: the ledger as the last checkpoint had it, or, where that is damaged, the one before.
 *
 * saver.c says why the one before does as well: as long as the ring holds what came since. Without
 * either, counting goes on from now: what the ring holds cannot be told from what the files hold.
 *
 * It is also the way out when memory was refused: what was counted in part is forgotten, and read
 * again.
 */
#include "agent.h"
#include "clock.h"
#include "memory.h"
#include "state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The whole file, read at the start when there is nothing yet to hold up. */
static int read_file(const struct agent *a, const char *name, char **bytes, size_t *length)
{
	int err = -EBADMSG, fd = openat(a->folder.fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	struct stat st;
	ssize_t n;

	if (fd < 0)
		return errno == ELOOP ? -EBADMSG : -errno;
	*bytes = NULL;
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size > (off_t)STATE_FILE_BYTES_MAX)
		goto out;
	err = -ENOMEM;
	*bytes = malloc((size_t)st.st_size + 1);
	if (!*bytes)
		goto out;
	*length = 0;
	while ((n = read(fd, *bytes + *length, (size_t)st.st_size - *length)) > 0)
		*length += (size_t)n;
	err = n < 0 ? -errno : 0;
	if (err)
		free(*bytes);
out:
	close(fd);
	return err;
}

static int begin_ledger(struct agent *a)
{
	const struct calendar calendar = {a->config->utc, a->config->snapshot_hours};
	int err =
	    ledger_init(&a->ledger, &calendar, a->config->retention_days, clock_realtime_ns());

	a->ledger.keep = journal_keep;
	a->ledger.keep_context = a;
	return err;
}

/* Half of a damaged checkpoint may have been taken over. */
static int begin_anew(struct agent *a)
{
	ledger_free(&a->ledger);
	a->ledger_generation++;
	return begin_ledger(a);
}

/* Takes a checkpoint over into the empty ledger. */
static int load(struct agent *a, const char *name, struct state_bus *bus)
{
	char *bytes = NULL;
	size_t length = 0;
	int err = read_file(a, name, &bytes, &length);

	if (err)
		return err;
	(void)memory_ran_out();
	err = state_restore(bytes, length, clock_realtime_ns(), &a->ledger, bus);
	free(bytes);
	if (memory_ran_out())
		return -ENOMEM;
	for (struct period *p = a->ledger.periods.first; p; p = p->next)
		p->held = p->has_base;
	return err;
}

/* Loads one, or sets it aside: 0, -ENOENT where there is none (any more), -ENOMEM or worse. */
static int load_or_set_aside(
    struct agent *a, const char *name, struct state_bus *bus, bool *damaged)
{
	int err = load(a, name, bus);

	if (!err || err == -ENOENT || err == -ENOMEM)
		return err;
	*damaged = true;
	state_bus_free(bus);
	err = saver_set_aside(a, name,
	    err == -EPROTONOSUPPORT ? "was written by a newer version"
				    : "is damaged or cannot be read");
	if (!err)
		err = begin_anew(a);
	return err ? err : -ENOENT;
}

/* The one before the last: of use after damage only while the ring can give what came since. */
static int load_previous(struct agent *a, struct state_bus *bus, bool *damaged)
{
	bool last_is_damaged = *damaged;
	int err = load_or_set_aside(a, STATE_PREVIOUS_NAME, bus, damaged);

	if (err || !last_is_damaged)
		return err;
	if (intake_is_same_bus(a, bus)) {
		log_warning(a->log, "going on from the checkpoint before it, and the ring");
		return 0;
	}
	err = begin_anew(a);
	return err ? err : -ENOENT;
}

int restore_ledger(struct agent *a)
{
	struct state_bus bus = {0};
	bool damaged = false;
	int err = begin_ledger(a);

	if (err)
		return err;
	err = load_or_set_aside(a, STATE_NAME, &bus, &damaged);
	if (err == -ENOENT)
		err = load_previous(a, &bus, &damaged);
	if (!err) {
		intake_resume(a, &bus, false);
		err = journal_restore(a, &bus, intake_is_same_bus(a, &bus), false);
	} else if (err == -ENOENT) {
		intake_resume(a, NULL, damaged);
		err = journal_restore(a, NULL, false, damaged);
	}
	state_bus_free(&bus);
	a->ledger.changes++;
	return err;
}

int restore_after_shortage(struct agent *a)
{
	struct orbus_reader *reader;
	int err = intake_open_reader(a, &reader);

	if (err)
		return err;
	orbus_reader_close(a->reader);
	a->reader = reader;
	a->lost_seen = a->rejected_seen = 0;
	memcpy(a->bus_id, reader_bus_id(reader), sizeof(a->bus_id));
	ledger_free(&a->ledger);
	a->ledger_generation++;
	err = restore_ledger(a);
	a->ledger.out_of_memory = err != 0;
	a->saver.saved_changes = a->crowded_out_said = 0;
	a->board_changes = UINT64_MAX;
	return err;
}
