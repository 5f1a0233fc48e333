/*
 * agent.c: the loop: wait, drain, refresh, save, roll over, retire.
 */
#include "agent.h"
#include "agent/alerts/alerts.h"
#include "base/clock.h"
#include "doc/checkpoint_file.h"
#include "live/ring_mark.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* While the store works, its completions are looked for this often. */
#define STORE_POLL_MS 5
/* --once alone: how long it may take to get everything onto the disk. */
#define FINAL_WAIT_NS (30 * NS_PER_SECOND)
/* Of the time that it has when told to stop: what is still in the ring after so much of it is
 * counted by the next agent, */
#define DRAIN_PART 4
/* from so much on the last checkpoint is made, whatever else there is to store, */
#define FILES_PART(ns) ((ns) / 10 * 3)
/* and so much is left for ending the process. */
#define LAST_PART     10
#define FINAL_POLL_MS 5
/* So often nothing can be read: what a lane says is not there. */
#define FINAL_QUIET_MAX 200
#define SECOND_MS       1000
/* Twice a second, so that a living agent's heartbeat is never a second old. */
#define BEAT_MS 500
/* Rejected samples are logged no more often. */
#define CROWDED_OUT_NS (60 * NS_PER_SECOND)

volatile sig_atomic_t agent_stop, agent_snapshot, agent_reload;
volatile sig_atomic_t agent_status = 1;

uint64_t agent_uptime_seconds(const struct agent *a)
{
	return (clock_monotonic_ns() - a->started_ns) / NS_PER_SECOND;
}

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

static int open_all(struct agent *a)
{
	int err = alerts_open(a);

	if (!err)
		err = read_boot_id(a);
	if (!err)
		err = save_open(a);
	if (!err)
		err = backfill_open(a);
	if (!err)
		err = folder_open(a->config->data_dir, a->log, &a->folder);
	if (!err)
		err = drain_open(a);
	if (!err)
		err = open_store(a);
	if (!err)
		err = retention_open(a);
	if (!err)
		err = restore_aggregator(a);
	if (err == -ENOMEM)
		log_error(a->log, "out of memory: nothing was counted; start again with more");
	if (!err)
		err = alerts_resume(a);
	if (err)
		return err;
	log_info(a->log, "serving bus '%s', files in %s", a->paths.name, a->folder.path);
	return 0;
}

/* The time that the agent has once it was told to stop. */
static uint64_t stop_ns(const struct agent *a)
{
	return a->config->stop_ms * UINT64_C(1000000);
}

/* Until when it may take its time, by CLOCK_MONOTONIC. */
static uint64_t stop_deadline_ns(const struct agent *a)
{
	return a->stopping_ns + stop_ns(a) - stop_ns(a) / LAST_PART;
}

int agent_time_left_ms(const struct agent *a)
{
	uint64_t now_ns = clock_monotonic_ns();
	uint64_t until_ns = a->stopping_ns ? stop_deadline_ns(a) : now_ns + FINAL_WAIT_NS;

	return now_ns < until_ns && agent_stop < 2 ? (int)((until_ns - now_ns) / 1000000) : 0;
}

/*
 * Where the store is in a system call that does not return, the process ends as it is: its memory
 * is the kernel's, and closing anything could wait for the same disk. The folder's lock stays with
 * that system call (agent/persist/data_dir_lock.c), so that a successor waits for its end.
 */
