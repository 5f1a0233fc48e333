/*
 * rule.c: one rule, word by word. What a rule means is judged in evaluate.c.
 */
#include "rule.h"
#include "base/parse.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum unit { UNIT_COUNT, UNIT_MONEY, UNIT_PERCENT, UNIT_TIME, UNIT_RATE, UNIT_VALUE };

static const struct {
	const char *name; /* in rules and messages */
	enum unit unit;
	bool is_sum; /* grows with the window's length */
} figures[ALERT_FIGURES] = {
    [ALERT_COST] = {"cost", UNIT_MONEY, true},
    [ALERT_REQUESTS] = {"requests", UNIT_COUNT, true},
    [ALERT_ERRORS] = {"errors", UNIT_COUNT, true},
    [ALERT_TIMEOUTS] = {"timeouts", UNIT_COUNT, true},
    [ALERT_TOKENS] = {"tokens", UNIT_COUNT, true},
    [ALERT_ERROR_RATE] = {"error_rate", UNIT_PERCENT},
    [ALERT_AVG] = {"avg", UNIT_TIME},
    [ALERT_P50] = {"p50", UNIT_TIME},
    [ALERT_P95] = {"p95", UNIT_TIME},
    [ALERT_P99] = {"p99", UNIT_TIME},
    [ALERT_TTFT] = {"ttft", UNIT_TIME},
    [ALERT_TPS] = {"tps", UNIT_RATE},
    [ALERT_GAUGE] = {"gauge", UNIT_VALUE},
    [ALERT_GAUGE_MIN] = {"gauge_min", UNIT_VALUE},
    [ALERT_GAUGE_MAX] = {"gauge_max", UNIT_VALUE},
    [ALERT_GAUGE_LAST] = {"gauge_last", UNIT_VALUE},
    [ALERT_LOST] = {"lost samples", UNIT_COUNT, true},
    [ALERT_SILENCE] = {"no requests for", UNIT_TIME},
    [ALERT_SILENT] = {"silent", UNIT_TIME},
};

#define FIGURE_WORDS                                                                            \
	"cost, requests, errors, timeouts, tokens, error_rate, avg, p50, p95, p99, ttft, tps, " \
	"gauge, gauge_min, gauge_max, gauge_last, silent, 'lost samples' or 'no requests for'"

static const char *const window_names[] = {"1m", "5m", "1h", "today", "7d", "30d", "week", "month"};
static const char *const filter_names[] = {"model", "bot", "provider", "operation"};

const char *alert_figure_name(enum alert_figure figure)
{
	return figures[figure].name;
}

const char *alert_figure_key(enum alert_figure figure)
{
	switch (figure) {
	case ALERT_LOST: return "lost_samples";
	case ALERT_SILENCE: return "silence";
	case ALERT_SILENT: return "silent_bot";
	default: return figures[figure].name;
	}
}

const char *alert_figure_unit(enum alert_figure figure)
{
	static const char *const units[] = {[UNIT_COUNT] = "",
	    [UNIT_MONEY] = "USD",
	    [UNIT_PERCENT] = "%",
	    [UNIT_TIME] = "s",
	    [UNIT_RATE] = "tokens/s",
	    [UNIT_VALUE] = ""};

	return units[figures[figure].unit];
}

bool alert_figure_is_sum(enum alert_figure figure)
{
	return figures[figure].is_sum;
}

bool alert_figure_is_gauge(enum alert_figure figure)
{
	return figures[figure].unit == UNIT_VALUE;
}

const char *alert_window_name(enum alert_window window)
{
	return window == ALERT_NO_WINDOW ? NULL : window_names[window];
}

const char *alert_window_unit(enum alert_window window)
{
	switch (window) {
	case ALERT_TODAY: return "day";
	case ALERT_WEEK: return "week";
	case ALERT_MONTH: return "month";
	default: return NULL;
	}
}

const char *alert_filter_name(enum alert_filter filter)
{
	return filter_names[filter];
}

unsigned alert_rule_filters(const struct alert_rule *r)
{
	unsigned n = 0;

	for (int i = 0; i < ALERT_FILTERS; i++)
		n += r->glob[i] != NULL;
	return n;
}

void alert_rule_free(struct alert_rule *r)
{
	free(r->text);
	free(r->gauge);
	for (int i = 0; i < ALERT_FILTERS; i++)
		free(r->glob[i]);
	*r = (struct alert_rule){0};
}

/* It has no window and no comparison: a time that passes without something. */
static bool is_absence(enum alert_figure figure)
{
	return figure == ALERT_SILENCE || figure == ALERT_SILENT;
}

/* --- Figure and window ------------------------------------------------------------------------ */

