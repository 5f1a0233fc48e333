/*
 * board_writer.c: the documents that the aggregator gives rise to, and the board that shows them.
 *
 * A small board is written at once. A large one takes tens of milliseconds, during which the ring
 * would wait: the loop copies what each window holds, one a turn, and a worker writes the documents
 * from these copies, which belong to it until it has done (worker.h).
 */
#include "agent.h"
#include "agent/alerts/alerts.h"
#include "base/clock.h"
#include "base/text_safe.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Ten times a second, or as much less often, down to twice, as keeps it to 1/1000 of a core. */
#define REFRESH_NS     (NS_PER_SECOND / 10)
#define REFRESH_MAX_NS (NS_PER_SECOND / 2)
#define REFRESH_SHARE  1000
/* A board of more names is large. */
#define AT_ONCE_NAMES 64

static const char *const window_names[] = {
    [WINDOW_1M] = "1m", [WINDOW_5M] = "5m", [WINDOW_1H] = "1h", [WINDOW_START] = "start"};

static struct document_context context_of(const struct agent *a, uint64_t now_ns)
{
	return (struct document_context){
	    .end_ns = now_ns,
	    .utc = a->config->utc,
	    .uptime_seconds = run_time_uptime_seconds(&a->run_time),
	    .saved_at_ns = now_ns,
	    .in_flight = inflight_count(a->aggregator.inflight),
	    .lifetime = &a->aggregator.lifetime,
	    .lifetime_since_ns = a->aggregator.lifetime_since_ns,
	};
}

void board_writer_period_context(void *agent, struct checkpoint_period *s, uint64_t now_ns)
{
	struct agent *a = agent;
	const struct period *p = s->period;
	struct document_context *c = &s->context;

	aggregator_trends(&a->aggregator, p, now_ns, &s->shown);
	*c = context_of(a, now_ns);
	c->period_kind = p->span.kind == PERIOD_DAILY ? "daily" : "hourly";
	c->start_ns = p->span.start_ns;
	c->end_ns = p->span.end_ns;
	c->complete = s->complete;
	c->trends = &s->shown;
	if (c->complete)
		c->in_flight = 0;
}

/* NULL: out of memory. */
static const struct aggregate *window_sum(struct agent *a, enum window window, uint64_t now_ns,
    struct document_context *c, struct trends *trends)
{
	*c = context_of(a, now_ns);
	c->period_kind = window_names[window];
	c->trends = trends;
	/* A clock that was set back may show an hour that is no longer kept. */
	if (!trend_hours_get(&a->aggregator.hours,
		calendar_wall_hour(&a->aggregator.periods.calendar, now_ns), trends))
		memset(trends, 0, sizeof(*trends));
	return windows_get(a->aggregator.windows, window, now_ns, &c->start_ns);
}

char *board_writer_since_start(struct agent *a, uint64_t now_ns, size_t *length)
{
	struct document_context c;
	struct trends trends;
	struct text_writer t;
	const struct aggregate *sum;

	aggregator_fold(&a->aggregator, now_ns);
	while (aggregator_show(&a->aggregator, now_ns))
		;
	sum = window_sum(a, WINDOW_START, now_ns, &c, &trends);
	if (!sum)
		return NULL;
	c.restorable = true;
	text_writer_init(&t);
	document_write(&t.writer, NULL, sum, &c);
	return text_writer_take(&t, length);
}

/* --- The board -----------------------------------------------------------------------------------
 */

static void put_window(struct writer *w, struct agent *a, enum window window, uint64_t now_ns)
{
	struct document_context c;
	struct trends trends;
	const struct aggregate *sum = window_sum(a, window, now_ns, &c, &trends);

	w->failed |= !sum;
	if (sum)
		document_write(w, window_names[window], sum, &c);
}

static void put_day(struct writer *w, struct agent *a, uint64_t now_ns)
{
	struct period *day = periods_at(&a->aggregator.periods, PERIOD_DAILY, now_ns);
	struct document_context c = context_of(a, now_ns);
	struct trends trends;

	w->failed |= !day;
	if (!day)
		return;
	aggregator_trends(&a->aggregator, day, now_ns, &trends);
	c.period_kind = "day";
	c.start_ns = day->span.start_ns;
	c.end_ns = day->span.end_ns;
	c.trends = &trends;
	document_write(w, "day", &day->sum, &c);
}

