/*
 * alerts.c: rules judged once a second, and what they come to shown on the board.
 */
#include "alerts.h"
#include "agent/agent.h"
#include "base/clock.h"
#include "doc/json_build.h"

#include <math.h>

/* When requests were last seen is stored this often, if nothing else is. */
#define SEEN_NS (60 * NS_PER_SECOND)

/* --- Judging ---------------------------------------------------------------------------------- */

static void tell(struct agent *a, const struct alert_change *c)
{
	char sentence[ALERT_SENTENCE_BYTES];

	alert_sentence(c, sentence);
	if (c->what == ALERT_FIRES)
		log_warning(a->log, "alert: %s", sentence);
	else
		log_info(a->log, "recovered: %s", sentence);
	alerts_touch(a->alerts);
	alerts_post(a, c);
	a->alerts->changed = true;
}

static void change(struct agent *a, size_t i, enum alert_end what, uint64_t now_ns)
{
	struct alerts *s = a->alerts;
	struct alert *alert = &s->states[i];
	struct alert_change c = {.rule = &s->rules.rules[i],
	    .what = what,
	    .reading = alert->reading,
	    .at_ns = now_ns,
	    .utc = a->config->utc,
	    .host = s->host,
	    .bus = drain_paths(a->drain)->name};

	alert->firing = what == ALERT_FIRES;
	alert->back_ns = 0;
	if (alert->firing) {
		alert->since_ns = now_ns;
		alert->fired_day = calendar_wall_day(&a->aggregator.periods.calendar, now_ns);
	}
	c.since_ns = alert->since_ns;
	tell(a, &c);
}

/* Back for long enough, without going beyond the threshold or near it in between. */
static bool is_over(struct alert *alert, const struct alert_rule *r, uint64_t now_ns)
{
	if (!alert_is_back(r, alert->reading.value)) {
		alert->back_ns = 0;
		return false;
	}
	if (alert->back_ns == 0 || alert->back_ns > now_ns)
		alert->back_ns = now_ns;
	return now_ns - alert->back_ns >= ALERT_HOLD_NS;
}

static void judge_reading(struct agent *a, size_t i, uint64_t now_ns)
{
	const struct alert_rule *r = &a->alerts->rules.rules[i];
	struct alert *alert = &a->alerts->states[i];
	int64_t today = calendar_wall_day(&a->aggregator.periods.calendar, now_ns);
	bool was_today = r->window == ALERT_TODAY && alert->since_ns && alert->fired_day == today;

	if (alert->firing && r->window == ALERT_TODAY && !was_today)
		change(a, i, ALERT_DAY_IS_OVER, now_ns);
	else if (alert->firing && is_over(alert, r, now_ns))
		change(
		    a, i, isnan(alert->reading.value) ? ALERT_HAS_NO_DATA : ALERT_IS_BACK, now_ns);
	if (!alert->firing && !was_today && alert_is_beyond(r, alert->reading.value))
		change(a, i, ALERT_FIRES, now_ns);
}

/*
 * Requests are seen as they are counted. What an earlier agent counted is known to a minute, and to
 * the request where the rule is about all of them.
 */
static void judge_silence(
    struct agent *a, size_t i, const struct aggregate *since_start, uint64_t now_ns)
{
	const struct alert_rule *r = &a->alerts->rules.rules[i];
	struct alert *alert = &a->alerts->states[i];
	uint64_t last_ns = a->aggregator.last_request_ns;
	uint64_t count = alert_count_requests(r, since_start);
	bool is_new = count > alert->seen_count;

	if (is_new || alert->seen_ns == 0 || alert->seen_ns > now_ns)
		alert->seen_ns = now_ns;
	if (r->filter == ALERT_ALL && last_ns > 0 && (is_new || last_ns > alert->seen_ns))
		alert->seen_ns = last_ns < now_ns ? last_ns : now_ns;
	alert->seen_count = count;
	alert->reading = (struct alert_reading){(double)(now_ns - alert->seen_ns) / 1e9, count};
	alert->judged = true;
	if (!alert->firing && alert_is_beyond(r, alert->reading.value))
		change(a, i, ALERT_FIRES, now_ns);
	else if (alert->firing && !alert_is_beyond(r, alert->reading.value))
		change(a, i, ALERT_IS_BACK, now_ns);
}

static const struct {
	enum window window;
	uint64_t seconds;
} windows[] = {[ALERT_1M] = {WINDOW_1M, 60},
    [ALERT_5M] = {WINDOW_5M, 300},
    [ALERT_1H] = {WINDOW_1H, 3600},
    [ALERT_NO_WINDOW] = {WINDOW_START, 0}};

