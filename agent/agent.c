/*
 * agent.c: the loop: wait, drain, refresh, save, roll over, retire.
 */
#include "agent.h"
#include "agent/alerts/alerts.h"
#include "agent/journal/journal.h"
#include "agent/persist/backfill.h"
#include "agent/persist/restore.h"
#include "agent/persist/save.h"
#include "agent/persist/snapshot.h"
#include "agent/store/store.h"
#include "aggregator.h"
#include "base/clock.h"
#include "board_writer.h"
#include "document_context.h"
#include "drain.h"
#include "json_memory.h"
#include "live/ring_mark.h"
#include "retention.h"
#include "run_time.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* While the store works, its completions are looked for this often. */
#define STORE_POLL_MS 5
/* Of the time that it has when told to stop: what is still in the ring after so much of it is
 * counted by the next agent, */
#define DRAIN_PART 4
/* from so much on the last checkpoint is made, whatever else there is to store. */
#define FILES_PART(ns) ((ns) / 10 * 3)
#define FINAL_POLL_MS  5
/* So often nothing can be read: what a lane says is not there. */
#define FINAL_QUIET_MAX 200
#define SECOND_MS       1000
/* Twice a second, so that a living agent's heartbeat is never a second old. */
#define BEAT_MS 500
/* Rejected samples are logged no more often. */
#define CROWDED_OUT_NS (60 * NS_PER_SECOND)

struct agent {
	const struct config *config;
	struct log *log;
	struct folder folder;
	struct store *store;
	struct drain *drain;
	struct aggregator aggregator;
	struct save *save;
	struct backfill *backfill;
	struct document_sources documents;
	struct board_writer *board_writer;
	struct alerts *alerts; /* NULL: none were asked for */
	struct journal *journal;
	struct run_time run_time;
	uint64_t behind_since_ns; /* CLOCK_MONOTONIC: there was more to drain; 0: no */
	bool is_drained;          /* for good: what comes now is for the next agent */
	uint64_t second_next_ns;  /* what is done once a second */
	uint64_t beat_next_ns;    /* the next heartbeat is due */
	uint64_t drained_ns;      /* CLOCK_MONOTONIC: the end of the last drain, or of a sleep */
	struct retention *retention;
	uint64_t crowded_out_said, crowded_out_next_ns;
	char boot_id[40]; /* this boot of the machine */
};

volatile sig_atomic_t agent_snapshot, agent_reload;
volatile sig_atomic_t agent_status = 1;

static int open_store(struct agent *a)
{
	int refused,
	    err = store_open(a->config->io, a->folder.fd, a->folder.lock_fd, &a->store, &refused);

	if (err && a->config->io == STORE_IO_URING)
		log_error(a->log, "io_uring is refused here (%s): use --io auto or --io posix",
		    strerror(-err));
	else if (err)
		log_error(a->log, "cannot start the store: %s", strerror(-err));
	else if (refused)
		log_info(a->log, "storing by plain system calls: io_uring is refused here (%s)",
		    strerror(-refused));
	else
		log_info(a->log, "storing by %s",
		    strcmp(store_kind(a->store), "posix") ? store_kind(a->store)
							  : "plain system calls");
	return err;
}

/* Without it the ring would be taken for that of another boot, and be counted again. */
static int read_boot_id(struct agent *a)
{
	int err = checkpoint_boot_id(a->boot_id);

	if (!err)
		return 0;
	log_error(a->log,
	    "cannot read /proc/sys/kernel/random/boot_id: %s; start again when it can "
	    "be read",
	    strerror(-err));
	return -EIO;
}

static int open_save(struct agent *a)
{
	const struct save_sources sources = {.config = a->config,
	    .aggregator = &a->aggregator,
	    .drain = a->drain,
	    .journal = a->journal,
	    .backfill = a->backfill,
	    .documents = a->documents,
	    .folder = &a->folder,
	    .store = &a->store};

	return save_open(&sources, a->log, &a->save);
}

static int open_board(struct agent *a)
{
	const struct board_sources sources = {.config = a->config,
	    .paths = drain_paths(a->drain),
	    .folder = &a->folder,
	    .store = &a->store,
	    .alerts = a->alerts,
	    .documents = a->documents};

	return board_writer_open(&sources, a->log, &a->board_writer);
}

