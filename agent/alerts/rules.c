/*
 * rules.c: reading the file of oragent --alert. One rule or target a line, as words; what a
 * rule means is judged in evaluate.c.
 */
#include "rules.h"
#include "base/parse.h"
#include "base/text_safe.h"
#include "base/utf8.h"
#include "curl_dl.h"
#include "rule_line.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

enum unit { UNIT_COUNT, UNIT_MONEY, UNIT_PERCENT, UNIT_TIME, UNIT_RATE };

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
    [ALERT_LOST] = {"lost samples", UNIT_COUNT, true},
    [ALERT_SILENCE] = {"no requests for", UNIT_TIME},
};

#define FIGURE_WORDS                                                                            \
	"cost, requests, errors, timeouts, tokens, error_rate, avg, p50, p95, p99, ttft, tps, " \
	"'lost samples' or 'no requests for'"

static const char *const window_names[] = {"1m", "5m", "1h", "today"};
static const char *const filter_names[] = {NULL, "model", "bot", "provider"};

const char *alert_figure_name(enum alert_figure figure)
{
	return figures[figure].name;
}

const char *alert_figure_key(enum alert_figure figure)
{
	switch (figure) {
	case ALERT_LOST: return "lost_samples";
	case ALERT_SILENCE: return "silence";
	default: return figures[figure].name;
	}
}

const char *alert_figure_unit(enum alert_figure figure)
{
	static const char *const units[] = {[UNIT_COUNT] = "",
	    [UNIT_MONEY] = "USD",
	    [UNIT_PERCENT] = "%",
	    [UNIT_TIME] = "s",
	    [UNIT_RATE] = "tokens/s"};

	return units[figures[figure].unit];
}

bool alert_figure_is_sum(enum alert_figure figure)
{
	return figures[figure].is_sum;
}

const char *alert_window_name(enum alert_window window)
{
	return window == ALERT_NO_WINDOW ? NULL : window_names[window];
}

const char *alert_filter_name(enum alert_filter filter)
{
	return filter_names[filter];
}

/* --- A rule ----------------------------------------------------------------------------------- */

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
	for (int i = 0; i < ALERT_LOST; i++) {
		if (strcmp(word, figures[i].name) != 0)
			continue;
		r->figure = (enum alert_figure)i;
		return 0;
	}
	return line_refuse(l,
	    "'%s' begins no rule: begin with " FIGURE_WORDS ", or with webhook or discord", word);
}

static int take_window(struct alert_line *l, struct alert_rule *r)
{
	for (int i = 0; i < ALERT_NO_WINDOW; i++) {
		if (!line_take(l, window_names[i]))
			continue;
		r->window = (enum alert_window)i;
		return 0;
	}
	/* What must never happen needs no word on when. */
	if (r->figure == ALERT_LOST && (!line_peek(l) || strchr("<>", line_peek(l)[0]))) {
		r->window = ALERT_1H;
		return 0;
	}
	return line_refuse(l,
	    "'%s' is no window: write one of 1m, 5m, 1h or today after the figure",
	    line_peek(l) ? line_peek(l) : "");
}

