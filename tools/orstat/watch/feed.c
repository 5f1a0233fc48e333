/*
 * feed.c: what only the ring tells.
 */
#include "feed.h"
#include "base/clock.h"
#include "common/print.h"
#include "live/inflight.h"
#include "live/reaper.h"
#include "ring/reader.h"
#include "ring/shm_object.h"
#include "stats/windows.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct feed {
	struct orbus_reader *reader;
	struct inflight *inflight;
	struct reaper *reaper;
	struct history *history;
	struct bus_paths paths;
	uint8_t bus_id[16];
	struct seen_request last;
	struct failures failures;
	uint64_t lost_at_start;
	uint64_t gone_ns, remade_ns;
	bool is_past; /* what is read now was published before the screen was opened */
};

static void keep(char *out, size_t bytes, const char *text)
{
	text_sanitise(out, bytes, text ? text : "");
}

static void see(struct seen_request *r, const struct orbus_sample *s)
{
	r->ts = s->ts;
	r->status = s->status;
	r->response_ms = s->response_ms;
	r->ttft_ms = s->ttft_ms;
	r->tps = orbus_sample_tps(s);
	keep(r->bot, sizeof(r->bot), s->bot);
	keep(r->model, sizeof(r->model), s->model ? s->model : s->requested_model);
	keep(r->provider, sizeof(r->provider), s->provider);
	keep(r->error_type, sizeof(r->error_type), s->error_type);
	keep(r->error_message, sizeof(r->error_message), s->error_message);
}

/* Lanes are read one after the other: what comes later need not be newer. */
void failures_add(struct failures *f, const struct seen_request *r)
{
	size_t at = 0;

	while (at < f->count && f->items[at].ts > r->ts)
		at++;
	if (at == FAILURES_MAX)
		return;
	if (f->count < FAILURES_MAX)
		f->count++;
	memmove(&f->items[at + 1], &f->items[at], (f->count - at - 1) * sizeof(*r));
	f->items[at] = *r;
}

/*
 * A sample from the future counts as of now only if it comes now: of older ones the arrival is
 * unknown.
 */
static bool has_time(const struct feed *f, const struct orbus_sample *s, uint64_t now_ns)
{
	return !f->is_past || s->ts <= now_ns || s->ts - now_ns <= WINDOWS_SKEW_NS;
}

static int take(struct feed *f, const struct orbus_sample *s, uint64_t now_ns)
{
	struct seen_request failed;

	if (!inflight_note(f->inflight, reader_origin(f->reader), s) ||
	    (has_time(f, s, now_ns) && !history_add(f->history, s, now_ns)))
		return -ENOMEM;
	if (s->kind != ORBUS_KIND_REQUEST)
		return 0;
	if (s->ts >= f->last.ts)
		see(&f->last, s);
	if (s->status == ORBUS_STATUS_ERROR || s->status == ORBUS_STATUS_TIMEOUT) {
		see(&failed, s);
		failures_add(&f->failures, &failed);
	}
	return 0;
}

/* The reader has moved to the bus that has the name now; nothing of it was noted yet. */
static void follow_bus(struct feed *f)
{
	if (memcmp(f->bus_id, reader_bus_id(f->reader), sizeof(f->bus_id)) == 0)
		return;
	memcpy(f->bus_id, reader_bus_id(f->reader), sizeof(f->bus_id));
	inflight_clear(f->inflight);
	f->remade_ns = clock_realtime_ns();
}

/* In one turn, so that keys get theirs. The clock costs a quarter of a sample. */
#define DRAIN_NS      (NS_PER_SECOND / 20)
#define DRAIN_SAMPLES 256
/* Time for finding dead processes, in one turn, and at the start before the first screen. */
#define LOOK_NS  (NS_PER_SECOND / 500)
#define START_NS (2 * NS_PER_SECOND)

int feed_drain(struct feed *f)
{
	uint64_t now_ns = clock_realtime_ns(), until_ns = clock_monotonic_ns() + DRAIN_NS;
	struct orbus_sample s;
	unsigned taken = 0;
	bool more = false;
	int err = 0;

	follow_bus(f);
	while (!err && !more && orbus_reader_next(f->reader, &s) == 1) {
		err = take(f, &s, now_ns);
		more = ++taken % DRAIN_SAMPLES == 0 && clock_monotonic_ns() >= until_ns;
	}
	reaper_note_losses(f->reaper, f->reader, f->inflight, NULL, NULL);
	reaper_look(f->reaper, f->reader, f->inflight, LOOK_NS);
	reaper_settle(f->reaper, f->reader, f->inflight, LOOK_NS, NULL, NULL);
	return err ? err : more;
}