/* What the aggregator holds of a window; NULL while it is not whole. */
static const struct aggregate *window_of(struct agent *a, enum alert_window window, uint64_t now_ns)
{
	const struct period *day;
	uint64_t start_ns;

	if (window != ALERT_TODAY)
		return windows_get(
		    a->aggregator.windows, windows[window].window, now_ns, &start_ns);
	day = periods_at(&a->aggregator.periods, PERIOD_DAILY, now_ns);
	return day && day->has_base ? &day->sum : NULL;
}

static void judge_rule(struct agent *a, size_t i, const struct aggregate *window, uint64_t now_ns)
{
	const struct alert_rule *r = &a->alerts->rules.rules[i];
	struct alert *alert = &a->alerts->states[i];

	/* Little is no wonder before the agent has seen so much time. */
	if (!r->above && alert_figure_is_sum(r->figure) &&
	    run_time_uptime_seconds(&a->run_time) < windows[r->window].seconds)
		return;
	if (r->figure == ALERT_SILENCE) {
		judge_silence(a, i, window, now_ns);
		return;
	}
	alert->reading = alert_read(r, window);
	alert->judged = true;
	judge_reading(a, i, now_ns);
}

/* Looking at a window costs something: it is done once for all of its rules. */
static void judge_window(struct agent *a, enum alert_window window, uint64_t now_ns)
{
	const struct alert_rules *rules = &a->alerts->rules;
	const struct aggregate *sum = NULL;

	for (size_t i = 0; i < rules->rule_count; i++) {
		if (rules->rules[i].window != window)
			continue;
		if (!sum)
			sum = window_of(a, window, now_ns);
		if (!sum)
			return;
		judge_rule(a, i, sum, now_ns);
	}
}

static void judge_all(struct agent *a, uint64_t now_ns)
{
	/* The board still has to be told of what time has changed. */
	if (windows_have_moved(a->aggregator.windows, now_ns))
		a->alerts->changed = true;
	aggregator_fold(&a->aggregator, now_ns);
	for (int w = 0; !a->aggregator.out_of_memory && w <= ALERT_NO_WINDOW; w++)
		judge_window(a, (enum alert_window)w, now_ns);
}

/* When requests were last seen is worth storing now and then. */
static void note_seen(struct alerts *s)
{
	uint64_t now_ns = clock_monotonic_ns(), seen_ns = 0;

	if (s->dirty_ns || now_ns < s->seen_next_ns)
		return;
	s->seen_next_ns = now_ns + SEEN_NS;
	for (size_t i = 0; i < s->rules.rule_count; i++)
		if (s->states[i].seen_ns > seen_ns)
			seen_ns = s->states[i].seen_ns;
	if (seen_ns != s->seen_noted_ns)
		alerts_touch(s);
	s->seen_noted_ns = seen_ns;
}

bool alerts_run(struct agent *a, uint64_t now_ns, bool more)
{
	struct alerts *s = a->alerts;
	uint64_t monotonic_ns = clock_monotonic_ns();

	bool changed;

	if (!s)
		return false;
	alerts_take_results(a);
	s->caught_up |= !more;
	if (s->caught_up && monotonic_ns >= s->judge_next_ns && !a->aggregator.out_of_memory) {
		s->judge_next_ns = monotonic_ns + NS_PER_SECOND;
		judge_all(a, now_ns);
		note_seen(s);
	}
	alerts_store(a);
	alerts_hand_over(a);
	changed = s->changed;
	s->changed = false;
	return changed;
}

/* --- For the board ---------------------------------------------------------------------------- */

static json_t *rule_to_json(const struct alert_rule *r, const struct alert *alert, bool utc)
{
	struct json_build o = json_build_object();
	char since[RFC3339_BYTES];

	clock_format_rfc3339_local(alert->since_ns, utc, since);
	json_build_set(&o, "rule", json_string(r->text));
	json_build_set(&o, "state",
	    json_string(alert->firing                                   ? "firing"
			: !alert->judged || isnan(alert->reading.value) ? "unknown"
									: "ok"));
	json_build_set(&o, "since", alert->firing ? json_string(since) : json_null());
	json_build_set(
	    &o, "value", alert->judged ? json_figure(alert->reading.value) : json_null());
	json_build_set(&o, "threshold", json_figure(r->threshold));
	json_build_set(&o, "unit", json_string(alert_figure_unit(r->figure)));
	json_build_set(&o, "requests", json_count(alert->reading.requests));
	return json_build_take(&o);
}

json_t *alerts_to_json(const struct alerts *s, bool utc)
{
	struct json_build o, list;
	int firing = 0;

	if (!s)
		return json_null();
	o = json_build_object();
	list = json_build_array();
	for (size_t i = 0; i < s->rules.rule_count; i++) {
		firing += s->states[i].firing;
		json_build_append(&list, rule_to_json(&s->rules.rules[i], &s->states[i], utc));
	}
	json_build_set(&o, "firing", json_integer(firing));
	json_build_set(&o, "undelivered", json_count(s->post_count));
	json_build_set(&o, "rules", json_build_take(&list));
	return json_build_take(&o);
}
