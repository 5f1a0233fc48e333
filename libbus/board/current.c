/*
 * current.c: the statistics of a window, from the agent's board, or else from the ring itself.
 */
#include "current.h"
#include "base/clock.h"
#include "base/wall_time.h"
#include "board.h"
#include "doc/document.h"
#include "doc/msgpack_tree.h"
#include "doc/snapshot_read.h"
#include "live/inflight.h"
#include "live/reaper.h"
#include "live/ring_mark.h"
#include "ring/reader.h"
#include "stats/windows.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Samples between two looks whether all is read; how often to wait for a lane, and how long. */
#define MARK_EVERY 1024
#define QUIET_MAX  20
#define QUIET_MS   5

bool statistics_window_from_name(const char *name, enum statistics_window *out)
{
	for (int i = 0; i < STAT_WINDOWS; i++)
		if (strcmp(name, window_names[i].name) == 0) {
			*out = (enum statistics_window)i;
			return true;
		}
	return false;
}

/* The board is another process's: only a document of the expected form is taken from it. */
static int take_board(
    const struct board_snapshot *board, enum statistics_window window, struct statistics *out)
{
	const char *const agent[] = {"agent", NULL};
	const char *const alerts[] = {"alerts", NULL};
	const char *const stats[] = {"windows", window_names[window].name, NULL};

	if (!board->is_live)
		return -ENOENT;
	out->agent = json_from_msgpack_at(board->bytes, board->length, agent, DOCUMENT_DEPTH_MAX);
	out->alerts = json_from_msgpack_at(board->bytes, board->length, alerts, DOCUMENT_DEPTH_MAX);
	out->document =
	    json_from_msgpack_at(board->bytes, board->length, stats, DOCUMENT_DEPTH_MAX);
	if (json_is_object(out->agent) && json_is_object(out->document))
		return 0;
	statistics_free(out);
	return -EBADMSG;
}

static int read_board(const char *bus, enum statistics_window window, struct statistics *out)
{
	struct board_snapshot board;
	int err = board_read(bus, &board);

	*out = (struct statistics){0};
	if (!err)
		err = take_board(&board, window, out);
	free(board.bytes);
	return err;
}

static uint64_t window_start_ns(enum statistics_window window, uint64_t now_ns)
{
	struct wall_time today;
	uint64_t start_ns, end_ns;

	if (window == STAT_START)
		return 0;
	if (window_names[window].seconds > 0)
		return now_ns - window_names[window].seconds * NS_PER_SECOND;
	wall_time_at(false, now_ns, &today);
	(void)wall_day_find(false, today.year, today.month, today.day, &start_ns, &end_ns);
	return start_ns;
}

/* The statistics of the ring, read once. */
struct ring_sum {
	struct orbus_reader *reader;
	struct inflight *inflight;
	struct reaper *reaper;
	struct aggregate *sum;
	uint64_t start_ns, now_ns;
};

/*
 * Counts a sample that belongs to the window. A sample from the future belongs to no window:
 * without an agent it has no time of arrival, and "now" would be another time at each look. It is
 * counted only where everything that the ring holds is shown.
 */
static bool add_sample(struct ring_sum *t, const struct orbus_sample *s)
{
	bool skewed = s->ts > t->now_ns && s->ts - t->now_ns > WINDOWS_SKEW_NS;

	if (s->ts < t->start_ns || (skewed && t->start_ns > 0))
		return true;
	t->sum->skewed += skewed && s->kind != ORBUS_KIND_BEGIN;
	return aggregate_add(t->sum, s);
}

/*
 * Reads what was published until now, so it ends also while producers go on. Where the reader finds
 * nothing for the moment, it waits a little. False: out of memory.
 */
static bool add_samples(struct ring_sum *t)
{
	struct ring_mark *end = ring_mark_take(t->reader);
	struct orbus_sample s;
	bool ok = end;

	for (unsigned n = 1, quiet = 0; ok && quiet < QUIET_MAX; n++) {
		bool found = orbus_reader_next(t->reader, &s) == 1;

		if (found)
			ok = inflight_note(t->inflight, reader_origin(t->reader), &s) &&
			     add_sample(t, &s);
		if ((!found || n % MARK_EVERY == 0) && ring_mark_is_passed(end, t->reader))
			break;
		if (!found && ++quiet < QUIET_MAX)
			(void)orbus_reader_wait(t->reader, QUIET_MS);
	}
	ring_mark_free(end);
	return ok;
}

