/*
 * board_writer.c: the board, as the agent keeps it.
 *
 * A small board is written at once. A large one takes tens of milliseconds, during which the ring
 * would wait: the loop copies what each window holds, one a turn, and a worker writes the documents
 * from these copies, which belong to it until it has done (worker.h).
 */
#include "board_writer.h"
#include "agent/common/worker.h"
#include "base/clock.h"
#include "base/text_safe.h"
#include "board/board.h"
#include "live/bus_error.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Ten times a second, or as much less often, down to twice, as keeps it to 1/1000 of a core. */
#define REFRESH_NS     (NS_PER_SECOND / 10)
#define REFRESH_MAX_NS (NS_PER_SECOND / 2)
#define REFRESH_SHARE  1000
/* A board of more names is large. */
#define AT_ONCE_NAMES 64

/* In the order of the board. */
enum shown { SHOWN_1M, SHOWN_5M, SHOWN_1H, SHOWN_DAY, SHOWN_START, SHOWN_COUNT };

struct copy {
	const char *name;
	struct aggregate sum;
	struct document_context context;
	struct trends trends;
};

struct board_writer {
	struct board_sources from;
	struct aggregator *aggregator;
	struct log *log;
	struct board *board; /* NULL: none can be made */
	int board_error;     /* for which, as logged last; 0: none */
	struct log_once publish_error;
	uint64_t changes; /* the aggregator's at the last refresh */
	uint64_t next_ns; /* CLOCK_MONOTONIC: not before */
	bool is_due;      /* the windows are being brought up to now */
	/* A large one. */
	struct worker *worker;
	bool running;
	unsigned copied; /* windows; when it has all, it is the worker's */
	struct copy copies[SHOWN_COUNT];
	struct aggregate lifetime;
	struct bot_known *bots; /* likewise as of then */
	uint32_t bot_count;
	struct msgpack_writer m; /* the document, of which `agent` and `alerts` are written */
	char *bytes;
	size_t length;
};

/* --- The object ------------------------------------------------------------------------------- */

/* The board gets the permissions that the ring has now: who may read one may read the other. */
static int create_board(const struct board_writer *b, struct board **out)
{
	struct stat ring;
	int err;

	if (lstat(b->from.paths->ring, &ring) < 0)
		return -errno;
	err = board_create(b->from.config->bus, ring.st_mode & 0666,
	    ring.st_gid == getegid() ? NULL : &ring.st_gid, out);
	/* A group that is not one of ours, of a bus of somebody else's: then for the others. */
	if (err == -EPERM && ring.st_gid != getegid())
		err = board_create(b->from.config->bus, ring.st_mode & 0606, NULL, out);
	return err;
}

/*
 * Makes the board, or makes it again. Without one the agent serves all the same: samples are
 * counted and stored, and orstat shows what the ring holds.
 */
void board_writer_make_board(struct board_writer *b)
{
	struct board *board = NULL;
	char why[1024];
	int err = create_board(b, &board);

	if (!err) {
		if (b->board_error)
			log_info(b->log, "bus '%s' has a board", b->from.paths->name);
		board_close(b->board);
		b->board = board;
		b->changes = UINT64_MAX;
		b->board_error = 0;
		return;
	}
	if (err == b->board_error)
		return;
	b->board_error = err;
	if (!bus_stranger_describe(b->from.paths, b->from.paths->board, why, sizeof(why)))
		snprintf(why, sizeof(why), "%s", orbus_strerror(err));
	log_warning(b->log,
	    "bus '%s' has no board, tools show what the ring holds; trying again each second: %s",
	    b->from.paths->name, why);
}

bool board_writer_is_gone(const struct board_writer *b)
{
	return board_is_gone(b->board);
}

void board_writer_beat(struct board_writer *b)
{
	board_beat(b->board);
}

void board_writer_set_drained(struct board_writer *b, uint64_t boottime_ns)
{
	board_set_drained(b->board, boottime_ns);
}

void board_writer_touch(struct board_writer *b)
{
	b->changes = UINT64_MAX;
}

/* --- The document -----------------------------------------------------------------------------
 */

static void put_window(
    struct writer *w, struct board_writer *b, enum window window, uint64_t now_ns)
{
	struct document_context c;
	struct trends trends;
	const struct aggregate *sum =
	    document_context_of_window(&b->from.documents, window, now_ns, &c, &trends);

	w->failed |= !sum;
	if (sum)
		document_write(w, document_window_name(window), sum, &c);
}

static void put_day(struct writer *w, struct board_writer *b, uint64_t now_ns)
{
	struct period *day = periods_at(&b->aggregator->periods, PERIOD_DAILY, now_ns);
	struct document_context c = document_context_now(&b->from.documents, now_ns);
	struct trends trends;

	w->failed |= !day;
	if (!day)
		return;
	aggregator_trends(b->aggregator, day, now_ns, &trends);
	c.period_kind = "day";
	c.start_ns = day->span.start_ns;
	c.end_ns = day->span.end_ns;
	c.trends = &trends;
	document_write(w, "day", &day->sum, &c);
}