void feed_look_after(struct feed *f)
{
	uint64_t now_ns = clock_realtime_ns();

	if (object_inode(f->paths.ring) != 0)
		f->gone_ns = 0;
	else if (f->gone_ns == 0)
		f->gone_ns = now_ns;
	follow_bus(f);
}

/* Reads what the ring holds, and looks at all lanes, for a second or two at most. */
static int read_all(struct feed *f)
{
	uint64_t until_ns = clock_monotonic_ns() + START_NS;
	int more;

	f->is_past = true;
	do
		more = feed_drain(f);
	while (more == 1 && clock_monotonic_ns() < until_ns);
	f->is_past = false;
	if (more < 0)
		return more;
	reaper_look(f->reaper, f->reader, f->inflight, UINT64_MAX);
	more = feed_drain(f);
	return more < 0 ? more : 0;
}

int feed_open(const char *bus, uint64_t interval_ns, struct feed **out)
{
	struct feed *f = calloc(1, sizeof(*f));
	int err;

	if (!f)
		return -ENOMEM;
	f->inflight = inflight_new();
	f->reaper = reaper_new(true);
	f->history = history_new(interval_ns);
	err = f->inflight && f->reaper && f->history ? bus_paths_resolve(bus, &f->paths) : -ENOMEM;
	if (!err)
		err = orbus_reader_open(bus, &f->reader);
	if (!err) {
		memcpy(f->bus_id, reader_bus_id(f->reader), sizeof(f->bus_id));
		err = read_all(f);
	}
	if (err) {
		feed_close(f);
		return err;
	}
	f->lost_at_start = orbus_reader_lost(f->reader);
	feed_look_after(f);
	*out = f;
	return 0;
}

void feed_close(struct feed *f)
{
	if (!f)
		return;
	orbus_reader_close(f->reader);
	inflight_free(f->inflight);
	reaper_free(f->reaper);
	history_free(f->history);
	free(f);
}

void feed_history(
    const struct feed *f, uint64_t now_ns, struct history_point out[HISTORY_INTERVALS])
{
	history_get(f->history, now_ns, out);
}

const struct seen_request *feed_last(const struct feed *f)
{
	return &f->last;
}

const struct failures *feed_failures(const struct feed *f)
{
	return &f->failures;
}

struct flight_list {
	struct flight *flights;
	size_t count;
};

static void add_flight(
    void *context, const struct sample_origin *origin, const struct orbus_sample *begin)
{
	struct flight_list *list = context;
	struct flight *to = &list->flights[list->count++];

	(void)origin;
	to->ts = begin->ts;
	to->stream = begin->stream;
	keep(to->bot, sizeof(to->bot), begin->bot);
	keep(to->model, sizeof(to->model), begin->requested_model);
	keep(to->provider, sizeof(to->provider), begin->provider);
}

static int by_age(const void *a, const void *b)
{
	const struct flight *x = a, *y = b;

	return (x->ts > y->ts) - (x->ts < y->ts);
}

int feed_flights(const struct feed *f, struct flight **out, size_t *count)
{
	struct flight_list list = {0};

	list.flights = calloc((size_t)inflight_count(f->inflight) + 1, sizeof(*list.flights));
	if (!list.flights)
		return -ENOMEM;
	inflight_each(f->inflight, add_flight, &list);
	qsort(list.flights, list.count, sizeof(*list.flights), by_age);
	*out = list.flights;
	*count = list.count;
	return 0;
}

int feed_connected(const struct feed *f)
{
	return reaper_owned_lanes(f->reaper);
}

uint64_t feed_gone_ns(const struct feed *f)
{
	return f->gone_ns;
}

uint64_t feed_remade_ns(const struct feed *f)
{
	return f->remade_ns;
}

uint64_t feed_missed(const struct feed *f)
{
	return orbus_reader_lost(f->reader) - f->lost_at_start;
}
