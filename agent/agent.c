/*
 * agent.c: the loop: wait, drain, refresh, save, roll over, retire.
 */
#include "agent.h"
#include "agent/persist/snapshot.h"
#include "base/clock.h"
#include "live/ring_mark.h"
#include "parts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* While the store works, its completions are looked for this often. */
#define STORE_POLL_MS 5
/* The agent drains for this part of the time that it has to stop in. The next agent counts what is
 * left in the ring. */
#define DRAIN_PART 4
/* After this part of that time the last checkpoint is made. Files that are not stored wait for the
 * next agent. */
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
	struct parts p;
	/* CLOCK_MONOTONIC, all: */
	uint64_t behind_since_ns; /* there was more to drain; 0: no */
	uint64_t second_next_ns;  /* what is done once a second */
	uint64_t beat_next_ns;    /* the next heartbeat is due */
	uint64_t drained_ns;      /* the end of the last drain, or of a sleep */
	uint64_t crowded_out_next_ns;
	uint64_t crowded_out_said; /* samples that were rejected for want of room, as logged */
	bool is_drained;           /* for good: what comes now is for the next agent */
	bool is_all_read; /* what had been published when the agent was to end is counted */
};

volatile sig_atomic_t agent_snapshot, agent_reload;
volatile sig_atomic_t agent_status = 1;

static void say_crowded_out(struct agent *a, uint64_t monotonic_ns)
{
	if (a->p.aggregator.crowded_out == a->crowded_out_said ||
	    monotonic_ns < a->crowded_out_next_ns)
		return;
	log_error(a->p.log,
	    "%llu samples were rejected: they are of too many old hours at once; publish them in "
	    "the order of time, or slower",
	    (unsigned long long)(a->p.aggregator.crowded_out - a->crowded_out_said));
	a->crowded_out_said = a->p.aggregator.crowded_out;
	a->crowded_out_next_ns = monotonic_ns + CROWDED_OUT_NS;
}

/* It was removed, or made anew: another agent's is left to it. */
static void look_after_board(struct agent *a)
{
	if (board_writer_is_gone(a->p.board_writer) && !drain_is_served_by_another(a->p.drain))
		board_writer_make_board(a->p.board_writer);
}

static void every_second(struct agent *a)
{
	uint64_t monotonic_ns = clock_monotonic_ns();

	if (monotonic_ns >= a->beat_next_ns) {
		a->beat_next_ns = monotonic_ns + BEAT_MS * 1000000u;
		board_writer_beat(a->p.board_writer);
	}
	if (monotonic_ns < a->second_next_ns)
		return;
	a->second_next_ns = monotonic_ns + SECOND_MS * 1000000u;
	drain_look_after(a->p.drain);
	look_after_board(a);
	parts_look_after_folder(&a->p);
	say_crowded_out(a, monotonic_ns);
	periods_survey(&a->p.aggregator.periods, clock_realtime_ns());
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
	uint64_t end = periods_next_end(&a->p.aggregator.periods, now_ns);
	uint64_t monotonic_ns = clock_monotonic_ns();
	uint64_t ms = BEAT_MS;
	bool is_storing = a->p.store && store_poll(a->p.store) > 0;

	/* Asked after the poll, whose completions allow further steps. */
	if (save_has_more(a->p.save) || (a->p.store && journal_has_step(a->p.journal)) ||
	    board_writer_has_more(a->p.board_writer))
		return 0;
	if (is_storing || (a->p.store && retention_has_more(a->p.retention)))
		return STORE_POLL_MS;
	if (save_is_at_work(a->p.save) || board_writer_is_at_work(a->p.board_writer) ||
	    alerts_is_at_work(a->p.alerts))
		return STORE_POLL_MS;
	if (a->second_next_ns <= monotonic_ns)
		return 0;
	ms = sooner_ms(ms, monotonic_ns, a->second_next_ns);
	if (end - now_ns < ms * 1000000)
		ms = (end - now_ns) / 1000000 + 1;
	return (int)sooner_ms(ms, monotonic_ns, drain_reap_due_ns(a->p.drain));
}

/* True once what was forgotten for want of memory is being counted again. */
static bool recover(struct agent *a)
{
	uint64_t monotonic_ns = clock_monotonic_ns();

	if (!a->p.folder.shortage_said)
		log_error(a->p.log,
		    "out of memory: what came since the last checkpoint stays in the "
		    "ring until there is some");
	a->p.folder.shortage_said = true;
	if (a->p.store) {
		store_poll(a->p.store);
		journal_go_on(a->p.journal);
	}
	(void)save_go_on(a->p.save);
	if (save_is_busy(a->p.save) || save_has_more(a->p.save) ||
	    journal_is_compressing(a->p.journal) || monotonic_ns < a->second_next_ns)
		return false;
	a->second_next_ns = monotonic_ns + SECOND_MS * 1000000u;
	board_writer_beat(a->p.board_writer);
	if (parts_restore_again(&a->p) != 0)
		return false;
	a->p.folder.shortage_said = false;
	a->crowded_out_said = 0;
	log_info(a->p.log, "going on from the last checkpoint: there is memory again");
	return true;
}

