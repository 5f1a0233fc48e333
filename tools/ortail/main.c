/*
 * main.c: the live request stream.
 *
 * Samples of several producers interleave as they are read; those of one round are put in the order
 * of their times before they are shown. A round is bounded, and so is the memory.
 */
#include "base/clock.h"
#include "base/options.h"
#include "base/sigbus.h"
#include "common/print.h"
#include "common/stop.h"
#include "follow.h"
#include "format.h"
#include "history.h"
#include "lines.h"
#include "live/bus_error.h"
#include "live/ring_mark.h"
#include "log.h"
#include "orbus.h"
#include "ring/reader.h"
#include "stats.h"
#include "view.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define TOOL         "ortail"
#define ROUND_MAX    16384
#define STOP_LOOK_MS 500
/*
 * Time between reads while samples come: a line appears within 10 ms, for less than 1 % of a core.
 */
#define POLL_MS       8
#define LOOK_EVERY_NS NS_PER_SECOND
/* Time between looks for a bus that does not exist yet. */
#define BUS_LOOK_MS 100
/* How often, and how long, to wait for what was published and cannot be read yet. */
#define QUIET_MAX 20
#define QUIET_MS  5

struct tail {
	struct ortail_settings settings;
	struct ortail_view view;
	struct orbus_reader *reader; /* NULL: there is no bus, and the journal is enough */
	struct history *history;     /* NULL: not asked for */
	struct stats *stats;         /* NULL: no summaries */
	struct group *group;         /* NULL: no groups */
	struct request_log *log;     /* NULL: standard output */
	bool has_waited;             /* --wait found a bus: all that it holds is shown */
	bool follows, drained;
	uint64_t looked_ns;
	bool out_of_memory;
	struct lines lines;
	uint64_t lost_said;
};

/* Of what comes from the journal: no lane holds its begin. */
static const struct sample_origin from_journal = {.lane = UINT32_MAX};

/* Keeps the text that was printed, with what is to be emphasised in it. NULL: out of memory. */
static char *end_text(struct tail *t, FILE *out, bool ok, char **text)
{
	char *emphasised;

	if (fclose(out) != 0)
		ok = false;
	if (ok && !t->view.highlight)
		return *text;
	emphasised = ok ? highlight_text(t->view.highlight, *text) : NULL;
	free(*text);
	return emphasised;
}

static char *render(
    struct tail *t, const struct sample_origin *origin, const struct orbus_sample *s)
{
	char *text = NULL;
	size_t length;
	FILE *out = open_memstream(&text, &length);

	if (!out)
		return NULL;
	return end_text(t, out,
	    t->group ? group_print(t->group, out, &t->view, origin, s)
		     : format_sample(out, &t->view, s),
	    &text);
}

static char *render_outcome(
    struct tail *t, enum group_outcome outcome, const struct orbus_sample *begin, uint64_t now_ns)
{
	char *text = NULL;
	size_t length;
	FILE *out = open_memstream(&text, &length);

	if (!out)
		return NULL;
	return end_text(t, out, group_print_outcome(out, &t->view, outcome, begin, now_ns), &text);
}

/* Adds the line of a sample, with summaries its figures, and for a log its fields. False: out of
 * memory. */
static bool add_line(struct tail *t, const struct orbus_sample *s, char *text)
{
	struct line line = {.ts = s->ts, .text = text, .level = request_log_level(s)};

	if (t->stats && s->kind == ORBUS_KIND_REQUEST) {
		line.figures = malloc(sizeof(*line.figures));
		if (!line.figures) {
			free(text);
			return false;
		}
		stats_figures(s, line.figures);
	}
	if (t->settings.log_target == LOG_TARGET_JOURNALD) {
		line.fields = request_log_fields(s);
		if (!line.fields) {
			free(text);
			free(line.figures);
			return false;
		}
	}
	return lines_add(&t->lines, &line);
}

