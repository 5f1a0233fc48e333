/*
 * bulletin.c: the documents that the ledger gives rise to, and the board that shows them.
 */
#include "agent.h"
#include "alerts.h"
#include "clock.h"
#include "json_build.h"
#include "json_msgpack.h"

#include <errno.h>
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

json_t *bulletin_period(struct agent *a, struct period *p, uint64_t now_ns)
{
	struct document_context c = context_of(a, now_ns);
	struct trends trends;

	ledger_trends(&a->ledger, p, now_ns, &trends);
	c.period_kind = p->span.kind == PERIOD_DAILY ? "daily" : "hourly";
	c.start_ns = p->span.start_ns;
	c.end_ns = p->span.end_ns;
	c.complete = period_is_over(p, now_ns);
	c.trends = &trends;
	c.restorable = true;
	if (c.complete)
		c.in_flight = 0;
	return document_from_aggregate(&p->sum, &c);
}

static json_t *window_document(
    struct agent *a, enum window window, uint64_t now_ns, bool restorable)
{
	struct document_context c = context_of(a, now_ns);
	const struct aggregate *sum = windows_get(a->ledger.windows, window, now_ns, &c.start_ns);
	struct trends trends;

	(void)trend_hours_get(
	    &a->ledger.hours, calendar_wall_hour(&a->ledger.periods.calendar, now_ns), &trends);
	c.period_kind = window_names[window];
	c.trends = &trends;
	c.restorable = restorable;
	return sum ? document_from_aggregate(sum, &c) : NULL;
}

json_t *bulletin_since_start(struct agent *a, uint64_t now_ns)
{
	ledger_fold(&a->ledger, now_ns);
	return window_document(a, WINDOW_START, now_ns, true);
}

static json_t *day_document(struct agent *a, uint64_t now_ns)
{
	struct period *day = periods_at(&a->ledger.periods, PERIOD_DAILY, now_ns);
	struct document_context c = context_of(a, now_ns);
	struct trends trends;

	if (!day)
		return NULL;
	ledger_trends(&a->ledger, day, now_ns, &trends);
	c.period_kind = "day";
	c.start_ns = day->span.start_ns;
	c.end_ns = day->span.end_ns;
	c.trends = &trends;
	return document_from_aggregate(&day->sum, &c);
}

static json_t *about_agent(const struct agent *a, uint64_t now_ns)
{
	char started[RFC3339_BYTES];
	uint64_t uptime = agent_uptime_seconds(a);

	clock_format_rfc3339_local(now_ns - uptime * NS_PER_SECOND, a->config->utc, started);
	return json_pack("{s:i,s:s,s:I,s:s,s:s,s:s,s:s,s:I,s:o}", "pid", (int)getpid(),
	    "started_at", started, "uptime_seconds", (json_int_t)uptime, "version", orbus_version(),
	    "io", a->store ? store_kind(a->store) : "none", "bus", a->paths.name, "data_dir",
	    a->folder.path, "updated_ns", (json_int_t)now_ns, "last_request_ns",
	    a->ledger.last_request_ns ? json_count(a->ledger.last_request_ns) : json_null());
}

static json_t *board_document(struct agent *a, uint64_t now_ns)
{
	return json_pack("{s:o,s:o,s:{s:o,s:o,s:o,s:o,s:o}}", "agent", about_agent(a, now_ns),
	    "alerts", alerts_to_json(a), "windows", "1m",
	    window_document(a, WINDOW_1M, now_ns, false), "5m",
	    window_document(a, WINDOW_5M, now_ns, false), "1h",
	    window_document(a, WINDOW_1H, now_ns, false), "day", day_document(a, now_ns), "start",
	    window_document(a, WINDOW_START, now_ns, false));
}

static int publish(struct agent *a, uint64_t now_ns)
{
	json_t *document = board_document(a, now_ns);
	char *bytes;
	size_t length;
	int err = document ? json_to_msgpack(document, &bytes, &length) : -ENOMEM;

	json_decref(document);
	if (err)
		return err;
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