static void put_agent(struct writer *w, const struct board_writer *b, uint64_t now_ns)
{
	const struct inflight_forgotten *forgotten = inflight_forgotten(b->aggregator->inflight);
	char started[RFC3339_BYTES], folder[PATH_MAX];
	uint64_t uptime = run_time_uptime_seconds(b->from.documents.run_time);

	clock_format_rfc3339_local(now_ns - uptime * NS_PER_SECOND, b->from.config->utc, started);
	writer_object(w, "agent");
	writer_integer(w, "pid", getpid());
	writer_text(w, "started_at", started);
	writer_count(w, "uptime_seconds", uptime);
	writer_text(w, "version", orbus_version());
	writer_text(w, "io", *b->from.store ? store_kind(*b->from.store) : "none");
	writer_text(w, "bus", b->from.paths->name);
	/* A home need not be named in UTF-8. */
	(void)text_sanitise(folder, sizeof(folder), b->from.folder->path);
	writer_text(w, "data_dir", folder);
	writer_figure(
	    w, "longest_pause_ms", (double)b->from.documents.run_time->longest_pause_ns / 1e6);
	writer_count(w, "updated_ns", now_ns);
	if (b->aggregator->last_request_ns)
		writer_count(w, "last_request_ns", b->aggregator->last_request_ns);
	else
		writer_null(w, "last_request_ns");
	writer_count(
	    w, "in_flight_forgotten", forgotten->limit + forgotten->expired + forgotten->lost);
	writer_end(w);
}

static void put_board(struct writer *w, struct board_writer *b, uint64_t now_ns)
{
	struct document_context context;

	writer_object(w, NULL);
	put_agent(w, b, now_ns);
	alerts_write(b->from.alerts, "alerts", w);
	writer_object(w, "windows");
	put_window(w, b, WINDOW_1M, now_ns);
	put_window(w, b, WINDOW_5M, now_ns);
	put_window(w, b, WINDOW_1H, now_ns);
	put_day(w, b, now_ns);
	put_window(w, b, WINDOW_START, now_ns);
	writer_end(w);
	context = document_context_now(&b->from.documents, now_ns);
	document_write_lifetime(w, "lifetime", &context);
	writer_end(w);
}

static uint64_t pause_after(uint64_t took_ns)
{
	uint64_t pause_ns = took_ns * REFRESH_SHARE;

	if (pause_ns < REFRESH_NS)
		return REFRESH_NS;
	return pause_ns < REFRESH_MAX_NS ? pause_ns : REFRESH_MAX_NS;
}

/* Shows the document, NULL: there was no memory for it. */
static void publish(struct board_writer *b, char *bytes, size_t length)
{
	int err;

	if (!b->board) { /* it went while this was written */
		free(bytes);
		return;
	}
	err = bytes ? board_publish(b->board, bytes, length) : -ENOMEM;
	free(bytes);
	log_once(b->log, &b->publish_error, "the board", "write", err);
}

static void refresh_at_once(struct board_writer *b, uint64_t now_ns)
{
	struct msgpack_writer m;
	size_t length;
	char *bytes;

	msgpack_writer_init(&m);
	put_board(&m.writer, b, now_ns);
	bytes = msgpack_writer_take(&m, &length);
	publish(b, bytes, length);
}

/* --- A large board -------------------------------------------------------------------------------
 */

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
	document_write_lifetime(w, "lifetime", &b->copies[0].context);
	writer_end(w);
	aggregate_free(&b->lifetime);
	free(b->bots);
	b->bots = NULL;
	b->bytes = msgpack_writer_take(&b->m, &b->length);
}

static bool copy_day(struct board_writer *b, struct copy *c, uint64_t now_ns)
{
	struct period *day = periods_at(&b->aggregator->periods, PERIOD_DAILY, now_ns);

	if (!day)
		return false;
	aggregator_trends(b->aggregator, day, now_ns, &c->trends);
	c->name = c->context.period_kind = "day";
	c->context.start_ns = day->span.start_ns;
	c->context.end_ns = day->span.end_ns;
	return aggregate_merge(&c->sum, &day->sum) &&
	       (!day->news || aggregate_merge(&c->sum, day->news));
}

static bool copy_window(struct board_writer *b, struct copy *c, enum window window, uint64_t now_ns)
{
	(void)trend_hours_get(&b->aggregator->hours,
	    calendar_wall_hour(&b->aggregator->periods.calendar, now_ns), &c->trends);
	c->name = c->context.period_kind = document_window_name(window);
	return windows_copy(b->aggregator->windows, window, now_ns, &c->sum, &c->context.start_ns);
}