/* A request that did not end is filtered as one that takes as long as it has so far. */
static void add_outcome(
    void *context, enum group_outcome outcome, const struct orbus_sample *begin, uint64_t now_ns)
{
	struct tail *t = context;
	struct orbus_sample s = *begin;

	if (now_ns > s.ts)
		s.response_ms = (double)(now_ns - s.ts) / 1e6;
	if (outcome == GROUP_ORPHANED) {
		s.kind = ORBUS_KIND_REQUEST;
		s.status = ORBUS_STATUS_ORPHANED;
	}
	if (!ortail_view_passes(&t->view, &s))
		return;
	t->out_of_memory |= !add_line(t, &s, render_outcome(t, outcome, begin, now_ns));
}

/* Drops half of them or more at a time, so that the cost per line is constant. */
static void keep_newest(struct tail *t, size_t keep)
{
	if (t->lines.count / 2 > keep)
		lines_drop_older(&t->lines, keep);
}

/* Collects what is there now, the newest `keep` of it. False: out of memory. */
static bool collect(struct tail *t, size_t max, size_t keep)
{
	struct orbus_sample s;
	size_t taken = 0;

	if (t->group)
		group_follow(t->group, t->reader, clock_realtime_ns(), add_outcome, t);
	for (; taken < max && orbus_reader_next(t->reader, &s) == 1; taken++) {
		const struct sample_origin *origin = reader_origin(t->reader);
		bool wanted = keep > 0 && history_wants(t->history, t->reader, &s) &&
		              ortail_view_wants(&t->view, &s);

		if (wanted && !add_line(t, &s, render(t, origin, &s)))
			return false;
		if (t->group && !group_note(t->group, origin, &s))
			return false;
		keep_newest(t, keep);
	}
	t->drained = taken < max;
	return true;
}

/*
 * Collects what was published until now. It ends also while producers go on publishing. Where the
 * reader finds nothing for the moment, it waits a little. False: out of memory.
 */
static bool collect_past(struct tail *t, size_t keep)
{
	struct ring_mark *end = ring_mark_take(t->reader);
	bool ok = end;
	int quiet = 0;

	while (ok && quiet < QUIET_MAX) {
		ok = collect(t, ROUND_MAX, keep);
		if (ring_mark_is_passed(end, t->reader))
			break;
		if (t->drained && ++quiet < QUIET_MAX)
			(void)orbus_reader_wait(t->reader, QUIET_MS);
	}
	ring_mark_free(end);
	return ok;
}

/* Reports requests in flight once a second, and orphaned ones as they are found. */
static bool look_after_groups(struct tail *t)
{
	uint64_t now_ns = clock_realtime_ns();

	if (!t->group)
		return true;
	group_tell(t->group, t->reader, now_ns, false, add_outcome, t);
	if (t->drained && now_ns - t->looked_ns >= LOOK_EVERY_NS) {
		group_tell_waiting(t->group, now_ns, false, add_outcome, t);
		t->looked_ns = now_ns;
	}
	group_look(t->group, t->reader, false);
	return !t->out_of_memory;
}

static void say_loss(struct tail *t)
{
	uint64_t lost = t->reader ? orbus_reader_lost(t->reader) : 0;

	if (lost == t->lost_said)
		return;
	if (t->log)
		request_log_say(t->log, LOG_LEVEL_WARNING,
		    TOOL " lost %" PRIu64 " samples: overwritten before they could be read",
		    lost - t->lost_said);
	else if (!t->settings.quiet)
		fprintf(stderr,
		    TOOL ": lost %" PRIu64 " samples: overwritten before they could be read\n",
		    lost - t->lost_said);
	t->lost_said = lost;
}

/* Prints what was collected. False: the reader of the output is gone, or it could not be written.
 */