static int open_retention(struct agent *a)
{
	const struct retention_sources sources = {.config = a->config,
	    .boot_id = a->boot_id,
	    .aggregator = &a->aggregator,
	    .journal = a->journal,
	    .folder = &a->folder,
	    .store = &a->store};

	return retention_open(&sources, a->log, &a->retention);
}

static struct restore what_to_restore(struct agent *a)
{
	return (struct restore){.config = a->config,
	    .folder = &a->folder,
	    .aggregator = &a->aggregator,
	    .drain = a->drain,
	    .journal = a->journal,
	    .log = a->log};
}

static int restore_first(struct agent *a)
{
	struct restore r = what_to_restore(a);

	return restore_aggregator(&r);
}

static int restore_again(struct agent *a)
{
	struct restore r = what_to_restore(a);
	int err = restore_after_shortage(&r);

	if (!err) {
		save_begin_anew(a->save);
		a->crowded_out_said = 0;
		board_writer_touch(a->board_writer);
	}
	return err;
}

static int open_all(struct agent *a)
{
	int err = alerts_open(
	    a->config, &a->run_time, &a->aggregator, &a->folder, &a->store, a->log, &a->alerts);

	if (!err)
		err = read_boot_id(a);
	if (!err)
		err = backfill_open(&a->aggregator, &a->folder, &a->store, a->log, &a->backfill);
	if (!err)
		err = journal_open(
		    a->config, &a->aggregator, &a->folder, &a->store, a->log, &a->journal);
	a->aggregator.keep = journal_keep;
	a->aggregator.keep_context = a->journal;
	if (!err)
		err = folder_open(a->config->data_dir,
		    &(struct calendar){a->config->utc, a->config->snapshot_hours}, a->log,
		    &a->folder);
	if (!err)
		err = drain_open(a->config, a->boot_id, &a->aggregator, a->log, &a->drain);
	if (!err)
		err = open_save(a);
	if (!err)
		err = open_board(a);
	if (!err)
		err = open_store(a);
	if (!err)
		err = open_retention(a);
	if (!err)
		err = restore_first(a);
	if (err == -ENOMEM)
		log_error(a->log, "out of memory: nothing was counted; start again with more");
	if (!err)
		err = alerts_resume(a->alerts, drain_paths(a->drain)->name);
	if (err)
		return err;
	log_info(
	    a->log, "serving bus '%s', files in %s", drain_paths(a->drain)->name, a->folder.path);
	return 0;
}

/*
 * Where the store is in a system call that does not return, the process ends as it is: its memory
 * is the kernel's, and closing anything could wait for the same disk. The folder's lock stays with
 * that system call (agent/persist/data_dir_lock.c), so that a successor waits for its end.
 */
static void close_all(struct agent *a, int status)
{
	if (a->journal)
		journal_stop(a->journal);
	if (!store_close(a->store, run_time_left_ms(&a->run_time))) {
		log_warning(a->log, "ending while a call to the disk is still under way");
		_exit(status);
	}
	save_close(a->save);
	retention_close(a->retention);
	backfill_close(a->backfill);
	board_writer_close(a->board_writer);
	alerts_close(a->alerts);
	journal_close(a->journal);
	aggregator_free(&a->aggregator);
	drain_close(a->drain);
	folder_close(&a->folder);
}

static void say_crowded_out(struct agent *a, uint64_t monotonic_ns)
{
	if (a->aggregator.crowded_out == a->crowded_out_said ||
	    monotonic_ns < a->crowded_out_next_ns)
		return;
	log_error(a->log,
	    "%llu samples were rejected: they are of too many old hours at once; publish them in "
	    "the order of time, or slower",
	    (unsigned long long)(a->aggregator.crowded_out - a->crowded_out_said));
	a->crowded_out_said = a->aggregator.crowded_out;
	a->crowded_out_next_ns = monotonic_ns + CROWDED_OUT_NS;
}

/* It was removed, or made anew: another agent's is left to it. */
static void look_after_board(struct agent *a)
{
	if (board_writer_is_gone(a->board_writer) && !drain_is_served_by_another(a->drain))
		board_writer_make_board(a->board_writer);
}

