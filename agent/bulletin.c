/*
 * bulletin.c: the documents that the ledger gives rise to, and the board that shows them.
 */
#include "agent.h"
#include "alerts.h"
#include "clock.h"
#include "output.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Ten times a second, or as much less often, down to twice, as keeps it to 1/1000 of a core. */
#define REFRESH_NS     (NS_PER_SECOND / 10)
#define REFRESH_MAX_NS (NS_PER_SECOND / 2)
#define REFRESH_SHARE  1000

static const char *const window_names[] = {
    [WINDOW_1M] = "1m", [WINDOW_5M] = "5m", [WINDOW_1H] = "1h", [WINDOW_START] = "start"};

static struct document_context context_of(const struct agent *a, uint64_t now_ns)
{
	return (struct document_context){
	    .end_ns = now_ns,
	    .utc = a->config->utc,
	    .uptime_seconds = agent_uptime_seconds(a),
	    .saved_at_ns = now_ns,
	    .in_flight = inflight_count(a->ledger.inflight),
	    .lifetime = &a->ledger.lifetime,
	    .lifetime_since_ns = a->ledger.lifetime_since_ns,
	};
}

void bulletin_period_context(void *agent, struct state_period *s, uint64_t now_ns)
{
	struct agent *a = agent;
	const struct period *p = s->period;
	struct document_context *c = &s->context;

	ledger_trends(&a->ledger, p, now_ns, &s->shown);
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
	(void)trend_hours_get(
	    &a->ledger.hours, calendar_wall_hour(&a->ledger.periods.calendar, now_ns), trends);
	return windows_get(a->ledger.windows, window, now_ns, &c->start_ns);
}

char *bulletin_since_start(struct agent *a, uint64_t now_ns, size_t *length)
{
	struct document_context c;
	struct trends trends;
	struct text_writer t;
	const struct aggregate *sum;

	ledger_fold(&a->ledger, now_ns);
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

	w->spoilt |= !sum;
	if (sum)
		document_write(w, window_names[window], sum, &c);
}

static void put_day(struct writer *w, struct agent *a, uint64_t now_ns)
{
	struct period *day = periods_at(&a->ledger.periods, PERIOD_DAILY, now_ns);
	struct document_context c = context_of(a, now_ns);
	struct trends trends;

	w->spoilt |= !day;
	if (!day)
		return;
	ledger_trends(&a->ledger, day, now_ns, &trends);
	c.period_kind = "day";
	c.start_ns = day->span.start_ns;
	c.end_ns = day->span.end_ns;
	c.trends = &trends;
	document_write(w, "day", &day->sum, &c);
}

static void put_agent(struct writer *w, const struct agent *a, uint64_t now_ns)
{
	char started[RFC3339_BYTES], folder[PATH_MAX];
	uint64_t uptime = agent_uptime_seconds(a);

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
	writer_count(w, "updated_ns", now_ns);
	if (a->ledger.last_request_ns)
		writer_count(w, "last_request_ns", a->ledger.last_request_ns);
	else
		writer_null(w, "last_request_ns");
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

static int publish(struct agent *a, uint64_t now_ns)
{
	struct msgpack_writer m;
	size_t length;
	char *bytes;
	int err;

	msgpack_writer_init(&m);
	put_board(&m.writer, a, now_ns);
	bytes = msgpack_writer_take(&m, &length);
	if (!bytes)
		return -ENOMEM;
	err = board_publish(a->board, bytes, length);
	free(bytes);
	return err;
}

static uint64_t pause_after(uint64_t took_ns)
{
	uint64_t pause_ns = took_ns * REFRESH_SHARE;

	if (pause_ns < REFRESH_NS)
		return REFRESH_NS;
	return pause_ns < REFRESH_MAX_NS ? pause_ns : REFRESH_MAX_NS;
}

void bulletin_refresh(struct agent *a, uint64_t now_ns)
{
	uint64_t monotonic_ns = clock_monotonic_ns();
	struct store_result r = {.step = STORE_STEP_WRITE, .name = a->paths.board};

	if (monotonic_ns < a->board_next_ns || (a->board_changes == a->ledger.changes &&
						   !windows_have_moved(a->ledger.windows, now_ns)))
		return;
	ledger_fold(&a->ledger, now_ns);
	a->board_changes = a->ledger.changes;
	r.error = publish(a, now_ns);
	a->board_next_ns = monotonic_ns + pause_after(clock_monotonic_ns() - monotonic_ns);
	complain(a->log, &a->board_complaint, "the board", &r);
}