static bool print(struct tail *t, int *status)
{
	uint64_t now_ns = t->stats ? clock_realtime_ns() : 0;
	bool gone, ok = true;

	lines_sort(&t->lines);
	for (size_t i = 0; i < t->lines.count; i++) {
		if (t->lines.all[i].figures)
			ok &= stats_add(t->stats, stdout, t->lines.all[i].figures, now_ns);
		if (t->log)
			request_log_put(t->log, &t->view, &t->lines.all[i]);
		else
			fputs(t->lines.all[i].text, stdout);
	}
	if (t->stats && t->follows)
		ok &= stats_tick(t->stats, stdout, now_ns);
	lines_clear(&t->lines);
	if (output_flush(TOOL, &gone) < 0 || !ok)
		*status = CLI_FAILED;
	say_loss(t);
	return !gone && *status == CLI_FINE;
}

/* What the journal holds, shown as it comes, or the newest `keep` of it collected. */
static int show_history(struct tail *t, size_t keep)
{
	int status = CLI_FINE, found = 0;
	struct orbus_sample s;

	while (!is_stop_asked() && (found = history_next(t->history, &s)) == 1) {
		if (!ortail_view_wants(&t->view, &s))
			continue;
		if (!add_line(t, &s, render(t, &from_journal, &s)))
			return CLI_FAILED;
		if (keep != SIZE_MAX)
			keep_newest(t, keep);
		else if (t->lines.count == ROUND_MAX && !print(t, &status))
			return status;
	}
	if (is_stop_asked())
		return CLI_FINE;
	if (found < 0)
		return -found;
	if (t->reader)
		history_attach(t->history, t->reader);
	return CLI_PROCEED;
}

static int show_past(struct tail *t)
{
	int status = CLI_FINE;
	size_t keep = SIZE_MAX;

	bool history = history_is_asked_for(t->history);

	if (t->settings.last != UINT64_MAX)
		keep = (size_t)t->settings.last;
	else if (!t->settings.no_follow && !history && !t->has_waited && t->group)
		keep = 0; /* with --group, begins are needed, though they are not printed */
	else if (!t->settings.no_follow && !history && !t->has_waited)
		orbus_reader_skip(t->reader);
	if (!t->settings.quiet)
		format_header(stdout, &t->view);
	if (history) {
		status = show_history(t, keep);
		if (status != CLI_PROCEED)
			return status;
		status = CLI_FINE;
	}
	if (t->reader && !collect_past(t, keep))
		return CLI_FAILED;
	lines_drop_older(&t->lines, keep);
	return print(t, &status) ? CLI_PROCEED : status;
}

/* With a limit: a signal just before the wait would not interrupt it. */
static int wait_ms(const struct tail *t)
{
	int most = history_left_ms(t->history, STOP_LOOK_MS);

	return t->stats ? stats_due_ms(t->stats, clock_realtime_ns(), most) : most;
}

static int follow(struct tail *t)
{
	int status = CLI_FINE;

	t->follows = true;
	while (!is_stop_asked() && (t->log || !output_is_gone()) &&
	       history_left_ms(t->history, STOP_LOOK_MS) > 0) {
		int ready = orbus_reader_wait(t->reader, wait_ms(t));

		if (ready == 1 && !collect(t, ROUND_MAX, SIZE_MAX))
			return CLI_FAILED;
		if (!look_after_groups(t))
			return CLI_FAILED;
		if ((t->lines.count > 0 || ready == 1 || t->stats) && !print(t, &status))
			return status;
	}
	/* Reads the last samples before --until. */
	if (!is_stop_asked() && !collect_past(t, SIZE_MAX))
		return CLI_FAILED;
	return print(t, &status) ? CLI_PROCEED : status;
}

/* At the end: reports requests still in flight, and the interval that is not over. */
static int finish(struct tail *t)
{
	int status = CLI_FINE;
	uint64_t now_ns;

	if (t->group && t->reader) {
		group_look(t->group, t->reader, true);
		if (!collect_past(t, SIZE_MAX))
			return CLI_FAILED;
		now_ns = clock_realtime_ns();
		group_tell(t->group, t->reader, now_ns, true, add_outcome, t);
		group_tell_waiting(t->group, now_ns, true, add_outcome, t);
		if (t->out_of_memory || !print(t, &status))
			return t->out_of_memory ? CLI_FAILED : status;
	}
	if (t->stats && !stats_end(t->stats, stdout, clock_realtime_ns()))
		return CLI_FAILED;
	return output_flush(TOOL, NULL) < 0 ? CLI_FAILED : CLI_FINE;
}