/* The folder was removed or moved, which is seen when saves fail: all is written to a new one. */
static void look_after_folder(struct agent *a)
{
	int refused, err;

	if (!save_is_failing(a->save) || save_is_busy(a->save))
		return;
	if (a->store && folder_is_there(&a->folder))
		return;
	/* A disk that hangs must not hold up the drain: only an idle store is closed. */
	if (a->store && (store_poll(a->store) > 0 || journal_is_compressing(a->journal) ||
			    !store_close(a->store, 0)))
		return;
	a->store = NULL;
	err = folder_reopen(&a->folder);
	if (!err)
		err =
		    store_open(a->config->io, a->folder.fd, a->folder.lock_fd, &a->store, &refused);
	if (err)
		return;
	log_warning(a->log, "%s was removed: made it anew", a->folder.path);
	save_begin_folder(a->save);
	journal_begin_folder(a->journal);
}

static void every_second(struct agent *a)
{
	uint64_t monotonic_ns = clock_monotonic_ns();

	if (monotonic_ns >= a->beat_next_ns) {
		a->beat_next_ns = monotonic_ns + BEAT_MS * 1000000u;
		board_writer_beat(a->board_writer);
	}
	if (monotonic_ns < a->second_next_ns)
		return;
	a->second_next_ns = monotonic_ns + SECOND_MS * 1000000u;
	drain_look_after(a->drain);
	look_after_board(a);
	look_after_folder(a);
	say_crowded_out(a, monotonic_ns);
	periods_survey(&a->aggregator.periods, clock_realtime_ns());
}

/* `ms`, or less where something is due before. */
static uint64_t sooner_ms(uint64_t ms, uint64_t now_ns, uint64_t due_ns)
{
	if (due_ns <= now_ns)
		return 0;
	return (due_ns - now_ns) / 1000000 < ms ? (due_ns - now_ns) / 1000000 + 1 : ms;
}

/* How long the loop may sleep, in milliseconds. */
static int sleep_ms(struct agent *a, uint64_t now_ns)
{
	uint64_t end = periods_next_end(&a->aggregator.periods, now_ns);
	uint64_t monotonic_ns = clock_monotonic_ns();
	uint64_t ms = BEAT_MS;
	bool is_storing = a->store && store_poll(a->store) > 0;

	/* Asked after the poll, whose completions allow further steps. */
	if (save_has_more(a->save) || (a->store && journal_has_step(a->journal)) ||
	    board_writer_has_more(a->board_writer))
		return 0;
	if (is_storing || (a->store && retention_has_more(a->retention)))
		return STORE_POLL_MS;
	if (save_is_at_work(a->save) || board_writer_is_at_work(a->board_writer))
		return STORE_POLL_MS;
	if (a->second_next_ns <= monotonic_ns)
		return 0;
	ms = sooner_ms(ms, monotonic_ns, a->second_next_ns);
	if (end - now_ns < ms * 1000000)
		ms = (end - now_ns) / 1000000 + 1;
	return (int)sooner_ms(ms, monotonic_ns, drain_reap_due_ns(a->drain));
}

/* True once what was forgotten for want of memory is being counted again. */
static bool recover(struct agent *a)
{
	uint64_t monotonic_ns = clock_monotonic_ns();

	if (!a->folder.shortage_said)
		log_error(a->log, "out of memory: what came since the last checkpoint stays in the "
				  "ring until there is some");
	a->folder.shortage_said = true;
	if (a->store) {
		store_poll(a->store);
		journal_go_on(a->journal);
	}
	(void)save_go_on(a->save);
	if (save_is_busy(a->save) || save_has_more(a->save) || journal_is_compressing(a->journal) ||
	    monotonic_ns < a->second_next_ns)
		return false;
	a->second_next_ns = monotonic_ns + SECOND_MS * 1000000u;
	board_writer_beat(a->board_writer);
	if (restore_again(a) != 0)
		return false;
	a->folder.shortage_said = false;
	log_info(a->log, "going on from the last checkpoint: there is memory again");
	return true;
}

/*
 * A save waits until the ring was found empty, so that the first one after a start holds all that
 * had come meanwhile, whatever kills the agent then. Where more comes all the time it waits no
 * longer than this.
 */
#define SAVE_WAIT_NS NS_PER_SECOND

static bool may_save(struct agent *a, bool more)
{
	uint64_t monotonic_ns = clock_monotonic_ns();

	if (!more)
		a->behind_since_ns = 0;
	else if (a->behind_since_ns == 0)
		a->behind_since_ns = monotonic_ns;
	return !more || monotonic_ns - a->behind_since_ns >= SAVE_WAIT_NS;
}

