/*
 * agent.c: the loop: wait, drain, refresh, save, roll over, retire.
 */
#include "agent.h"
#include "alerts.h"
#include "clock.h"
#include "memory.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* While the store works, its completions are looked for this often. */
#define STORE_POLL_MS 5
#define FINAL_WAIT_NS (30 * NS_PER_SECOND)
/* When told to stop: files that are not written by then are left to the next agent. */
#define FILES_WAIT_NS (NS_PER_SECOND / 2)
#define SECOND_MS     1000
/* Rejected samples are logged no more often. */
#define CROWDED_OUT_NS (60 * NS_PER_SECOND)

volatile sig_atomic_t agent_stop, agent_snapshot, agent_reload;

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

static int open_all(struct agent *a)
{
	int err = alerts_open(a);

	if (!err)
		err = saver_open(a);
	if (!err)
		err = bases_open(a);
	if (!err)
		err = folder_open(a->config->data_dir, a->log, &a->folder);
	if (!err)
		err = intake_open(a);
	if (!err)
		err = open_store(a);
	if (!err)
		err = restore_ledger(a);
	if (!err)
		err = alerts_resume(a);
	if (err)
		return err;
	log_info(a->log, "serving bus '%s', files in %s", a->paths.name, a->folder.path);
	return 0;
}

static void close_all(struct agent *a)
{
	journal_stop(a);
	store_close(a->store);
	saver_close(a);
	bases_close(a);
	bulletin_close(a);
	alerts_close(a);
	journal_free(a);
	ledger_free(&a->ledger);
	intake_close(a);
	folder_close(&a->folder);
}

static void say_crowded_out(struct agent *a, uint64_t monotonic_ns)
{
	if (a->ledger.crowded_out == a->crowded_out_said || monotonic_ns < a->crowded_out_next_ns)
		return;
	log_error(a->log,
	    "%llu samples were rejected: they are of too many old hours at once; publish them in "
	    "the order of time, or slower",
	    (unsigned long long)(a->ledger.crowded_out - a->crowded_out_said));
	a->crowded_out_said = a->ledger.crowded_out;
	a->crowded_out_next_ns = monotonic_ns + CROWDED_OUT_NS;
}

static void every_second(struct agent *a, uint64_t now_ns)
{
	uint64_t monotonic_ns = clock_monotonic_ns();

	if (monotonic_ns < a->second_next_ns)
		return;
	a->second_next_ns = monotonic_ns + SECOND_MS * 1000000u;
	board_beat(a->board);
	intake_look_after(a, now_ns);
	saver_look_after_folder(a);
	if (a->store)
		retention_run(a, now_ns);
	say_crowded_out(a, monotonic_ns);
	periods_survey(&a->ledger.periods, now_ns);
}

/* How long the loop may sleep, in milliseconds. */
static int sleep_ms(struct agent *a, uint64_t now_ns)
{
	uint64_t end = periods_next_end(&a->ledger.periods, now_ns);
	uint64_t monotonic_ns = clock_monotonic_ns();
	uint64_t ms = SECOND_MS;

	if (saver_has_more(a) || bulletin_has_more(a) || a->board_is_due)
		return 0;
	if ((a->store && store_poll(a->store) > 0) || saver_is_at_work(a) || bulletin_is_at_work(a))
		return STORE_POLL_MS;
	if (a->second_next_ns <= monotonic_ns)
		return 0;
	if ((a->second_next_ns - monotonic_ns) / 1000000 < ms)
		ms = (a->second_next_ns - monotonic_ns) / 1000000 + 1;
	if (end - now_ns < ms * 1000000)
		ms = (end - now_ns) / 1000000 + 1;
	return (int)ms;
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
	(void)saver_go_on(a);
	if (a->saver.busy || a->saver.thawing || journal_is_packing(a) ||
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
	more = intake_drain(a, now_ns);
	a->drained_ns = clock_monotonic_ns();
	return more;
}

static void wait_for_samples(struct agent *a)
{
	note_pause(a);
	(void)orbus_reader_wait(a->reader, sleep_ms(a, clock_realtime_ns()));
	a->drained_ns = clock_monotonic_ns();
}

/* One turn of the loop. True: there is more to drain. */
static bool turn(struct agent *a, bool at_once)
{
	uint64_t now_ns = clock_realtime_ns();
	bool more, saved = false;

	if (a->ledger.out_of_memory && !recover(a))
		return false;
	more = drain(a, now_ns);
	every_second(a, now_ns);
	if (a->store) {
		store_poll(a->store);
		saved = saver_go_on(a);
		if (agent_snapshot) {
			agent_snapshot = 0;
			saver_snapshot(a, now_ns);
		}
		saved |= bases_go_on(a);
		saved |= saver_run(a, now_ns, at_once && !more);
		journal_run(a, now_ns);
	}
	if (agent_reload) {
		agent_reload = 0;
		alerts_reload(a);
	}
	alerts_run(a, now_ns, more);
	/* One of them in one turn: the ring waits meanwhile. */
	if (!saved && !bulletin_refresh(a, now_ns) && !ledger_show(&a->ledger, now_ns))
		(void)windows_prepare(a->ledger.windows);
	return more;
}

/* Everything is stored; what --once has found of ended hours is compressed too. */
static bool is_done(const struct agent *a)
{
	uint64_t now_ns = clock_realtime_ns();

	return saver_is_done(a, now_ns) && !(a->config->once && journal_has_work(a, now_ns));
}

/* Drains what there is and sees it onto the disk: the exit status. */
static int finish(struct agent *a)
{
	uint64_t started_ns = clock_monotonic_ns(), deadline_ns = started_ns + FINAL_WAIT_NS;
	uint64_t written = a->saver.files_written;
	bool more, enough = false;

	do {
		more = turn(a, true);
		if (a->store)
			store_flush(a->store, 100);
		if (a->saver.files_written != written) {
			/* Many files take their time; a disk that stands still does not get it. */
			written = a->saver.files_written;
			deadline_ns = clock_monotonic_ns() + FINAL_WAIT_NS;
		}
		enough = !more && agent_stop && saver_is_safe(a) &&
		         clock_monotonic_ns() - started_ns > FILES_WAIT_NS;
	} while (clock_monotonic_ns() < deadline_ns && agent_stop < 2 && !enough &&
		 (more || !is_done(a)));
	if (enough || saver_is_done(a, clock_realtime_ns()))
		return 0;
	log_error(a->log, "stopped before everything was on the disk; what the ring still holds is "
			  "counted by the next agent");
	return 1;
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
	a->folder.fd = a->folder.lock_fd = a->bus_lock_fd = -1;
	a->started_ns = clock_monotonic_ns();
	a->retired_day = INT64_MIN;
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
	close_all(a);
	free(a);
	return status;
}