static int take_comparison(struct alert_line *l, struct alert_rule *r)
{
	r->above = line_take(l, ">");
	if (!r->above && !line_take(l, "<"))
		return line_refuse(l, "has no comparison: write > or < after the window");
	if (!r->above && r->window == ALERT_TODAY && figures[r->figure].is_sum)
		return line_refuse(l, "would be raised every morning: write 1h in place of today");
	if (!r->above && r->figure == ALERT_LOST)
		return line_refuse(l, "can never be raised: write > after 'lost samples'");
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

static int take_threshold(struct alert_line *l, struct alert_rule *r)
{
	int err = 0;

	switch (figures[r->figure].unit) {
	case UNIT_COUNT: return take_number(l, "", "", &r->threshold);
	case UNIT_MONEY: return take_number(l, "$", "USD", &r->threshold);
	case UNIT_RATE: return take_number(l, "", "tokens/s", &r->threshold);
	case UNIT_TIME: return take_time(l, &r->threshold);
	case UNIT_PERCENT:
		err = take_number(l, "", "%", &r->threshold);
		if (!err && r->threshold > 100)
			return line_refuse(
			    l, "%g %% is more than all: write a number up to 100", r->threshold);
		break;
	}
	return err;
}

static int take_filter(struct alert_line *l, struct alert_rule *r, const char *word)
{
	for (int i = ALERT_MODEL; i <= ALERT_PROVIDER; i++) {
		size_t n = strlen(filter_names[i]);

		if (strncmp(word, filter_names[i], n) != 0 || word[n] != '=' || !word[n + 1])
			continue;
		if (r->filter != ALERT_ALL)
			return line_refuse(l,
			    "names two of model, bot and provider, which are not counted "
			    "together: name one");
		if (r->figure == ALERT_LOST)
			return line_refuse(
			    l, "lost samples are of nobody in particular: leave out '%s'", word);
		r->filter = (enum alert_filter)i;
		r->glob = strdup(word + n + 1);
		return r->glob ? 0 : -ENOMEM;
	}
	return line_refuse(l,
	    "'%s' does not belong there: a rule may end with 'with at least N requests', "
	    "and one of model=NAME, bot=NAME or provider=NAME",
	    word);
}

static int take_at_least(struct alert_line *l, struct alert_rule *r)
{
	const char *word;

	(void)line_take(l, "at");
	(void)line_take(l, "least");
	word = line_take_any(l);
	if (!word || parse_uint(word, 1, UINT32_MAX, &r->at_least) != 0 ||
	    (!line_take(l, "requests") && !line_take(l, "request")))
		return line_refuse(l, "'with' needs a number of requests: write 'with at least 20 "
				      "requests'");
	if (r->figure == ALERT_SILENCE || r->figure == ALERT_LOST)
		return line_refuse(l, "does not depend on requests: leave out 'with at least'");
	return 0;
}

static int read_rule(struct alert_line *l, struct alert_rule *r)
{
	int err = take_figure(l, r);

	r->window = ALERT_NO_WINDOW;
	r->above = true;
	r->at_least = 1;
	if (!err && r->figure != ALERT_SILENCE)
		err = take_window(l, r);
	if (!err && r->figure != ALERT_SILENCE)
		err = take_comparison(l, r);
	if (!err)
		err = take_threshold(l, r);
	while (!err && line_peek(l)) {
		const char *word = line_take_any(l);

		err = strcmp(word, "with") == 0 ? take_at_least(l, r) : take_filter(l, r, word);
	}
	return err;
}

/* The words with single spaces between them. */
static char *join(const struct alert_line *l)
{
	char text[2 * LINE_BYTES_MAX + LINE_WORDS_MAX] = "";
	char *to = text;

	for (size_t i = 0; i < l->count; i++)
		to += sprintf(to, "%s%s", i ? " " : "", l->words[i]);
	return strdup(text);
}

static int add_rule(struct alert_line *l, struct alert_rules *out)
{
	struct alert_rule r = {0}, *more;
	int err = read_rule(l, &r);

	if (!err && out->rule_count == ALERT_RULES_MAX)
		err = line_refuse(l, "is one rule too many: %d are enough", ALERT_RULES_MAX);
	if (!err) {
		r.text = join(l);
		more = realloc(out->rules, (out->rule_count + 1) * sizeof(*more));
		err = r.text && more ? 0 : -ENOMEM;
		out->rules = more ? more : out->rules;
	}
	for (size_t i = 0; !err && i < out->rule_count; i++)
		if (strcmp(out->rules[i].text, r.text) == 0)
			err = line_refuse(l, "says the same as an earlier line: leave it out");
	if (!err) {
		out->rules[out->rule_count++] = r;
		return 0;
	}
	free(r.text);
	free(r.glob);
	return err;
}

/* --- A target --------------------------------------------------------------------------------- */

static const char *url_fault(
    const struct curl_functions *c, CURLU *u, const char *url, char **shown)
{
	char *scheme = NULL, *host = NULL, *port = NULL;
	const char *fault = NULL;

	if (c->url_set(u, CURLUPART_URL, url, 0) != CURLUE_OK ||
	    c->url_get(u, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK ||
	    c->url_get(u, CURLUPART_HOST, &host, 0) != CURLUE_OK || !*host)
		fault = "is no URL: write one such as https://hooks.example.org/orbus";
	else if (strcmp(scheme, "https") != 0 && strcmp(scheme, "http") != 0)
		fault = "is of another protocol: write an https or http URL";
	(void)c->url_get(u, CURLUPART_PORT, &port, 0);
	if (!fault &&
	    asprintf(shown, "%s://%s%s%s", scheme, host, port ? ":" : "", port ? port : "") < 0)
		*shown = NULL;
	c->free(scheme);
	c->free(host);
	c->free(port);
	return fault;
}

/* Messages never repeat the URL: it may hold a token. */
static int add_target(struct alert_line *l, enum alert_format format, struct alert_rules *out)
{
	const char *word = l->words[0], *url = l->count == 2 ? l->words[1] : NULL, *fault;
	struct alert_target *t = &out->targets[out->target_count];
	const struct curl_functions *c = curl_on_demand();
	CURLU *u;

	if (!url)
		return line_refuse(l, "'%s' is followed by one URL", word);
	if (out->target_count == ALERT_TARGETS_MAX)
		return line_refuse(l, "is one target too many: %d are enough", ALERT_TARGETS_MAX);
	if (!c)
		return line_refuse(
		    l, "'%s' posts by libcurl, which is not there: install libcurl4", word);
	u = c->url();
	if (!u)
		return -ENOMEM;
	*t = (struct alert_target){.format = format};
	fault = url_fault(c, u, url, &t->shown);
	c->url_cleanup(u);
	if (fault)
		return line_refuse(l, "what follows '%s' %s", word, fault);
	t->url = strdup(url);
	snprintf(t->key, sizeof(t->key), "%016llx",
	    (unsigned long long)XXH3_64bits_withSeed(url, strlen(url), (XXH64_hash_t)format));
	out->target_count++;
	if (!t->url || !t->shown)
		return -ENOMEM;
	for (size_t i = 0; i + 1 < out->target_count; i++)
		if (strcmp(out->targets[i].key, t->key) == 0)
			return line_refuse(l, "is the same target as an earlier one: leave it out");
	return 0;
}

/* --- The whole -------------------------------------------------------------------------------- */

static int read_line(struct alert_line *l, const char *text, size_t length, struct alert_rules *out)
{
	char raw[LINE_BYTES_MAX + 1], safe[4 * LINE_BYTES_MAX + 1];
	int err;

	if (length > LINE_BYTES_MAX)
		return line_refuse(l, "is too long: at most %d bytes", LINE_BYTES_MAX);
	for (size_t i = 0; i < length; i++)
		raw[i] = text[i] == '\t' || (text[i] == '\r' && i + 1 == length) ? ' ' : text[i];
	raw[length] = '\0';
	text_sanitise(safe, sizeof(safe), raw);
	if (strlen(raw) != length || strcmp(raw, safe) != 0)
		return line_refuse(
		    l, "holds a control character, or is not UTF-8: write plain text");
	err = line_cut(l, raw, length);
	if (err || l->count == 0)
		return err;
	if (strcmp(l->words[0], "webhook") == 0)
		return add_target(l, ALERT_WEBHOOK, out);
	if (strcmp(l->words[0], "discord") == 0)
		return add_target(l, ALERT_DISCORD, out);
	return add_rule(l, out);
}

int alert_rules_parse(
    const char *text, size_t length, struct alert_rules *out, char *error, size_t error_bytes)
{
	struct alert_line l = {.error = error, .error_bytes = error_bytes};
	int err = 0;

	*out = (struct alert_rules){0};
	*error = '\0';
	while (!err && length > 0) {
		const char *end = memchr(text, '\n', length);
		size_t n = end ? (size_t)(end - text) : length;

		l.number++;
		err = read_line(&l, text, n, out);
		text += n + (end != NULL);
		length -= n + (end != NULL);
	}
	if (!err && out->rule_count == 0) {
		l.number = l.number ? l.number : 1;
		err = line_refuse(&l, "there is no rule: write one such as 'cost today > 5 USD'");
	}
	return err;
}

int alert_rules_load(const char *path, struct alert_rules *out, char *error, size_t error_bytes)
{
	char *text = malloc(ALERT_FILE_MAX + 1), fault[512];
	FILE *f = fopen(path, "re");
	size_t length = 0;
	int err = -EINVAL;

	*out = (struct alert_rules){0};
	*error = '\0';
	if (!text)
		err = -ENOMEM;
	else if (!f)
		snprintf(error, error_bytes, "%s: %s", path, strerror(errno));
	else if ((length = fread(text, 1, ALERT_FILE_MAX + 1, f)), ferror(f))
		snprintf(error, error_bytes, "%s: %s", path, strerror(errno));
	else if (length > ALERT_FILE_MAX)
		snprintf(error, error_bytes, "%s: is larger than %d bytes", path, ALERT_FILE_MAX);
	else if ((err = alert_rules_parse(text, length, out, fault, sizeof(fault))) == -EINVAL)
		snprintf(error, error_bytes, "%s:%s", path, fault);
	if (f)
		fclose(f);
	free(text);
	return err;
}

const struct alert_target *alert_rules_target(const struct alert_rules *r, const char *key)
{
	for (size_t i = 0; i < r->target_count; i++)
		if (strcmp(r->targets[i].key, key) == 0)
			return &r->targets[i];
	return NULL;
}

void alert_rules_free(struct alert_rules *r)
{
	for (size_t i = 0; i < r->rule_count; i++) {
		free(r->rules[i].text);
		free(r->rules[i].glob);
	}
	for (size_t i = 0; i < r->target_count; i++) {
		free(r->targets[i].url);
		free(r->targets[i].shown);
	}
	free(r->rules);
	*r = (struct alert_rules){0};
}