/* How long the ring has been left alone for other work, up to a drain or to waiting for samples. */
static void note_pause(struct agent *a)
{
	uint64_t pause_ns = a->drained_ns ? clock_monotonic_ns() - a->drained_ns : 0;

	if (pause_ns <= a->run_time.longest_pause_ns)
		return;
	a->run_time.longest_pause_ns = pause_ns;
	log_debug(
	    a->log, "the longest time between two drains is %.1f ms now", (double)pause_ns / 1e6);
}

static int begin_bus(struct agent *a)
{
	const struct orbus_reader *r = drain_reader(a->drain);

	return journal_begin_bus(a->journal, reader_lane_count(r), reader_ring_bytes(r));
}

static bool drain(struct agent *a, uint64_t now_ns)
{
	bool more;

	note_pause(a);
	if (drain_follow(a->drain) && begin_bus(a) < 0)
		a->aggregator.out_of_memory = true;
	more = drain_ring(a->drain, now_ns);
	a->drained_ns = clock_monotonic_ns();
	return more;
}

static void wait_for_samples(struct agent *a)
{
	note_pause(a);
	(void)orbus_reader_wait(drain_reader(a->drain), sleep_ms(a, clock_realtime_ns()));
	a->drained_ns = clock_monotonic_ns();
}

/* One turn of the loop; `at_once`: a save is due as soon as all is drained. True: there is more to
 * drain. */
static bool turn(struct agent *a, bool at_once)
{
	uint64_t now_ns = clock_realtime_ns(), from_ns = now_ns_of(CLOCK_BOOTTIME);
	bool more = false, saved = false;

	if (a->aggregator.out_of_memory && !recover(a))
		return false;
	if (!a->is_drained) {
		more = drain(a, now_ns);
		if (!more)
			board_writer_set_drained(a->board_writer, from_ns);
		drain_reap(a->drain, now_ns, false);
	}
	every_second(a);
	if (a->store) {
		store_poll(a->store);
		saved = save_go_on(a->save);
		if (agent_snapshot) {
			agent_snapshot = 0;
			snapshot_write(&a->documents, &a->folder, a->store, now_ns);
		}
		saved |= backfill_go_on(a->backfill);
		if (may_save(a, more))
			saved |= save_run(a->save, now_ns, at_once && !more);
		journal_run(a->journal, now_ns);
		/* Last: removing waits for everything else. */
		retention_run(a->retention, !save_is_busy(a->save));
	}
	if (agent_reload) {
		agent_reload = 0;
		if (alerts_reload(a->alerts))
			board_writer_touch(a->board_writer);
	}
	if (alerts_run(a->alerts, now_ns, more))
		board_writer_touch(a->board_writer);
	/* One of them in one turn: the ring waits meanwhile. */
	if (!saved && !board_writer_refresh(a->board_writer, now_ns) &&
	    !aggregator_show(&a->aggregator, now_ns))
		(void)windows_prepare(a->aggregator.windows);
	return more;
}

/* Everything is stored; what --once has found to do besides is done too. */
static bool is_done(const struct agent *a)
{
	uint64_t now_ns = clock_realtime_ns();

	return save_is_done(a->save, now_ns) &&
	       !(a->config->once &&
		   (journal_has_work(a->journal, now_ns) || retention_has_more(a->retention)));
}

/* With --once nobody comes later to see who has died: all are looked at before the end. */
static bool reap_all(struct agent *a, bool *has_looked)
{
	if (!a->config->once)
		return true;
	if (!*has_looked)
		drain_reap(a->drain, clock_realtime_ns(), true);
	*has_looked = true;
	return !drain_has_to_reap(a->drain);
}

/* Changes with each record that was none: a lane of rubbish is got through, though in steps. */
static uint64_t count_refuse(const struct agent *a)
{
	return orbus_reader_rejected(drain_reader(a->drain)) +
	       orbus_reader_lost(drain_reader(a->drain));
}

/*
 * Counts what was published until now. What is published meanwhile, or claimed to be, cannot keep
 * the agent from ending: the next one counts it.
 */