static void put_agent(struct writer *w, const struct agent *a, uint64_t now_ns)
{
	const struct inflight_forgotten *forgotten = inflight_forgotten(a->aggregator.inflight);
	char started[RFC3339_BYTES], folder[PATH_MAX];
	uint64_t uptime = run_time_uptime_seconds(&a->run_time);

	clock_format_rfc3339_local(now_ns - uptime * NS_PER_SECOND, a->config->utc, started);
	writer_object(w, "agent");
	writer_integer(w, "pid", getpid());
	writer_text(w, "started_at", started);
	writer_count(w, "uptime_seconds", uptime);
	writer_text(w, "version", orbus_version());
	writer_text(w, "io", a->store ? store_kind(a->store) : "none");
	writer_text(w, "bus", a->paths.name);
	/* A home need not be named in UTF-8. */
	(void)text_sanitise(folder, sizeof(folder), a->folder.path);
	writer_text(w, "data_dir", folder);
	writer_figure(w, "longest_pause_ms", (double)a->longest_pause_ns / 1e6);
	writer_count(w, "updated_ns", now_ns);
	if (a->aggregator.last_request_ns)
		writer_count(w, "last_request_ns", a->aggregator.last_request_ns);
	else
		writer_null(w, "last_request_ns");
	writer_count(
	    w, "in_flight_forgotten", forgotten->limit + forgotten->expired + forgotten->lost);
	writer_end(w);
}

static void put_board(struct writer *w, struct agent *a, uint64_t now_ns)
{
	json_t *alerts = alerts_to_json(a);

	writer_object(w, NULL);
	put_agent(w, a, now_ns);
	writer_json(w, "alerts", alerts);
	writer_object(w, "windows");
	put_window(w, a, WINDOW_1M, now_ns);
	put_window(w, a, WINDOW_5M, now_ns);
	put_window(w, a, WINDOW_1H, now_ns);
	put_day(w, a, now_ns);
	put_window(w, a, WINDOW_START, now_ns);
	writer_end(w);
	writer_end(w);
	json_decref(alerts);
}

static uint64_t pause_after(uint64_t took_ns)
{
	uint64_t pause_ns = took_ns * REFRESH_SHARE;

	if (pause_ns < REFRESH_NS)
		return REFRESH_NS;
	return pause_ns < REFRESH_MAX_NS ? pause_ns : REFRESH_MAX_NS;
}

/* Shows the document, NULL: there was no memory for it. */
static void publish(struct agent *a, char *bytes, size_t length)
{
	int err;

	if (!a->board) { /* it went while this was written */
		free(bytes);
		return;
	}
	err = bytes ? board_publish(a->board, bytes, length) : -ENOMEM;
	free(bytes);
	log_once(a->log, &a->board_last_error, "the board", "write", err);
}

static void refresh_at_once(struct agent *a, uint64_t now_ns)
{
	struct msgpack_writer m;
	size_t length;
	char *bytes;

	msgpack_writer_init(&m);
	put_board(&m.writer, a, now_ns);
	bytes = msgpack_writer_take(&m, &length);
	publish(a, bytes, length);
}

/* --- A large board -------------------------------------------------------------------------------
 */

/* In the order of the board. */
enum shown { SHOWN_1M, SHOWN_5M, SHOWN_1H, SHOWN_DAY, SHOWN_START, SHOWN_COUNT };

struct copy {
	const char *name;
	struct aggregate sum;
	struct document_context context;
	struct trends trends;
};

struct board_writer {
	struct worker *worker;
	bool running;
	unsigned copied; /* windows; when it has all, it is the worker's */
	struct copy copies[SHOWN_COUNT];
	struct aggregate lifetime;
	struct msgpack_writer m; /* the document, of which `agent` and `alerts` are written */
	char *bytes;
	size_t length;
};

/* The worker's part. */
static void write_windows(void *board_writer)
{
	struct board_writer *b = board_writer;
	struct writer *w = &b->m.writer;

	writer_object(w, "windows");
	for (int i = 0; i < SHOWN_COUNT; i++) {
		document_write(w, b->copies[i].name, &b->copies[i].sum, &b->copies[i].context);
		aggregate_free(&b->copies[i].sum);
	}
	writer_end(w);
	writer_end(w);
	aggregate_free(&b->lifetime);
	b->bytes = msgpack_writer_take(&b->m, &b->length);
}

static bool copy_day(struct agent *a, struct copy *c, uint64_t now_ns)
{
	struct period *day = periods_at(&a->aggregator.periods, PERIOD_DAILY, now_ns);

	if (!day)
		return false;
	aggregator_trends(&a->aggregator, day, now_ns, &c->trends);
	c->name = c->context.period_kind = "day";
	c->context.start_ns = day->span.start_ns;
	c->context.end_ns = day->span.end_ns;
	return aggregate_merge(&c->sum, &day->sum) &&
	       (!day->news || aggregate_merge(&c->sum, day->news));
}

static bool copy_window(struct agent *a, struct copy *c, enum window window, uint64_t now_ns)
{
	(void)trend_hours_get(&a->aggregator.hours,
	    calendar_wall_hour(&a->aggregator.periods.calendar, now_ns), &c->trends);
	c->name = c->context.period_kind = window_names[window];
	return windows_copy(a->aggregator.windows, window, now_ns, &c->sum, &c->context.start_ns);
}