static void say_waiting(struct tail *t)
{
	char why[1024];

	bus_error_describe(t->settings.bus, -ENOENT, why, sizeof(why));
	if (t->log)
		request_log_say(t->log, LOG_LEVEL_INFO, TOOL " waits: %s", why);
	else if (!t->settings.quiet)
		fprintf(stderr, TOOL ": waiting: %s\n", why);
}

/* --wait. A name that no bus has yet costs a system call each time: a bus is met within 0.1 s. */
static int await_bus(struct tail *t)
{
	const struct timespec pause = {0, BUS_LOOK_MS * 1000000L};
	int err = -EINTR;

	say_waiting(t);
	t->has_waited = true;
	do
		nanosleep(&pause, NULL);
	while (
	    !is_stop_asked() && (err = orbus_reader_open(t->settings.bus, &t->reader)) == -ENOENT);
	return is_stop_asked() && !t->reader ? -EINTR : err;
}

/* Without a bus the journal can still be read, as after a reboot. */
static int open_bus(struct tail *t)
{
	int err = orbus_reader_open(t->settings.bus, &t->reader);
	bool past_will_do =
	    history_is_asked_for(t->history) &&
	    (t->settings.no_follow || history_left_ms(t->history, STOP_LOOK_MS) == 0);

	if (err == -ENOENT && past_will_do)
		return CLI_PROCEED;
	if (err == -ENOENT && t->settings.wait)
		err = await_bus(t);
	if (err == -EINTR)
		return CLI_FINE;
	if (err)
		return bus_error_report(TOOL, t->settings.bus, err);
	reader_set_poll_ms(t->reader, POLL_MS);
	return CLI_PROCEED;
}

static int open_log(struct tail *t)
{
	if (t->settings.log_target < 0)
		return CLI_PROCEED;
	t->log = request_log_open(&t->settings);
	if (t->log)
		return CLI_PROCEED;
	fputs(TOOL ": out of memory\n", stderr);
	return CLI_FAILED;
}

static int make_sums(struct tail *t)
{
	uint64_t every_ns = t->settings.stats_every_ns;

	if (every_ns)
		t->stats = stats_new(
		    every_ns, t->settings.json || t->view.format == FORMAT_JSON, t->view.colour);
	if (t->settings.group)
		t->group = group_new(t->reader);
	if ((!every_ns || t->stats) && (!t->settings.group || t->group))
		return CLI_PROCEED;
	fputs(TOOL ": out of memory\n", stderr);
	return CLI_FAILED;
}

static void tail_free(struct tail *t)
{
	lines_free(&t->lines);
	stats_free(t->stats);
	group_free(t->group);
	orbus_reader_close(t->reader);
	history_close(t->history);
	request_log_close(t->log);
	ortail_view_free(&t->view);
}

int main(int argc, char **argv)
{
	struct tail t = {
	    .settings = {.last = UINT64_MAX, .status = -1, .min_ms = NAN, .log_target = -1}};
	int status;

	output_init();
	status = cli_parse(&ortail_program, argc, argv, &t.settings);
	if (status != CLI_PROCEED)
		return status;
	stop_on_signals();
	sigbus_reads_zeros();
	status = ortail_view_make(&t.view, &t.settings);
	if (status == CLI_PROCEED)
		status = history_open(&t.settings, &t.history);
	if (status == CLI_PROCEED)
		status = open_log(&t);
	if (status == CLI_PROCEED)
		status = open_bus(&t);
	if (status == CLI_PROCEED)
		status = make_sums(&t);
	if (status == CLI_PROCEED)
		status = show_past(&t);
	if (status == CLI_PROCEED && !t.settings.no_follow && t.reader)
		status = follow(&t);
	if (status == CLI_PROCEED)
		status = finish(&t);
	tail_free(&t);
	return status;
}
