/*
 * follow.c: requests from begin to end.
 */
#include "follow.h"
#include "base/clock.h"
#include "base/ratings.h"
#include "common/print.h"
#include "doc/json_build.h"
#include "doc/sample_json.h"
#include "format.h"
#include "live/inflight.h"
#include "live/reaper.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* A request in flight for this long is reported, and again each time the time has doubled. */
#define WAIT_FIRST_NS (10 * NS_PER_SECOND)
#define INDENT        "  "
/* Time for finding dead processes and reporting their requests, in one turn. */
#define LOOK_NS (NS_PER_SECOND / 1000)

struct group {
	struct inflight *inflight;
	struct reaper *reaper;
	uint8_t bus_id[16];
	uint64_t told_ns; /* when group_tell_waiting() last looked at ages */
};

struct group *group_new(const struct orbus_reader *r)
{
	struct group *g = calloc(1, sizeof(*g));

	if (!g)
		return NULL;
	if (r)
		memcpy(g->bus_id, reader_bus_id(r), sizeof(g->bus_id));
	g->inflight = inflight_new();
	g->reaper = reaper_new(false);
	if (g->inflight && g->reaper)
		return g;
	group_free(g);
	return NULL;
}

void group_free(struct group *g)
{
	if (!g)
		return;
	inflight_free(g->inflight);
	reaper_free(g->reaper);
	free(g);
}

bool group_note(struct group *g, const struct sample_origin *origin, const struct orbus_sample *s)
{
	return inflight_note(g->inflight, origin, s);
}

/* --- Printing --------------------------------------------------------------------------------- */

static double ms_between(uint64_t from_ns, uint64_t to_ns)
{
	return to_ns > from_ns ? (double)(to_ns - from_ns) / 1e6 : 0;
}

/* The measured duration; without one, the time from begin to end. */
static double duration_ms(const struct orbus_sample *begin, const struct orbus_sample *end)
{
	if (isnan(end->response_ms) && begin)
		return ms_between(begin->ts, end->ts);
	return end->response_ms;
}

static void print_start(FILE *out, const struct ortail_view *v, uint64_t ns)
{
	time_t seconds = (time_t)(ns / NS_PER_SECOND);
	char text[RFC3339_BYTES];
	struct tm tm = {0};

	localtime_r(&seconds, &tm);
	if (v->timestamps)
		clock_format_rfc3339_local(ns, false, text);
	else
		strftime(text, sizeof(text), "%H:%M:%S", &tm);
	fprintf(out, "%s%s%s", tone_start(TONE_STRONG, v->colour), text,
	    tone_end(TONE_STRONG, v->colour));
}

static void print_name(FILE *out, const char *before, const char *name)
{
	if (!name)
		return;
	fputs(before, out);
	print_text(out, name);
}

/* "10:42:01 +8.21s acore auto -> openai/gpt-4 gen-17": begin is what it began as, end as it ended.
 */
static void print_head(FILE *out, const struct ortail_view *v, uint64_t start_ns, double ms,
    const struct orbus_sample *begin, const struct orbus_sample *end)
{
	const char *asked = begin->requested_model, *answered = end->model;
	enum tone tone = rate_response_ms(ms).tone;

	print_start(out, v, start_ns);
	if (!isnan(ms))
		fprintf(out, " %s+%ss%s", tone_start(tone, v->colour),
		    format_fixed(ms / 1000, 2).text, tone_end(tone, v->colour));
	print_name(out, " ", end->bot);
	print_name(out, " ", asked ? asked : answered);
	if (asked && answered && strcmp(asked, answered) != 0)
		print_name(out, " -> ", answered);
	print_name(out, " ", end->request_id);
	fputc('\n', out);
}

static bool print_object(FILE *out, const char *outcome, const struct orbus_sample *begin,
    const struct orbus_sample *end, double ms)
{
	struct json_build o = json_build_object();
	json_t *object;
	bool ok;

	json_build_set(&o, "outcome", json_string(outcome));
	json_build_set(&o, "elapsed_ms", json_figure(ms));
	json_build_set(&o, "begin", begin ? sample_to_json(begin) : json_null());
	json_build_set(&o, "request", end ? sample_to_json(end) : json_null());
	object = json_build_take(&o);
	ok = object && print_json(out, object, JSON_COMPACT) == 0;
	fputc('\n', out);
	json_decref(object);
	return ok;
}

bool group_print(struct group *g, FILE *out, const struct ortail_view *v,
    const struct sample_origin *origin, const struct orbus_sample *end)
{
	struct orbus_sample found;
	const struct orbus_sample *begin =
	    inflight_begin_of(g->inflight, origin, end, &found) ? &found : NULL;
	double ms = duration_ms(begin, end);
	uint64_t start_ns = end->ts;

	if (v->format == FORMAT_JSON)
		return print_object(out, "ended", begin, end, ms);
	if (begin)
		start_ns = begin->ts;
	else if (ms * 1e6 <= (double)end->ts)
		start_ns -= (uint64_t)(ms * 1e6);
	print_head(out, v, start_ns, ms, begin ? begin : end, end);
	return format_prefixed(out, v, INDENT, end);
}