/* What one of the windows holds now. */
static void copy_next(struct agent *a, uint64_t now_ns)
{
	static const enum window windows[SHOWN_COUNT] = {
	    [SHOWN_1M] = WINDOW_1M,
	    [SHOWN_5M] = WINDOW_5M,
	    [SHOWN_1H] = WINDOW_1H,
	    [SHOWN_START] = WINDOW_START,
	};
	struct board_writer *b = a->board_writer;
	struct copy *c = &b->copies[b->copied];
	bool ok;

	memset(c, 0, sizeof(*c));
	aggregate_init(&c->sum);
	c->context = context_of(a, now_ns);
	c->context.trends = &c->trends;
	c->context.lifetime = &b->lifetime;
	ok = b->copied == SHOWN_DAY ? copy_day(a, c, now_ns)
	                            : copy_window(a, c, windows[b->copied], now_ns);
	b->m.writer.failed |= !ok;
	if (++b->copied == SHOWN_COUNT && worker_start(b->worker, write_windows, b) < 0)
		write_windows(b);
}

static void begin(struct agent *a, uint64_t now_ns)
{
	struct board_writer *b = a->board_writer;
	json_t *alerts = alerts_to_json(a);
	struct writer *w = &b->m.writer;

	b->running = true;
	b->copied = 0;
	aggregate_init(&b->lifetime);
	msgpack_writer_init(&b->m);
	w->failed |= !aggregate_merge_totals(&b->lifetime, &a->aggregator.lifetime);
	writer_object(w, NULL);
	put_agent(w, a, now_ns);
	writer_json(w, "alerts", alerts);
	json_decref(alerts);
}

bool board_writer_has_more(const struct agent *a)
{
	const struct board_writer *b = a->board_writer;

	return b && b->running && (b->copied < SHOWN_COUNT || !worker_is_busy(b->worker));
}

bool board_writer_is_at_work(const struct agent *a)
{
	return a->board_writer && a->board_writer->running;
}

static void go_on(struct agent *a, uint64_t now_ns)
{
	struct board_writer *b = a->board_writer;

	if (b->copied < SHOWN_COUNT) {
		copy_next(a, now_ns);
		return;
	}
	b->running = false;
	publish(a, b->bytes, b->length);
	b->bytes = NULL;
	a->board_next_ns = clock_monotonic_ns() + REFRESH_MAX_NS;
}

static bool is_large(struct agent *a, uint64_t now_ns)
{
	uint64_t start_ns;
	const struct aggregate *all =
	    windows_get(a->aggregator.windows, WINDOW_START, now_ns, &start_ns);

	return all->by_model.count + all->by_bot.count + all->by_provider.count > AT_ONCE_NAMES;
}

/* False: there is no memory for it. */
static bool make_board_writer(struct agent *a)
{
	if (!a->board_writer)
		a->board_writer = calloc(1, sizeof(*a->board_writer));
	if (a->board_writer && !a->board_writer->worker)
		a->board_writer->worker = worker_new();
	return a->board_writer && a->board_writer->worker;
}

void board_writer_close(struct agent *a)
{
	struct board_writer *b = a->board_writer;

	if (!b)
		return;
	worker_free(b->worker);
	if (b->running && b->copied < SHOWN_COUNT) {
		/* Begun, and not given to the worker. */
		for (unsigned i = 0; i < b->copied; i++)
			aggregate_free(&b->copies[i].sum);
		aggregate_free(&b->lifetime);
		free(b->m.packed.bytes);
	}
	free(b->bytes);
	free(b);
	a->board_writer = NULL;
}

bool board_writer_refresh(struct agent *a, uint64_t now_ns)
{
	uint64_t monotonic_ns = clock_monotonic_ns();

	if (board_writer_is_at_work(a)) {
		if (!board_writer_has_more(a))
			return false;
		go_on(a, now_ns);
		return true;
	}
	if (!a->board || monotonic_ns < a->board_next_ns ||
	    (!a->board_is_due && a->board_changes == a->aggregator.changes &&
		!windows_have_moved(a->aggregator.windows, now_ns)))
		return false;
	/* What is to be shown is taken once, and added to one window a turn where it is large. */
	if (!a->board_is_due)
		aggregator_fold(&a->aggregator, now_ns);
	a->board_is_due = true;
	if (aggregator_show(&a->aggregator, now_ns))
		return true;
	a->board_is_due = false;
	a->board_changes = a->aggregator.changes;
	if (is_large(a, now_ns) && make_board_writer(a)) {
		begin(a, now_ns);
	} else {
		refresh_at_once(a, now_ns);
		a->board_next_ns = monotonic_ns + pause_after(clock_monotonic_ns() - monotonic_ns);
	}
	return true;
}
