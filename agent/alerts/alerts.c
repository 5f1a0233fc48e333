/*
 * alerts.c: rules judged once a second, and what they come to shown on the board.
 */
#include "alerts.h"
#include "base/clock.h"
#include "outbox.h"
#include "silence.h"

#include <math.h>

/* An alert is over only after its figure has been back for so long. */
#define ALERT_HOLD_NS UINT64_C(60000000000)
/* When requests were last seen is stored this often, if nothing else is. */
#define SEEN_NS (60 * NS_PER_SECOND)

/* --- Judging ---------------------------------------------------------------------------------- */

static void tell(struct alerts *s, const struct alert_change *c)
{
	char sentence[ALERT_SENTENCE_BYTES];

	alert_sentence(c, sentence);
	if (c->what == ALERT_FIRES)
		log_warning(s->log, "alert: %s", sentence);
	else
		log_info(s->log, "recovered: %s", sentence);
	alerts_touch(s);
	alerts_post(s, c);
	s->changed = true;
}

/* The first day of a rule's window, for those that begin anew; today for others. */
static int64_t first_day(const struct alerts *s, const struct alert_rule *r, uint64_t now_ns)
{
	enum alert_window window = alert_window_unit(r->window) ? r->window : ALERT_TODAY;

	return alert_window_first_day(&s->aggregator->periods.calendar, window, now_ns);
}

