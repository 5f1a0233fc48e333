/*
 * statistics.c: the statistics of a window, from the agent's board, or else from the ring itself.
 */
#include "statistics.h"
#include "board.h"
#include "clock.h"
#include "document.h"
#include "inflight.h"
#include "json_msgpack.h"
#include "reader.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define BOARD_DEPTH 16

const char *const statistics_window_names[STAT_WINDOWS] = {"1m", "5m", "1h", "day", "start"};

bool statistics_window_from_name(const char *name, enum statistics_window *out)
{
	for (int i = 0; i < STAT_WINDOWS; i++)
		if (strcmp(name, statistics_window_names[i]) == 0) {
			*out = (enum statistics_window)i;
			return true;
		}
	return false;
}

/* The board is another process's: only a document of the expected form is taken from it. */
static int read_board(
    const struct board_snapshot *board, enum statistics_window window, struct statistics *out)
{
	const char *const agent[] = {"agent", NULL};
	const char *const alerts[] = {"alerts", NULL};
	const char *const figures[] = {"windows", statistics_window_names[window], NULL};

	*out = (struct statistics){0};
	if (!board->is_live)
		return -ENOENT;
	out->agent = json_from_msgpack_at(board->bytes, board->length, agent, BOARD_DEPTH);
	out->alerts = json_from_msgpack_at(board->bytes, board->length, alerts, BOARD_DEPTH);
	out->document = json_from_msgpack_at(board->bytes, board->length, figures, BOARD_DEPTH);
	if (json_is_object(out->agent) && json_is_object(out->document))
		return 0;
	statistics_free(out);
	return -EBADMSG;
}

static uint64_t window_start_ns(enum statistics_window window, uint64_t now_ns)
{
	static const uint64_t seconds[] = {[STAT_1M] = 60, [STAT_5M] = 300, [STAT_1H] = 3600};
	time_t now = (time_t)(now_ns / NS_PER_SECOND);
	struct tm tm = {0};

	if (window == STAT_START)
		return 0;
	if (window != STAT_DAY)
		return now_ns - seconds[window] * NS_PER_SECOND;
	localtime_r(&now, &tm);
	tm.tm_hour = tm.tm_min = tm.tm_sec = 0;
	tm.tm_isdst = -1;
	return (uint64_t)mktime(&tm) * NS_PER_SECOND;
}

static bool add_samples(
    struct orbus_reader *r, uint64_t start_ns, struct aggregate *sum, struct inflight *inflight)
{
	struct orbus_sample s;

	while (reader_next_there(r, &s) == 1) {
		if (!inflight_note(inflight, reader_origin(r), &s))
			return false;
		if (s.ts >= start_ns && !aggregate_add(sum, &s))
			return false;
	}
	sum->lost = orbus_reader_lost(r);
	sum->rejected = orbus_reader_rejected(r);
	return true;
}

void statistics_drop_dead(struct orbus_reader *r, struct inflight *inflight)
{
	for (uint32_t i = 0; i < reader_lane_count(r); i++)
		if (inflight_in_lane(inflight, i))
			inflight_reap(inflight, i,
			    reader_lane_epoch(r, i) + (reader_lane_is_owned(r, i) == 0), NULL,
			    NULL);
}

static int read_ring(const char *bus, enum statistics_window window, struct statistics *out)
{
	uint64_t now_ns = clock_realtime_ns();
	struct document_context c = {.period_kind = statistics_window_names[window],
	    .start_ns = window_start_ns(window, now_ns),
	    .end_ns = now_ns,
	    .saved_at_ns = now_ns};
	struct aggregate sum;
	struct inflight *inflight = inflight_new();
	struct orbus_reader *r = NULL;
	int err = inflight ? orbus_reader_open(bus, &r) : -ENOMEM;

	*out = (struct statistics){0};
	aggregate_init(&sum);
	if (!err && !add_samples(r, c.start_ns, &sum, inflight))
		err = -ENOMEM;
	if (!err) {
		statistics_drop_dead(r, inflight);
		c.in_flight = inflight_count(inflight);
		out->document = document_from_aggregate(&sum, &c);
		err = out->document ? 0 : -ENOMEM;
	}
	aggregate_free(&sum);
	inflight_free(inflight);
	orbus_reader_close(r);
	return err;
}

void statistics_read(const char *bus, enum statistics_window window, struct statistics *out)
{
	struct board_snapshot board;
	int board_error, err = board_read(bus, &board);

	if (!err)
		err = read_board(&board, window, out);
	free(board.bytes);
	if (!err)
		return;
	board_error = err;
	err = read_ring(bus, window, out);
	out->error = err;
	out->board_error = board_error;
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
