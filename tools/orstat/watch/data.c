/*
 * data.c: all that the screen shows, as of one instant, and where it comes from.
 */
#include "data.h"
#include "base/clock.h"
#include "common/print.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/*
 * After a read that took 1 ms, statistics are not read again for so many ms. Drawing and releasing
 * them takes half as long again, so all of it is a hundredth of the time.
 */
#define READING_SHARE 150

#define STALLED_MS    30000.0
#define P99_COUNT_MIN 20

struct watch_source {
	const struct orstat_settings *settings;
	struct feed *feed;
	struct snapshot *snapshot;   /* NULL: there was none yet, or --json wants documents */
	struct statistics documents; /* of --json */
	uint64_t stats_ns;
	uint64_t read_next_ns; /* CLOCK_MONOTONIC */
	struct health health;
};

void watch_data_free(struct watch_data *d)
{
	snapshot_unref(d->snapshot);
	free(d->flights);
	d->snapshot = NULL;
	d->flights = NULL;
}

const struct snapshot *watch_stats(const struct watch_data *d)
{
	return d->snapshot ? d->snapshot : &snapshot_empty;
}

/* --- Requests in flight ----------------------------------------------------------------------- */

enum pace flight_pace(const struct watch_data *d, const struct flight *f, double *p99_ms)
{
	const struct stats_row *model =
	    stats_rows_find(&watch_stats(d)->by[DIMENSION_MODEL], f->model);
	const struct summary *times = model ? &model->of[SUMMARY_RESPONSE] : NULL;
	double age_ms = d->now_ns > f->ts ? (double)(d->now_ns - f->ts) / 1e6 : 0;

	*p99_ms = times && times->count >= P99_COUNT_MIN ? times->p99 : NAN;
	if (!isnan(*p99_ms) && age_ms <= *p99_ms)
		return PACE_USUAL;
	if (age_ms > STALLED_MS)
		return PACE_STALLED;
	return isnan(*p99_ms) ? PACE_USUAL : PACE_SLOW;
}

size_t stalled_count(const struct watch_data *d)
{
	size_t n = 0;
	double p99_ms;

	for (size_t i = 0; i < d->flight_count; i++)
		n += flight_pace(d, &d->flights[i], &p99_ms) == PACE_STALLED;
	return n;
}

/* --- Failures --------------------------------------------------------------------------------- */

static bool is_known(const struct failures *f, uint64_t ts)
{
	for (size_t i = 0; i < f->count; i++)
		if (f->items[i].ts == ts)
			return true;
	return false;
}

/* The board remembers what the ring no longer holds, and which requests died with their process. */
static void add_failures_of_the_board(const struct snapshot *s, struct failures *f)
{
	for (uint32_t i = 0; i < s->recent_count; i++) {
		const struct snapshot_error *e = &s->recent[i];
		struct seen_request r = {.ts = e->ts, .status = ORBUS_STATUS_ERROR};

		if (e->ts == 0 || is_known(f, e->ts))
			continue;
		text_sanitise(r.error_type, sizeof(r.error_type), e->type);
		text_sanitise(r.error_message, sizeof(r.error_message), e->message);
		failures_add(f, &r);
	}
}

/* --- Where it comes from ---------------------------------------------------------------------- */

int watch_source_open(const struct orstat_settings *settings, struct watch_source **out)
{
	struct watch_source *w = calloc(1, sizeof(*w));
	int err;

	if (!w)
		return -ENOMEM;
	w->settings = settings;
	err = feed_open(settings->bus, settings->watch_ns, &w->feed);
	if (err) {
		free(w);
		return err;
	}
	(void)watch_source_look(w, true);
	*out = w;
	return 0;
}

void watch_source_close(struct watch_source *w)
{
	feed_close(w->feed);
	snapshot_unref(w->snapshot);
	statistics_free(&w->documents);
	free(w);
}

int watch_source_drain(struct watch_source *w)
{
	return feed_drain(w->feed);
}

static void read_snapshot(struct watch_source *w)
{
	enum statistics_window window = (enum statistics_window)w->settings->window;
	struct snapshot *fresh;
	int board_error;

	if (statistics_snapshot(w->settings->bus, window, &fresh, &board_error) != 0)
		return;
	snapshot_unref(w->snapshot);
	w->snapshot = fresh;
	w->stats_ns = clock_realtime_ns();
	if (fresh->agent.present)
		health_note_uptime(&w->health, fresh->agent.uptime_seconds, w->stats_ns);
}

static void read_documents(struct watch_source *w)
{
	enum statistics_window window = (enum statistics_window)w->settings->window;
	struct statistics fresh;

	statistics_read(w->settings->bus, window, &fresh);
	if (fresh.error)
		return;
	statistics_free(&w->documents);
	w->documents = fresh;
}

/* If reading fails, the old statistics stay, with their time. */
static void read_stats(struct watch_source *w)
{
	uint64_t before_ns = now_ns_of(CLOCK_THREAD_CPUTIME_ID);

	if (w->settings->json)
		read_documents(w);
	else
		read_snapshot(w);
	w->read_next_ns =
	    clock_monotonic_ns() + (now_ns_of(CLOCK_THREAD_CPUTIME_ID) - before_ns) * READING_SHARE;
}

bool watch_source_look(struct watch_source *w, bool at_once)
{
	uint64_t gone_ns = feed_gone_ns(w->feed), remade_ns = feed_remade_ns(w->feed);
	struct board_snapshot board;
	int err = board_peek(w->settings->bus, &board);
	bool changed = health_note(&w->health, err, &board, clock_realtime_ns());

	feed_look_after(w->feed);
	changed |= gone_ns != feed_gone_ns(w->feed) || remade_ns != feed_remade_ns(w->feed);
	if (at_once || changed || clock_monotonic_ns() >= w->read_next_ns)
		read_stats(w);
	return changed;
}

int watch_source_take(const struct watch_source *w, struct watch_data *out)
{
	struct flight *flights;
	size_t count;
	int err = feed_flights(w->feed, &flights, &count);

	if (err)
		return err;
	watch_data_free(out);
	*out = (struct watch_data){
	    .now_ns = clock_realtime_ns(),
	    .snapshot = w->snapshot ? snapshot_ref(w->snapshot) : NULL,
	    .stats_ns = w->stats_ns,
	    .health = w->health,
	    .gone_ns = feed_gone_ns(w->feed),
	    .remade_ns = feed_remade_ns(w->feed),
	    .connected = feed_connected(w->feed),
	    .missed = feed_missed(w->feed),
	    .last = *feed_last(w->feed),
	    .failures = *feed_failures(w->feed),
	    .flights = flights,
	    .flight_count = count,
	};
	feed_history(w->feed, out->now_ns, out->points);
	add_failures_of_the_board(watch_stats(out), &out->failures);
	return 0;
}

const struct statistics *watch_source_documents(const struct watch_source *w)
{
	return &w->documents;
}
