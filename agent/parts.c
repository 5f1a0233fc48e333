/*
 * parts.c: the parts of the agent, from the first to the last: each is given what it needs.
 */
#include "parts.h"
#include "agent/persist/restore.h"
#include "base/clock.h"
#include "doc/checkpoint_bus.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

static int open_store(struct parts *p)
{
	int refused,
	    err = store_open(p->config->io, p->folder.fd, p->folder.lock_fd, &p->store, &refused);

	if (err && p->config->io == STORE_IO_URING)
		log_error(p->log, "io_uring is refused here (%s): use --io auto or --io posix",
		    strerror(-err));
	else if (err)
		log_error(p->log, "cannot start the store: %s", strerror(-err));
	else if (refused)
		log_info(p->log, "storing by plain system calls: io_uring is refused here (%s)",
		    strerror(-refused));
	else
		log_info(p->log, "storing by %s",
		    strcmp(store_kind(p->store), "posix") ? store_kind(p->store)
							  : "plain system calls");
	return err;
}

/* Without it the ring would be taken for that of another boot, and be counted again. */
static int read_boot_id(struct parts *p)
{
	int err = checkpoint_boot_id(p->boot_id);

	if (!err)
		return 0;
	log_error(p->log,
	    "cannot read /proc/sys/kernel/random/boot_id: %s; start again when it can "
	    "be read",
	    strerror(-err));
	return -EIO;
}

static int open_board(struct parts *p)
{
	const struct board_sources sources = {.config = p->config,
	    .paths = drain_paths(p->drain),
	    .folder = &p->folder,
	    .store = &p->store,
	    .alerts = p->alerts,
	    .documents = p->documents};

	return board_writer_open(&sources, p->log, &p->board_writer);
}

static int open_save(struct parts *p)
{
	const struct save_sources sources = {.config = p->config,
	    .folder = &p->folder,
	    .store = &p->store,
	    .aggregator = &p->aggregator,
	    .drain = p->drain,
	    .journal = p->journal,
	    .backfill = p->backfill,
	    .documents = p->documents};

	return save_open(&sources, p->log, &p->save);
}

static int open_retention(struct parts *p)
{
	const struct retention_sources sources = {.config = p->config,
	    .boot_id = p->boot_id,
	    .aggregator = &p->aggregator,
	    .journal = p->journal,
	    .folder = &p->folder,
	    .store = &p->store};

	return retention_open(&sources, p->log, &p->retention);
}

static struct restore what_to_restore(struct parts *p)
{
	return (struct restore){.config = p->config,
	    .folder = &p->folder,
	    .aggregator = &p->aggregator,
	    .drain = p->drain,
	    .journal = p->journal,
	    .log = p->log};
}

static int restore_first(struct parts *p)
{
	struct restore r = what_to_restore(p);

	return restore_aggregator(&r);
}

int parts_restore_again(struct parts *p)
{
	struct restore r = what_to_restore(p);
	int err = restore_after_shortage(&r);

	if (!err) {
		save_begin_anew(p->save);
		board_writer_touch(p->board_writer);
	}
	return err;
}

static int open_all(struct parts *p)
{
	int err = alerts_open(
	    p->config, &p->run_time, &p->aggregator, &p->folder, &p->store, p->log, &p->alerts);

	if (!err)
		err = read_boot_id(p);
	if (!err)
		err = backfill_open(&p->aggregator, &p->folder, &p->store, p->log, &p->backfill);
	if (!err)
		err = journal_open(
		    p->config, &p->aggregator, &p->folder, &p->store, p->log, &p->journal);
	p->aggregator.tags = p->config->by_tag.count > 0 ? &p->config->by_tag : NULL;
	p->aggregator.keep = journal_keep;
	p->aggregator.keep_context = p->journal;
	if (!err)
		err = folder_open(p->config->data_dir,
		    &(struct calendar){p->config->utc, p->config->snapshot_hours}, p->log,
		    &p->folder);
	if (!err)
		err = drain_open(p->config, p->boot_id, &p->aggregator, p->log, &p->drain);
	if (!err)
		err = open_board(p);
	if (!err)
		err = open_save(p);
	if (!err)
		err = open_store(p);
	if (!err)
		err = open_retention(p);
	if (!err)
		err = restore_first(p);
	if (err == -ENOMEM)
		log_error(p->log, "out of memory: nothing was counted; start again with more");
	if (!err)
		err = alerts_resume(p->alerts, drain_paths(p->drain)->name);
	if (err)
		return err;
	log_info(
	    p->log, "serving bus '%s', files in %s", drain_paths(p->drain)->name, p->folder.path);
	return 0;
}

int parts_open(struct parts *p, const struct config *config, struct log *log)
{
	*p = (struct parts){.config = config, .log = log};
	p->folder.fd = p->folder.lock_fd = -1;
	p->run_time = (struct run_time){
	    .started_ns = clock_monotonic_ns(), .stop_ns = config->stop_ms * UINT64_C(1000000)};
	p->documents = (struct document_sources){&p->aggregator, &p->run_time, config->utc};
	return open_all(p);
}

/*
 * Where the store is in a system call that does not return, the process ends as it is: its memory
 * is the kernel's, and closing anything could wait for the same disk. The folder's lock stays with
 * that system call (agent/common/data_dir_lock.c), so that a successor waits for its end.
 */
void parts_close(struct parts *p, int status)
{
	if (p->journal)
		journal_stop(p->journal);
	if (!store_close(p->store, run_time_left_ms(&p->run_time))) {
		log_warning(p->log, "ending while a call to the disk is still under way");
		_exit(status);
	}
	save_close(p->save);
	retention_close(p->retention);
	backfill_close(p->backfill);
	board_writer_close(p->board_writer);
	alerts_close(p->alerts);
	journal_close(p->journal);
	aggregator_free(&p->aggregator);
	drain_close(p->drain);
	folder_close(&p->folder);
}

void parts_look_after_folder(struct parts *p)
{
	int refused, err;

	if (!save_is_failing(p->save) || save_is_busy(p->save))
		return;
	if (p->store && folder_is_there(&p->folder))
		return;
	/* A disk that hangs must not hold up the drain: only an idle store is closed. */
	if (p->store && (store_poll(p->store) > 0 || journal_is_compressing(p->journal) ||
			    !store_close(p->store, 0)))
		return;
	p->store = NULL;
	err = folder_reopen(&p->folder);
	if (!err)
		err =
		    store_open(p->config->io, p->folder.fd, p->folder.lock_fd, &p->store, &refused);
	if (err)
		return;
	log_warning(p->log, "%s was removed: made it anew", p->folder.path);
	save_begin_folder(p->save);
	journal_begin_folder(p->journal);
}