/* Lanes are looked at before the last of what they hold is read: live/reaper.c says why. */
static bool read_all(struct ring_sum *t)
{
	if (!add_samples(t))
		return false;
	reaper_look(t->reaper, t->reader, t->inflight, UINT64_MAX);
	if (!add_samples(t))
		return false;
	reaper_settle(t->reaper, t->reader, t->inflight, UINT64_MAX, NULL, NULL);
	t->sum->lost = orbus_reader_lost(t->reader);
	t->sum->rejected = orbus_reader_rejected(t->reader);
	return true;
}

/* Adds up what the ring holds of a window, and says in *c what that is of. */
static int sum_ring(const char *bus, enum statistics_window window, struct aggregate *sum,
    struct document_context *c)
{
	uint64_t now_ns = clock_realtime_ns();
	struct ring_sum t = {.inflight = inflight_new(),
	    .reaper = reaper_new(false),
	    .sum = sum,
	    .start_ns = window_start_ns(window, now_ns),
	    .now_ns = now_ns};
	int err = t.inflight && t.reaper ? orbus_reader_open(bus, &t.reader) : -ENOMEM;

	*c = (struct document_context){.period_kind = window_names[window].name,
	    .start_ns = t.start_ns,
	    .end_ns = now_ns,
	    .saved_at_ns = now_ns};
	if (!err && !read_all(&t))
		err = -ENOMEM;
	if (!err)
		c->in_flight = inflight_count(t.inflight);
	inflight_free(t.inflight);
	reaper_free(t.reaper);
	orbus_reader_close(t.reader);
	return err;
}

/* --- As a snapshot ---------------------------------------------------------------------------- */

static int snapshot_of_board(const char *bus, enum statistics_window window, struct snapshot **out)
{
	struct board_snapshot board;
	int err = board_read(bus, &board);

	if (!err && !board.is_live)
		err = -ENOENT;
	if (!err)
		err =
		    snapshot_from_board(board.bytes, board.length, window_names[window].name, out);
	free(board.bytes);
	return err;
}

static int snapshot_of_ring(const char *bus, enum statistics_window window, struct snapshot **out)
{
	struct document_context c;
	struct aggregate sum;
	int err;

	aggregate_init(&sum);
	err = sum_ring(bus, window, &sum, &c);
	if (!err)
		err = snapshot_from_aggregate(&sum, c.in_flight, out);
	aggregate_free(&sum);
	return err;
}

int statistics_snapshot(
    const char *bus, enum statistics_window window, struct snapshot **out, int *board_error)
{
	int err;

	*out = NULL;
	err = snapshot_of_board(bus, window, out);
	*board_error = err;
	return err ? snapshot_of_ring(bus, window, out) : 0;
}

/* --- As documents ----------------------------------------------------------------------------- */

static json_t *document_of_ring(const char *bus, enum statistics_window window, int *error)
{
	struct document_context c;
	struct aggregate sum;
	json_t *document = NULL;

	aggregate_init(&sum);
	*error = sum_ring(bus, window, &sum, &c);
	if (!*error) {
		document = document_from_aggregate(&sum, &c);
		*error = document ? 0 : -ENOMEM;
	}
	aggregate_free(&sum);
	return document;
}

void statistics_read(const char *bus, enum statistics_window window, struct statistics *out)
{
	int err = read_board(bus, window, out);

	if (!err)
		return;
	out->board_error = err;
	out->document = document_of_ring(bus, window, &out->error);
}

void statistics_free(struct statistics *s)
{
	json_decref(s->document);
	json_decref(s->agent);
	json_decref(s->alerts);
	s->document = s->agent = s->alerts = NULL;
}

json_t *statistics_to_json(const struct statistics *s)
{
	json_t *all = json_copy(s->document);
	int err = json_object_set_new(all, "source", json_string(s->agent ? "agent" : "ring"));

	if (!err)
		err = s->agent ? json_object_set(all, "agent", s->agent)
		               : json_object_set_new(all, "agent", json_null());
	if (!err)
		err = s->alerts ? json_object_set(all, "alerts", s->alerts)
		                : json_object_set_new(all, "alerts", json_null());
	if (!err)
		return all;
	json_decref(all);
	return NULL;
}