/*
 * A save waits until the ring was found empty, so that the first one after a start holds all that
 * had come meanwhile, and a kill soon after it loses nothing of that. Where more comes all the
 * time it waits no longer than this.
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

	if (pause_ns <= a->p.run_time.longest_pause_ns)
		return;
	a->p.run_time.longest_pause_ns = pause_ns;
	log_debug(
	    a->p.log, "the longest time between two drains is %.1f ms now", (double)pause_ns / 1e6);
}

static int begin_bus(struct agent *a)
{
	const struct orbus_reader *r = drain_reader(a->p.drain);

	return journal_begin_bus(a->p.journal, reader_lane_count(r), reader_ring_bytes(r));
}

static bool drain(struct agent *a, uint64_t now_ns)
{
	bool more;

	note_pause(a);
	if (drain_follow(a->p.drain) && begin_bus(a) < 0)
		a->p.aggregator.out_of_memory = true;
	more = drain_ring(a->p.drain, now_ns);
	a->drained_ns = clock_monotonic_ns();
	return more;
}

static void wait_for_samples(struct agent *a)
{
	note_pause(a);
	(void)orbus_reader_wait(drain_reader(a->p.drain), sleep_ms(a, clock_realtime_ns()));
	a->drained_ns = clock_monotonic_ns();
}

/* One turn of the loop; `at_once`: a save is due as soon as all is drained. True: there is more to
 * drain. */
static bool turn(struct agent *a, bool at_once)
{
	uint64_t now_ns = clock_realtime_ns(), from_ns = now_ns_of(CLOCK_BOOTTIME);
	bool more = false, saved = false;

	if (a->p.aggregator.out_of_memory && !recover(a))
		return false;
	if (!a->is_drained) {
		more = drain(a, now_ns);
		if (!more)
			board_writer_set_drained(a->p.board_writer, from_ns);
		drain_reap(a->p.drain, now_ns, false);
	}
	every_second(a);
	if (a->p.store) {
		store_poll(a->p.store);
		saved = save_go_on(a->p.save);
		if (agent_snapshot) {
			agent_snapshot = 0;
			snapshot_write(&a->p.documents, &a->p.folder, a->p.store, now_ns);
		}
		saved |= backfill_go_on(a->p.backfill);
		if (may_save(a, more))
			saved |= save_run(a->p.save, now_ns, at_once && !more);
		journal_run(a->p.journal, now_ns);
		/* Last: removing waits for everything else. */
		retention_run(a->p.retention, !save_is_busy(a->p.save));
	}
	if (agent_reload) {
		agent_reload = 0;
		if (alerts_reload(a->p.alerts))
			board_writer_touch(a->p.board_writer);
	}
	if (alerts_run(a->p.alerts, now_ns, more))
		board_writer_touch(a->p.board_writer);
	/* One of them in one turn: the ring waits meanwhile. */
	if (!saved && !board_writer_refresh(a->p.board_writer, now_ns) &&
	    !aggregator_show(&a->p.aggregator, now_ns))
		(void)windows_prepare(a->p.aggregator.windows);
	return more;
}

/* Everything is stored; what --once has found to do besides is done too. */
static bool is_done(const struct agent *a)
{
	uint64_t now_ns = clock_realtime_ns();

	return save_is_done(a->p.save, now_ns) &&
	       !(a->p.config->once &&
		   (journal_has_work(a->p.journal, now_ns) || retention_has_more(a->p.retention)));
}

/* With --once no later turn finds the dead: all producers are looked at before the end. */
static bool reap_all(struct agent *a, bool *has_looked)
{
	if (!a->p.config->once)
		return true;
	if (!*has_looked)
		drain_reap(a->p.drain, clock_realtime_ns(), true);
	*has_looked = true;
	return !drain_has_to_reap(a->p.drain);
}

/* Changes with each record that was none: a lane of rubbish is got through, though in steps. */
static uint64_t count_refuse(const struct agent *a)
{
	return orbus_reader_rejected(drain_reader(a->p.drain)) +
	       orbus_reader_lost(drain_reader(a->p.drain));
}

/*
 * Counts what was published until now. What is published meanwhile, or claimed to be, cannot keep
 * the agent from ending: the next one counts it.
 */
static void drain_to_end(struct agent *a, uint64_t until_ns)
{
	struct ring_mark *end = ring_mark_take(drain_reader(a->p.drain));
	bool has_looked = false;
	/* Who told it to end has told --once nothing yet. */
	int most_signals = a->p.config->once ? 1 : 2;
	int quiet = 0;

	while (
	    end && !a->is_drained && agent_stop < most_signals && clock_monotonic_ns() < until_ns) {
		uint64_t refuse = count_refuse(a);
		bool more = turn(a, true), is_empty;

		quiet = more || count_refuse(a) != refuse ? 0 : quiet + 1;
		is_empty =
		    !a->p.aggregator.out_of_memory &&
		    (quiet > FINAL_QUIET_MAX || ring_mark_is_passed(end, drain_reader(a->p.drain)));
		a->is_drained = is_empty && (reap_all(a, &has_looked) || quiet > FINAL_QUIET_MAX);
		/* A lane that lies is not read for a while; and memory may have been refused. */
		if (!more && !a->is_drained)
			(void)orbus_reader_wait(drain_reader(a->p.drain), FINAL_POLL_MS);
	}
	a->is_all_read = a->is_drained;
	a->is_drained = true;
	ring_mark_free(end);
}