static int take_figure(struct alert_line *l, struct alert_rule *r)
{
	const char *word = line_take_any(l);

	if (strcmp(word, "lost") == 0 && line_take(l, "samples")) {
		r->figure = ALERT_LOST;
		return 0;
	}
	if (strcmp(word, "no") == 0 && line_take(l, "requests") && line_take(l, "for")) {
		r->figure = ALERT_SILENCE;
		return 0;
	}
	for (int i = 0; i < ALERT_FIGURES; i++) {
		/* No word has a space in it, so that those of several are none of these. */
		if (strcmp(word, figures[i].name) != 0)
			continue;
		r->figure = (enum alert_figure)i;
		return 0;
	}
	return line_refuse(l,
	    "'%s' begins no rule: begin with " FIGURE_WORDS ", or with webhook or discord", word);
}

static int take_gauge(struct alert_line *l, struct alert_rule *r)
{
	const char *word = line_take_any(l);

	if (!word)
		return line_refuse(l,
		    "'%s' is followed by a gauge's name: write '%s NAME 5m > 500'",
		    figures[r->figure].name, figures[r->figure].name);
	r->gauge = strdup(word);
	return r->gauge ? 0 : -ENOMEM;
}

static int refuse_window(struct alert_line *l, const struct alert_rule *r)
{
	const char *word = line_peek(l) ? line_peek(l) : "";

	if (r->gauge)
		return line_refuse(l,
		    "'%s' is no window: write one of 1m, 5m, 1h or today after the gauge's name, "
		    "as in '%s NAME 5m > 500'",
		    word, figures[r->figure].name);
	return line_refuse(l,
	    "'%s' is no window: write one of 1m, 5m, 1h or today, or, of a sum, 7d, 30d, week or "
	    "month after the figure",
	    word);
}

static int take_window(struct alert_line *l, struct alert_rule *r)
{
	for (int i = 0; i < ALERT_NO_WINDOW; i++) {
		if (!line_take(l, window_names[i]))
			continue;
		r->window = (enum alert_window)i;
		if (r->window >= ALERT_7D && !figures[r->figure].is_sum)
			return line_refuse(l,
			    "'%s' is a window of sums (cost, requests, errors, timeouts, tokens, "
			    "lost samples): write one of 1m, 5m, 1h or today",
			    window_names[i]);
		return 0;
	}
	/* What must never happen needs no word on when. */
	if (r->figure == ALERT_LOST && (!line_peek(l) || strchr("<>", line_peek(l)[0]))) {
		r->window = ALERT_1H;
		return 0;
	}
	return refuse_window(l, r);
}

/* --- Comparison and threshold ----------------------------------------------------------------- */

static int take_comparison(struct alert_line *l, struct alert_rule *r)
{
	const char *unit = alert_window_unit(r->window);

	r->above = line_take(l, ">");
	if (!r->above && !line_take(l, "<"))
		return line_refuse(l, "has no comparison: write > or < after the window");
	if (!r->above && r->figure == ALERT_LOST)
		return line_refuse(l, "can never be raised: write > after 'lost samples'");
	if (!r->above && unit && figures[r->figure].is_sum)
		return line_refuse(l, "would be raised every %s: write %s in place of %s",
		    r->window == ALERT_TODAY ? "morning" : unit,
		    r->window == ALERT_TODAY  ? "1h"
		    : r->window == ALERT_WEEK ? "7d"
					      : "30d",
		    window_names[r->window]);
	return 0;
}

/* "30s", "1.5 h" */
static int take_time(struct alert_line *l, double *seconds)
{
	const char *word = line_take_any(l);
	char text[64];
	uint64_t ns;
	double bare;

	if (word && parse_figure(word, &bare) == 0 && line_peek(l)) {
		snprintf(text, sizeof(text), "%.30s%.30s", word, line_peek(l));
		if (parse_duration(text, 1, INT64_MAX, &ns) == 0) {
			l->next++;
			*seconds = (double)ns / 1e9;
			return 0;
		}
	}
	if (!word || parse_figure(word, &bare) == 0 || parse_duration(word, 1, INT64_MAX, &ns) != 0)
		return line_refuse(
		    l, "'%s' is no time: write one such as 500ms, 10s or 30m", word ? word : "");
	*seconds = (double)ns / 1e9;
	return 0;
}

/* A number that may bear the unit, before it, after it, or as the next word. */
static int take_number(struct alert_line *l, const char *prefix, const char *suffix, double *out)
{
	const char *word = line_take_any(l);
	char text[64];
	size_t length, suffix_length = strlen(suffix);

	if (word && *prefix && strncmp(word, prefix, strlen(prefix)) == 0)
		word += strlen(prefix);
	snprintf(text, sizeof(text), "%.60s", word ? word : "");
	length = strlen(text);
	if (suffix_length > 0 && length > suffix_length &&
	    strcmp(text + length - suffix_length, suffix) == 0)
		text[length - suffix_length] = '\0';
	else if (suffix_length > 0)
		(void)line_take(l, suffix);
	if (parse_figure(text, out) == 0)
		return 0;
	return line_refuse(l, "'%s' is no number: write one such as 5 or 0.5%s%s, without a sign",
	    word ? word : "", *suffix ? " " : "", suffix);
}