/* What one of the windows holds now. */
static void copy_next(struct board_writer *b, uint64_t now_ns)
{
	static const enum window windows[SHOWN_COUNT] = {
	    [SHOWN_1M] = WINDOW_1M,
	    [SHOWN_5M] = WINDOW_5M,
	    [SHOWN_1H] = WINDOW_1H,
	    [SHOWN_START] = WINDOW_START,
	};
	struct copy *c = &b->copies[b->copied];
	bool ok;

	memset(c, 0, sizeof(*c));
	aggregate_init(&c->sum);
	c->context = document_context_now(&b->from.documents, now_ns);
	c->context.trends = &c->trends;
	c->context.lifetime = &b->lifetime;
	c->context.bots = b->bots;
	c->context.bot_count = b->bot_count;
	ok = b->copied == SHOWN_DAY ? copy_day(b, c, now_ns)
	                            : copy_window(b, c, windows[b->copied], now_ns);
	b->m.writer.failed |= !ok;
	if (++b->copied == SHOWN_COUNT && worker_start(b->worker, write_windows, b) < 0)
		write_windows(b);
}

static void begin(struct board_writer *b, uint64_t now_ns)
{
	struct writer *w = &b->m.writer;

	b->running = true;
	b->copied = 0;
	aggregate_init(&b->lifetime);
	msgpack_writer_init(&b->m);
	b->bots = bots_copy(b->aggregator->bots, &b->bot_count);
	w->failed |= !b->bots || !aggregate_merge_totals(&b->lifetime, &b->aggregator->lifetime);
	writer_object(w, NULL);
	put_agent(w, b, now_ns);
	alerts_write(b->from.alerts, "alerts", w);
}

bool board_writer_has_more(const struct board_writer *b)
{
	return b->is_due || (b->running && (b->copied < SHOWN_COUNT || !worker_is_busy(b->worker)));
}

bool board_writer_is_at_work(const struct board_writer *b)
{
	return b->running;
}

static void go_on(struct board_writer *b, uint64_t now_ns)
{
	if (b->copied < SHOWN_COUNT) {
		copy_next(b, now_ns);
		return;
	}
	b->running = false;
	publish(b, b->bytes, b->length);
	b->bytes = NULL;
	b->next_ns = clock_monotonic_ns() + REFRESH_MAX_NS;
}

static bool is_large(struct board_writer *b, uint64_t now_ns)
{
	uint64_t start_ns;
	const struct aggregate *all =
	    windows_get(b->aggregator->windows, WINDOW_START, now_ns, &start_ns);

	return aggregate_names(all) > AT_ONCE_NAMES;
}

int board_writer_open(
    const struct board_sources *sources, struct log *log, struct board_writer **out)
{
	struct board_writer *b = *out = calloc(1, sizeof(*b));

	if (!b)
		return -ENOMEM;
	b->from = *sources;
	b->aggregator = sources->documents.aggregator;
	b->log = log;
	b->changes = UINT64_MAX;
	b->worker = worker_new();
	if (!b->worker)
		return -ENOMEM;
	board_writer_make_board(b);
	return 0;
}

void board_writer_close(struct board_writer *b)
{
	if (!b)
		return;
	worker_free(b->worker);
	if (b->running && b->copied < SHOWN_COUNT) {
		/* Begun, and not given to the worker. */
		for (unsigned i = 0; i < b->copied; i++)
			aggregate_free(&b->copies[i].sum);
		aggregate_free(&b->lifetime);
		free(b->bots);
		free(b->m.packed.bytes);
	}
	free(b->bytes);
	board_close(b->board);
	free(b);
}

bool board_writer_refresh(struct board_writer *b, uint64_t now_ns)
{
	uint64_t monotonic_ns = clock_monotonic_ns();

	if (board_writer_is_at_work(b)) {
		if (!board_writer_has_more(b))
			return false;
		go_on(b, now_ns);
		return true;
	}
	if (!b->board || monotonic_ns < b->next_ns ||
	    (!b->is_due && b->changes == b->aggregator->changes &&
		!windows_have_moved(b->aggregator->windows, now_ns)))
		return false;
	/* What is to be shown is taken once, and added to one window a turn where it is large. */
	if (!b->is_due)
		aggregator_fold(b->aggregator, now_ns);
	b->is_due = true;
	if (aggregator_show(b->aggregator, now_ns))
		return true;
	b->is_due = false;
	b->changes = b->aggregator->changes;
	if (is_large(b, now_ns)) {
		begin(b, now_ns);
	} else {
		refresh_at_once(b, now_ns);
		b->next_ns = monotonic_ns + pause_after(clock_monotonic_ns() - monotonic_ns);
	}
	return true;
}