/* Whether a checkpoint is on the disk that holds what had been counted by then. */
static bool is_kept(const struct agent *a, uint64_t changes)
{
	return save_is_done(a->p.save, clock_realtime_ns()) ||
	       (!a->p.aggregator.out_of_memory && save_has_stored(a->p.save, changes));
}

/*
 * After --once there may be no next agent, and its files are expected to be there. Hours that are
 * not compressed yet, and expired files that are still there, can wait.
 */
static bool has_written_all(const struct agent *a, uint64_t changes)
{
	const char *name;

	return a->is_all_read && is_kept(a, changes) &&
	       save_files_missing(a->p.save, clock_realtime_ns(), &name) == 0;
}

static void say_missing(const struct agent *a, uint64_t changes)
{
	char files[128] = "";
	const char *one;
	size_t count = save_files_missing(a->p.save, clock_realtime_ns(), &one);

	if (count > 0)
		snprintf(files, sizeof(files), " files (%zu, one is %s);", count, one);
	log_error(a->p.log,
	    "--once has ended %s before everything was on the disk; missing:%s%s%s run it again: it "
	    "goes on from there, and nothing is counted twice",
	    agent_stop ? "by a signal" : "after 30 s",
	    a->is_all_read ? "" : " samples that are still on the bus;",
	    is_kept(a, changes) ? "" : " the checkpoint;", files);
}

static void begin_to_stop(struct agent *a)
{
	a->p.run_time.stopping_ns = clock_monotonic_ns();
	journal_stop(a->p.journal);
}

/* The checkpoint goes before files: when time gets short, those are the next agent's. */
static bool may_leave_files(struct agent *a, uint64_t changes)
{
	const struct run_time *t = &a->p.run_time;

	if (!t->stopping_ns || clock_monotonic_ns() - t->stopping_ns <= FILES_PART(t->stop_ns))
		return false;
	save_put_off_files(a->p.save);
	return is_kept(a, changes) && !save_is_busy(a->p.save);
}

/*
 * Sees onto the disk what was counted, for as long as there is time. agent_status is 0 as soon as
 * what must be there is: the checkpoint, from which the next agent writes the files; with --once,
 * after which there may be no next one, the files too.
 */
static void store_rest(struct agent *a, uint64_t until_ns, uint64_t changes)
{
	bool done = false;

	do {
		if (agent_stop && !a->p.run_time.stopping_ns)
			begin_to_stop(a);
		if (may_leave_files(a, changes))
			return;
		(void)turn(a, true);
		if (a->p.store)
			store_flush(a->p.store, STORE_POLL_MS);
		(void)save_go_on(a->p.save);
		done = is_done(a);
		if (a->p.config->once)
			agent_status = !has_written_all(a, changes);
		else if (is_kept(a, changes))
			agent_status = 0;
	} while (run_time_left_ms(&a->p.run_time) > 0 && clock_monotonic_ns() < until_ns && !done);
}

/*
 * Drains the ring and stores all of it. Returns the exit status. A hung disk, a full queue or a
 * flood of samples must not delay the end. The next start takes the rest from the ring, and makes
 * files that are missing from the checkpoint.
 */
static int finish(struct agent *a)
{
	uint64_t begun_ns = clock_monotonic_ns(), changes;
	bool once = a->p.config->once;

	if (agent_stop)
		begin_to_stop(a);
	drain_to_end(a, begun_ns + (once ? RUN_TIME_FINAL_NS : a->p.run_time.stop_ns / DRAIN_PART));
	changes = a->p.aggregator.changes;
	store_rest(a, begun_ns + RUN_TIME_FINAL_NS, changes);
	drain_say_rest(a->p.drain);
	if (once) {
		if (agent_status != 0)
			say_missing(a, changes);
		return agent_status;
	}
	if (!is_kept(a, changes)) {
		log_error(a->p.log,
		    "stopped before everything was on the disk; what the ring still "
		    "holds is counted by the next agent");
		return 1;
	}
	if (!save_is_done(a->p.save, clock_realtime_ns()))
		log_info(a->p.log, "the checkpoint is on the disk; the next agent counts what came "
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
	err = parts_open(&a->p, config, log);
	status = status_of(err);
	if (err == 0) {
		while (!agent_stop && !config->once)
			if (!turn(a, false))
				wait_for_samples(a);
		status = finish(a);
		alerts_finish(a->p.alerts);
		log_info(log, "stopped");
	}
	parts_close(&a->p, status);
	free(a);
	return status;
}