static void change(struct alerts *s, size_t i, enum alert_end what, uint64_t now_ns)
{
	const struct alert_rule *r = &s->rules.rules[i];
	struct alert *alert = &s->states[i];
	struct alert_change c = {.rule = r,
	    .what = what,
	    .reading = alert->reading,
	    .at_ns = now_ns,
	    .bot = r->figure == ALERT_SILENT ? alert->bot : NULL,
	    .others = alert->others,
	    .utc = s->config->utc,
	    .host = s->host,
	    .bus = s->bus};

	alert->firing = what == ALERT_FIRES;
	alert->back_ns = 0;
	if (alert->firing) {
		alert->since_ns = now_ns;
		alert->fired_day = first_day(s, r, now_ns);
	}
	c.since_ns = alert->since_ns;
	tell(s, &c);
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

static void judge_reading(struct alerts *s, size_t i, uint64_t now_ns)
{
	const struct alert_rule *r = &s->rules.rules[i];
	struct alert *alert = &s->states[i];
	bool begins_anew = alert_window_unit(r->window);
	bool was_raised =
	    begins_anew && alert->since_ns && alert->fired_day == first_day(s, r, now_ns);

	if (alert->firing && begins_anew && !was_raised)
		change(s, i, ALERT_BEGINS_ANEW, now_ns);
	else if (alert->firing && is_over(alert, r, now_ns))
		change(
		    s, i, isnan(alert->reading.value) ? ALERT_HAS_NO_DATA : ALERT_IS_BACK, now_ns);
	if (!alert->firing && !was_raised && alert_is_beyond(r, alert->reading.value))
		change(s, i, ALERT_FIRES, now_ns);
}

/* A silence is over with the next sample, and not only after a minute. */
static void judge_silence(struct alerts *s, size_t i, uint64_t now_ns)
{
	const struct alert_rule *r = &s->rules.rules[i];
	struct alert *alert = &s->states[i];
	bool has_ended = true, is_beyond;

	if (r->figure == ALERT_SILENT)
		silence_of_bots(r, s->aggregator->bots, now_ns, alert);
	is_beyond = alert_is_beyond(r, alert->reading.value);
	alert->judged = true;
	if (!alert->firing && is_beyond)
		change(s, i, ALERT_FIRES, now_ns);
	else if (alert->firing && !is_beyond) {
		if (r->figure == ALERT_SILENT)
			has_ended = silence_has_ended(r, s->aggregator->bots, now_ns, alert);
		change(s, i, has_ended ? ALERT_IS_BACK : ALERT_HAS_NO_DATA, now_ns);
	}
}

static const struct {
	enum window window;
	uint64_t seconds;
} windows[] = {[ALERT_1M] = {WINDOW_1M, 60},
    [ALERT_5M] = {WINDOW_5M, 300},
    [ALERT_1H] = {WINDOW_1H, 3600},
    [ALERT_7D] = {WINDOW_ROLLING, UINT64_C(7) * 86400},
    [ALERT_30D] = {WINDOW_ROLLING, UINT64_C(30) * 86400},
    [ALERT_NO_WINDOW] = {WINDOW_START, 0}};

/* What the aggregator holds of a window; NULL while it is not whole. */
static const struct aggregate *window_of(
    struct alerts *s, enum alert_window window, uint64_t now_ns)
{
	const struct period *day;
	uint64_t start_ns;

	if (window != ALERT_TODAY)
		return windows_get(
		    s->aggregator->windows, windows[window].window, now_ns, &start_ns);
	day = periods_at(&s->aggregator->periods, PERIOD_DAILY, now_ns);
	return day && day->has_base ? &day->sum : NULL;
}

static void judge_rule(struct alerts *s, size_t i, const struct aggregate *window, uint64_t now_ns)
{
	const struct alert_rule *r = &s->rules.rules[i];
	struct alert *alert = &s->states[i];

	/* A sum below its threshold says nothing before the agent has run for the whole window. */
	if (!r->above && alert_figure_is_sum(r->figure) &&
	    run_time_uptime_seconds(s->run_time) < windows[r->window].seconds)
		return;
	if (r->figure == ALERT_SILENCE) {
		silence_of_requests(r, s->aggregator, window, now_ns, alert);
		judge_silence(s, i, now_ns);
		return;
	}
	alert->reading = alert_read(r, window);
	alert->judged = true;
	judge_reading(s, i, now_ns);
}

/* Looking at a window costs something: it is done once for all of its rules. */
static void judge_window(struct alerts *s, enum alert_window window, uint64_t now_ns)
{
	const struct alert_rules *rules = &s->rules;
	const struct aggregate *sum = NULL;

	for (size_t i = 0; i < rules->rule_count; i++) {
		if (rules->rules[i].window != window || rules->rules[i].figure == ALERT_SILENT)
			continue;
		if (!sum)
			sum = window_of(s, window, now_ns);
		if (!sum)
			return;
		judge_rule(s, i, sum, now_ns);
	}
}

/*
 * Little is no wonder before the folder is as old as the window. Who is new on an old folder knows
 * its days, so that it need not run for so long itself.
 */
static void judge_days(struct alerts *s, uint64_t now_ns)
{
	const struct alert_rules *rules = &s->rules;
	uint64_t since_ns = s->aggregator->lifetime_since_ns;
	uint64_t age_s = since_ns < now_ns ? (now_ns - since_ns) / NS_PER_SECOND : 0;

	days_look(s->days, now_ns);
	for (size_t i = 0; i < rules->rule_count; i++) {
		const struct alert_rule *r = &rules->rules[i];
		struct alert_sums sums;

		if (r->window < ALERT_7D || r->window > ALERT_MONTH ||
		    (!r->above && age_s < windows[r->window].seconds) ||
		    !days_sum(s->days, i, &sums))
			continue;
		s->states[i].reading = alert_read_sums(r, &sums);
		s->states[i].judged = true;
		judge_reading(s, i, now_ns);
	}
}

static void judge_all(struct alerts *s, uint64_t now_ns)
{
	/* Time alone changes what windows hold, and so what the board shows. */
	if (windows_have_moved(s->aggregator->windows, now_ns))
		s->changed = true;
	aggregator_fold(s->aggregator, now_ns);
	for (int w = 0; !s->aggregator->out_of_memory && w <= ALERT_NO_WINDOW; w++)
		if (w < ALERT_7D || w > ALERT_MONTH)
			judge_window(s, (enum alert_window)w, now_ns);
	if (!s->aggregator->out_of_memory)
		judge_days(s, now_ns);
	for (size_t i = 0; !s->aggregator->out_of_memory && i < s->rules.rule_count; i++)
		if (s->rules.rules[i].figure == ALERT_SILENT)
			judge_silence(s, i, now_ns);
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

bool alerts_run(struct alerts *s, uint64_t now_ns, bool more)
{
	uint64_t monotonic_ns = clock_monotonic_ns();

	bool changed;

	if (!s)
		return false;
	alerts_take_results(s);
	days_go_on(s->days);
	s->caught_up |= !more;
	if (s->caught_up && monotonic_ns >= s->judge_next_ns && !s->aggregator->out_of_memory) {
		s->judge_next_ns = monotonic_ns + NS_PER_SECOND;
		judge_all(s, now_ns);
		note_seen(s);
	}
	alerts_store(s);
	alerts_hand_over(s);
	changed = s->changed;
	s->changed = false;
	return changed;
}

bool alerts_is_at_work(const struct alerts *s)
{
	return s && days_is_decoding(s->days);
}

/* --- For the board ---------------------------------------------------------------------------- */

static void write_value(struct writer *w, const char *key, double value)
{
	if (isfinite(value))
		writer_figure(w, key, value);
	else
		writer_null(w, key);
}

static void write_rule(
    struct writer *w, const struct alert_rule *r, const struct alert *alert, bool utc)
{
	char since[RFC3339_BYTES];

	clock_format_rfc3339_local(alert->since_ns, utc, since);
	writer_object(w, NULL);
	writer_text(w, "rule", r->text);
	writer_text(w, "state",
	    alert->firing                                   ? "firing"
	    : !alert->judged || isnan(alert->reading.value) ? "unknown"
							    : "ok");
	writer_text(w, "since", alert->firing ? since : NULL);
	write_value(w, "value", alert->judged ? alert->reading.value : NAN);
	write_value(w, "threshold", r->threshold);
	writer_text(w, "unit", alert_figure_unit(r->figure));
	writer_text(w, "bot", alert->firing && *alert->bot ? alert->bot : NULL);
	writer_count(w, "requests", r->gauge ? 0 : alert->reading.requests);
	writer_end(w);
}

void alerts_write(const struct alerts *s, const char *key, struct writer *w)
{
	int64_t firing = 0;

	if (!s) {
		writer_null(w, key);
		return;
	}
	for (size_t i = 0; i < s->rules.rule_count; i++)
		firing += s->states[i].firing;
	writer_object(w, key);
	writer_integer(w, "firing", firing);
	writer_count(w, "undelivered", s->queue.count);
	writer_array(w, "rules");
	for (size_t i = 0; i < s->rules.rule_count; i++)
		write_rule(w, &s->rules.rules[i], &s->states[i], s->config->utc);
	writer_end(w);
	writer_end(w);
}