static void close_all(struct agent *a, int status)
{
	journal_stop(a);
	if (!store_close(a->store, agent_time_left_ms(a))) {
		log_warning(a->log, "ending while a call to the disk is still under way");
		_exit(status);
	}
	save_close(a);
	retention_close(a);
	backfill_close(a);
	board_writer_close(a);
	alerts_close(a);
	journal_free(a);
	aggregator_free(&a->aggregator);
	drain_close(a);
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

static void every_second(struct agent *a)
{
	uint64_t monotonic_ns = clock_monotonic_ns();

	if (monotonic_ns >= a->beat_next_ns) {
		a->beat_next_ns = monotonic_ns + BEAT_MS * 1000000u;
		board_beat(a->board);
	}
	if (monotonic_ns < a->second_next_ns)
		return;
	a->second_next_ns = monotonic_ns + SECOND_MS * 1000000u;
	drain_look_after(a);
	save_look_after_folder(a);
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

	if (save_has_more(a) || board_writer_has_more(a) || a->board_is_due)
		return 0;
	if (a->store && (store_poll(a->store) > 0 || retention_has_more(a)))
		return STORE_POLL_MS;
	if (save_is_at_work(a) || board_writer_is_at_work(a))
		return STORE_POLL_MS;
	if (a->second_next_ns <= monotonic_ns)
		return 0;
	ms = sooner_ms(ms, monotonic_ns, a->second_next_ns);
	if (end - now_ns < ms * 1000000)
		ms = (end - now_ns) / 1000000 + 1;
	return (int)sooner_ms(ms, monotonic_ns, reaper_due_ns(a->reaper));
}

/* True once what was forgotten for want of memory is being counted again. */
static bool recover(struct agent *a)
{
	uint64_t monotonic_ns = clock_monotonic_ns();

	if (!a->shortage_said)
		log_error(a->log, "out of memory: what came since the last checkpoint stays in the "
				  "ring until there is some");
	a->shortage_said = true;
	if (a->store)
		store_poll(a->store);
	(void)save_go_on(a);
	if (a->save.busy || a->save.thawing || journal_is_compressing(a) ||
	    monotonic_ns < a->second_next_ns)
		return false;
	a->second_next_ns = monotonic_ns + SECOND_MS * 1000000u;
	board_beat(a->board);
	if (restore_after_shortage(a) != 0)
		return false;
	a->shortage_said = false;
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

	if (pause_ns <= a->longest_pause_ns)
		return;
	a->longest_pause_ns = pause_ns;
	log_debug(
	    a->log, "the longest time between two drains is %.1f ms now", (double)pause_ns / 1e6);
}

static bool drain(struct agent *a, uint64_t now_ns)
{
	bool more;

	note_pause(a);
	more = drain_ring(a, now_ns);
	a->drained_ns = clock_monotonic_ns();
	return more;
}

static void wait_for_samples(struct agent *a)
{
	note_pause(a);
	(void)orbus_reader_wait(a->reader, sleep_ms(a, clock_realtime_ns()));
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
			board_set_drained(a->board, from_ns);
		drain_reap(a, now_ns, false);
	}
	every_second(a);
	if (a->store) {
		store_poll(a->store);
		saved = save_go_on(a);
		if (agent_snapshot) {
			agent_snapshot = 0;
			save_snapshot(a, now_ns);
		}
		saved |= backfill_go_on(a);
		if (may_save(a, more))
			saved |= save_run(a, now_ns, at_once && !more);
		journal_run(a, now_ns);
		/* Last: removing waits for everything else. */
		retention_run(a);
	}
	if (agent_reload) {
		agent_reload = 0;
		alerts_reload(a);
	}
	alerts_run(a, now_ns, more);
	/* One of them in one turn: the ring waits meanwhile. */
	if (!saved && !board_writer_refresh(a, now_ns) && !aggregator_show(&a->aggregator, now_ns))
		(void)windows_prepare(a->aggregator.windows);
	return more;
}

/* Everything is stored; what --once has found to do besides is done too. */
static bool is_done(const struct agent *a)
{
	uint64_t now_ns = clock_realtime_ns();

	return save_is_done(a, now_ns) &&
	       !(a->config->once && (journal_has_work(a, now_ns) || retention_has_more(a)));
}