/* Of a gauge, which has no unit that is known, and may be negative. */
static int take_value(struct alert_line *l, double *out)
{
	const char *word = line_take_any(l);

	if (word && parse_signed_figure(word, out) == 0)
		return 0;
	return line_refuse(l,
	    "'%s' is no number: write one such as 500 or -0.5, in the gauge's own unit and without "
	    "naming it",
	    word ? word : "");
}

static int take_threshold(struct alert_line *l, struct alert_rule *r)
{
	int err = 0;

	switch (figures[r->figure].unit) {
	case UNIT_COUNT: return take_number(l, "", "", &r->threshold);
	case UNIT_MONEY: return take_number(l, "$", "USD", &r->threshold);
	case UNIT_RATE: return take_number(l, "", "tokens/s", &r->threshold);
	case UNIT_TIME: return take_time(l, &r->threshold);
	case UNIT_VALUE: return take_value(l, &r->threshold);
	case UNIT_PERCENT:
		err = take_number(l, "", "%", &r->threshold);
		if (!err && r->threshold > 100)
			return line_refuse(
			    l, "%g %% is more than all: write a number up to 100", r->threshold);
		break;
	}
	return err;
}

/* --- Filters ---------------------------------------------------------------------------------- */

/* A filter that the figure does not know. */
static int check_filter(
    struct alert_line *l, const struct alert_rule *r, enum alert_filter filter, const char *word)
{
	if (r->figure == ALERT_LOST)
		return line_refuse(
		    l, "lost samples are of nobody in particular: leave out '%s'", word);
	if ((r->gauge || r->figure == ALERT_SILENT) && filter != ALERT_BOT)
		return line_refuse(l, "'%s' is of bots alone: leave out '%s', or write bot=NAME",
		    figures[r->figure].name, word);
	if (r->glob[filter])
		return line_refuse(l,
		    "names %s= twice: leave out '%s'; a pattern such as %s=a* takes several",
		    filter_names[filter], word, filter_names[filter]);
	return 0;
}

static int take_filter(struct alert_line *l, struct alert_rule *r, const char *word)
{
	for (int i = 0; i < ALERT_FILTERS; i++) {
		size_t n = strlen(filter_names[i]);
		int err;

		if (strncmp(word, filter_names[i], n) != 0 || word[n] != '=' || !word[n + 1])
			continue;
		err = check_filter(l, r, (enum alert_filter)i, word);
		if (err)
			return err;
		r->glob[i] = strdup(word + n + 1);
		return r->glob[i] ? 0 : -ENOMEM;
	}
	return line_refuse(l,
	    "'%s' does not belong there: a rule may end with 'with at least N %s', and with "
	    "model=NAME, bot=NAME, provider=NAME and operation=NAME",
	    word, r->gauge ? "values" : "requests");
}

static int take_at_least(struct alert_line *l, struct alert_rule *r)
{
	const char *what = r->gauge ? "values" : "requests", *word;

	(void)line_take(l, "at");
	(void)line_take(l, "least");
	word = line_take_any(l);
	if (!word || parse_uint(word, 1, UINT32_MAX, &r->at_least) != 0 ||
	    !(r->gauge ? line_take(l, "values") || line_take(l, "value")
		       : line_take(l, "requests") || line_take(l, "request")))
		return line_refuse(
		    l, "'with' needs a number of %s: write 'with at least 20 %s'", what, what);
	if (is_absence(r->figure) || r->figure == ALERT_LOST)
		return line_refuse(l, "does not depend on requests: leave out 'with at least'");
	return 0;
}

/* --- The whole -------------------------------------------------------------------------------- */

/* The words with single spaces between them. */
static char *join(const struct alert_line *l)
{
	char text[2 * LINE_BYTES_MAX + LINE_WORDS_MAX] = "";
	char *to = text;

	for (size_t i = 0; i < l->count; i++)
		to += sprintf(to, "%s%s", i ? " " : "", l->words[i]);
	return strdup(text);
}

int alert_rule_read(struct alert_line *l, struct alert_rule *r)
{
	int err;

	*r = (struct alert_rule){.window = ALERT_NO_WINDOW, .above = true, .at_least = 1};
	err = take_figure(l, r);
	if (!err && alert_figure_is_gauge(r->figure))
		err = take_gauge(l, r);
	if (!err && r->figure == ALERT_SILENT)
		(void)line_take(l, "for");
	if (!err && !is_absence(r->figure))
		err = take_window(l, r);
	if (!err && !is_absence(r->figure))
		err = take_comparison(l, r);
	if (!err)
		err = take_threshold(l, r);
	while (!err && line_peek(l)) {
		const char *word = line_take_any(l);

		err = strcmp(word, "with") == 0 ? take_at_least(l, r) : take_filter(l, r, word);
	}
	if (err)
		return err;
	r->text = join(l);
	return r->text ? 0 : -ENOMEM;
}