bool group_print_outcome(FILE *out, const struct ortail_view *v, enum group_outcome outcome,
    const struct orbus_sample *begin, uint64_t now_ns)
{
	static const struct {
		const char *outcome, *level, *words;
		enum tone tone;
	} outcomes[] = {
	    [GROUP_ENDED] = {"ended", "INFO", "ended", TONE_PLAIN},
	    [GROUP_IN_FLIGHT] = {"in_flight", "INFO", "in flight", TONE_FAIR},
	    [GROUP_ORPHANED] = {"orphaned", "ERROR", "orphaned: its process is gone", TONE_BAD},
	    [GROUP_ABANDONED] = {"abandoned", "WARNING",
		"abandoned: its end may be among the samples lost", TONE_POOR},
	};
	double ms = ms_between(begin->ts, now_ns);

	if (v->format == FORMAT_JSON)
		return print_object(out, outcomes[outcome].outcome, begin, NULL, ms);
	print_head(out, v, begin->ts, ms, begin, begin);
	fprintf(out, INDENT "%s%s%s - OpenRouter request %s\n",
	    tone_start(outcomes[outcome].tone, v->colour), outcomes[outcome].level,
	    tone_end(outcomes[outcome].tone, v->colour), outcomes[outcome].words);
	return true;
}

/* --- What does not end ------------------------------------------------------------------------ */

/* The arguments of a report, for the callback of inflight and reaper. */
struct telling {
	const struct group *g;
	enum group_outcome outcome;
	bool all;
	uint64_t now_ns;
	group_tell_fn *tell;
	void *context;
};

static void tell_one(void *context, const struct orbus_sample *begin)
{
	const struct telling *t = context;

	t->tell(t->context, t->outcome, begin, t->now_ns);
}

static void tell_in_flight(
    void *context, const struct sample_origin *origin, const struct orbus_sample *begin)
{
	(void)origin;
	tell_one(context, begin);
}

void group_follow(struct group *g, const struct orbus_reader *r, uint64_t now_ns,
    group_tell_fn *tell, void *context)
{
	struct telling t = {
	    .g = g, .outcome = GROUP_ABANDONED, .now_ns = now_ns, .tell = tell, .context = context};

	if (memcmp(g->bus_id, reader_bus_id(r), sizeof(g->bus_id)) == 0)
		return;
	memcpy(g->bus_id, reader_bus_id(r), sizeof(g->bus_id));
	inflight_each(g->inflight, tell_in_flight, &t);
	inflight_clear(g->inflight);
}

void group_look(struct group *g, struct orbus_reader *r, bool at_once)
{
	reaper_look(g->reaper, r, g->inflight, at_once ? UINT64_MAX : LOOK_NS);
}

void group_tell(struct group *g, const struct orbus_reader *r, uint64_t now_ns, bool at_once,
    group_tell_fn *tell, void *context)
{
	struct telling lost = {
	    .g = g, .outcome = GROUP_ABANDONED, .now_ns = now_ns, .tell = tell, .context = context};
	struct telling dead = lost;

	dead.outcome = GROUP_ORPHANED;
	reaper_note_losses(g->reaper, r, g->inflight, tell_one, &lost);
	reaper_settle(g->reaper, r, g->inflight, at_once ? UINT64_MAX : LOOK_NS, tell_one, &dead);
}

/* Whether an age of ten seconds, twenty, forty ... was reached since the last look. */
static bool is_time_to_tell(const struct telling *t, uint64_t begin_ns)
{
	uint64_t due_ns = begin_ns + WAIT_FIRST_NS;

	for (uint64_t wait = WAIT_FIRST_NS; due_ns <= t->now_ns; wait *= 2) {
		if (due_ns > t->g->told_ns)
			return true;
		due_ns += wait;
	}
	return false;
}

static void tell_waiting(
    void *context, const struct sample_origin *origin, const struct orbus_sample *begin)
{
	const struct telling *t = context;

	(void)origin;
	if (t->all || is_time_to_tell(t, begin->ts))
		tell_one(context, begin);
}

void group_tell_waiting(
    struct group *g, uint64_t now_ns, bool all, group_tell_fn *tell, void *context)
{
	struct telling t = {.g = g,
	    .outcome = GROUP_IN_FLIGHT,
	    .all = all,
	    .now_ns = now_ns,
	    .tell = tell,
	    .context = context};

	inflight_each(g->inflight, tell_waiting, &t);
	g->told_ns = now_ns;
}