/* With --once nobody comes later to see who has died: all are looked at before the end. */
static bool reap_all(struct agent *a, bool *has_looked)
{
	if (!a->config->once)
		return true;
	if (!*has_looked)
		drain_reap(a, clock_realtime_ns(), true);
	*has_looked = true;
	return reaper_pending(a->reaper) == 0;
}

/* Changes with each record that was none: a lane of rubbish is got through, though in steps. */
static uint64_t count_refuse(const struct agent *a)
{
	return orbus_reader_rejected(a->reader) + orbus_reader_lost(a->reader);
}

/*
 * Counts what was published until now. What is published meanwhile, or claimed to be, cannot keep
 * the agent from ending: the next one counts it.
 */
static void drain_to_end(struct agent *a, uint64_t until_ns)
{
	struct ring_mark *end = ring_mark_take(a->reader);
	bool has_looked = false;
	/* Who told it to end has told --once nothing yet. */
	int most_signals = a->config->once ? 1 : 2;
	int quiet = 0;

	while (
	    end && !a->is_drained && agent_stop < most_signals && clock_monotonic_ns() < until_ns) {
		uint64_t refuse = count_refuse(a);
		bool more = turn(a, true), is_empty;

		quiet = more || count_refuse(a) != refuse ? 0 : quiet + 1;
		is_empty = !a->aggregator.out_of_memory &&
		           (quiet > FINAL_QUIET_MAX || ring_mark_is_passed(end, a->reader));
		a->is_drained = is_empty && (reap_all(a, &has_looked) || quiet > FINAL_QUIET_MAX);
		/* A lane that lies is not read for a while; and memory may have been refused. */
		if (!more && !a->is_drained)
			(void)orbus_reader_wait(a->reader, FINAL_POLL_MS);
	}
	a->is_drained = true;
	ring_mark_free(end);
}

/* Whether a checkpoint is on the disk that holds what had been counted by then. */
static bool is_kept(const struct agent *a, uint64_t changes)
{
	return save_is_done(a, clock_realtime_ns()) ||
	       (!a->aggregator.out_of_memory && a->save.checkpoint_changes >= changes);
}

static void begin_to_stop(struct agent *a)
{
	a->stopping_ns = clock_monotonic_ns();
	journal_stop(a);
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
	drain_to_end(a, begun_ns + (a->config->once ? FINAL_WAIT_NS : stop_ns(a) / DRAIN_PART));
	changes = a->aggregator.changes;
	do {
		if (agent_stop && !a->stopping_ns)
			begin_to_stop(a);
		/* The last checkpoint goes before files: the next agent writes those from it. */
		if (a->stopping_ns &&
		    clock_monotonic_ns() - a->stopping_ns > FILES_PART(stop_ns(a))) {
			save_put_off_files(a);
			if (is_kept(a, changes) && !a->save.busy)
				break;
		}
		(void)turn(a, true);
		if (a->store)
			store_flush(a->store, STORE_POLL_MS);
		if (is_kept(a, changes))
			agent_status = 0;
	} while (agent_time_left_ms(a) > 0 && clock_monotonic_ns() - begun_ns < FINAL_WAIT_NS &&
		 !is_done(a));
	drain_say_rest(a);
	if (!is_kept(a, changes)) {
		log_error(a->log, "stopped before everything was on the disk; what the ring still "
				  "holds is counted by the next agent");
		return 1;
	}
	if (!save_is_done(a, clock_realtime_ns()))
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
	a->config = config;
	a->log = log;
	a->folder.fd = a->folder.lock_fd = a->bus_lock_fd = -1;
	a->started_ns = clock_monotonic_ns();
	a->board_changes = UINT64_MAX;
	err = open_all(a);
	status = status_of(err);
	if (err == 0) {
		while (!agent_stop && !config->once)
			if (!turn(a, false))
				wait_for_samples(a);
		status = finish(a);
		alerts_finish(a);
		log_info(log, "stopped");
	}
	close_all(a, status);
	free(a);
	return status;
}