static void drain_to_end(struct agent *a, uint64_t until_ns)
{
	struct ring_mark *end = ring_mark_take(drain_reader(a->drain));
	bool has_looked = false;
	/* Who told it to end has told --once nothing yet. */
	int most_signals = a->config->once ? 1 : 2;
	int quiet = 0;

	while (
	    end && !a->is_drained && agent_stop < most_signals && clock_monotonic_ns() < until_ns) {
		uint64_t refuse = count_refuse(a);
		bool more = turn(a, true), is_empty;

		quiet = more || count_refuse(a) != refuse ? 0 : quiet + 1;
		is_empty =
		    !a->aggregator.out_of_memory &&
		    (quiet > FINAL_QUIET_MAX || ring_mark_is_passed(end, drain_reader(a->drain)));
		a->is_drained = is_empty && (reap_all(a, &has_looked) || quiet > FINAL_QUIET_MAX);
		/* A lane that lies is not read for a while; and memory may have been refused. */
		if (!more && !a->is_drained)
			(void)orbus_reader_wait(drain_reader(a->drain), FINAL_POLL_MS);
	}
	a->is_drained = true;
	ring_mark_free(end);
}

/* Whether a checkpoint is on the disk that holds what had been counted by then. */
static bool is_kept(const struct agent *a, uint64_t changes)
{
	return save_is_done(a->save, clock_realtime_ns()) ||
	       (!a->aggregator.out_of_memory && save_has_stored(a->save, changes));
}

static void begin_to_stop(struct agent *a)
{
	a->run_time.stopping_ns = clock_monotonic_ns();
	journal_stop(a->journal);
}

/*
 * Drains what there is and sees it onto the disk, for as long as there is time: the exit status.
 * A hung disk, a full queue or a flood of samples must not keep the agent: what is not on the disk
 * by then is still in the ring, or made from the checkpoint, at the next start.
 */
static int finish(struct agent *a)
{
	uint64_t begun_ns = clock_monotonic_ns(), changes;

	if (agent_stop)
		begin_to_stop(a);
	drain_to_end(
	    a, begun_ns + (a->config->once ? RUN_TIME_FINAL_NS : a->run_time.stop_ns / DRAIN_PART));
	changes = a->aggregator.changes;
	do {
		if (agent_stop && !a->run_time.stopping_ns)
			begin_to_stop(a);
		/* The last checkpoint goes before files: the next agent writes those from it. */
		if (a->run_time.stopping_ns && clock_monotonic_ns() - a->run_time.stopping_ns >
						   FILES_PART(a->run_time.stop_ns)) {
			save_put_off_files(a->save);
			if (is_kept(a, changes) && !save_is_busy(a->save))
				break;
		}
		(void)turn(a, true);
		if (a->store)
			store_flush(a->store, STORE_POLL_MS);
		(void)save_go_on(a->save);
		if (is_kept(a, changes))
			agent_status = 0;
	} while (run_time_left_ms(&a->run_time) > 0 &&
		 clock_monotonic_ns() - begun_ns < RUN_TIME_FINAL_NS && !is_done(a));
	drain_say_rest(a->drain);
	if (!is_kept(a, changes)) {
		log_error(a->log, "stopped before everything was on the disk; what the ring still "
				  "holds is counted by the next agent");
		return 1;
	}
	if (!save_is_done(a->save, clock_realtime_ns()))
		log_info(a->log, "the checkpoint is on the disk; the next agent counts what came "
				 "since, and writes the files that are left");
	return 0;
}

/* Exit statuses as all tools have them: usage is 2, a layout that is not known is 4. */
static int status_of(int err)
{
	return err == -EINVAL ? 2 : err == -EPROTONOSUPPORT ? 4 : 1;
}

int agent_run(const struct config *config, struct log *log)
{
	struct agent *a = calloc(1, sizeof(*a));
	int err, status;

	if (!a) {
		log_error(log, "out of memory");
		return 1;
	}
	memory_watch();
	a->config = config;
	a->log = log;
	a->folder.fd = a->folder.lock_fd = -1;
	a->run_time = (struct run_time){
	    .started_ns = clock_monotonic_ns(), .stop_ns = config->stop_ms * UINT64_C(1000000)};
	a->documents = (struct document_sources){&a->aggregator, &a->run_time, config->utc};
	err = open_all(a);
	status = status_of(err);
	if (err == 0) {
		while (!agent_stop && !config->once)
			if (!turn(a, false))
				wait_for_samples(a);
		status = finish(a);
		alerts_finish(a->alerts);
		log_info(log, "stopped");
	}
	close_all(a, status);
	free(a);
	return status;
}
