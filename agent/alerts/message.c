/*
 * message.c: an alert as it is logged and posted.
 */
#include "message.h"
#include "base/clock.h"
#include "base/number_text.h"
#include "base/utf8.h"
#include "doc/json_build.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

/* Of Discord's "Embed Limits". */
#define DISCORD_DESCRIPTION_MAX 4000
#define DISCORD_RED             0xe74c3c
#define DISCORD_GREEN           0x2ecc71
/* All that a rule says is in its line, of LINE_BYTES_MAX. */
#define FILTERS_BYTES (LINE_BYTES_MAX + 64)
#define NAME_BYTES    (LINE_BYTES_MAX + 256)

static void put_unit(enum alert_figure figure, const char *text, char *out, size_t bytes)
{
	const char *unit = alert_figure_unit(figure);

	snprintf(out, bytes, "%s%s%s", text, *unit ? " " : "", unit);
}

void alert_format_value(enum alert_figure figure, double value, char *out, size_t bytes)
{
	char text[64];

	if (figure == ALERT_SILENCE || figure == ALERT_SILENT) {
		clock_format_uptime((uint64_t)fmax(value, 0), text, sizeof(text));
		snprintf(out, bytes, "%s", text);
	} else if (isnan(value)) {
		snprintf(out, bytes, "unknown");
	} else {
		format_figure(value, text);
		put_unit(figure, text, out, bytes);
	}
}

/* " bot=acore model=openai/\*" */
static void name_filters(const struct alert_rule *r, char *out, size_t bytes)
{
	size_t n = 0;

	*out = '\0';
	for (int i = 0; i < ALERT_FILTERS && n < bytes; i++)
		if (r->glob[i])
			n += (size_t)snprintf(out + n, bytes - n, " %s=%s",
			    alert_filter_name((enum alert_filter)i), r->glob[i]);
}

/* "p95 5m model=openai/\*", "gauge discord_latency_ms 5m bot=acore" */
static void name_figure(const struct alert_rule *r, char *out, size_t bytes)
{
	const char *window = alert_window_name(r->window);
	char filters[FILTERS_BYTES];

	name_filters(r, filters, sizeof(filters));
	snprintf(out, bytes, "%s%s%s%s%s%s", alert_figure_name(r->figure), r->gauge ? " " : "",
	    r->gauge ? r->gauge : "", window ? " " : "", window ? window : "", filters);
}

/* Of one filter as people say it, of several as they are written. */
static void name_whose(const struct alert_rule *r, char *out, size_t bytes)
{
	char filters[FILTERS_BYTES];

	*out = '\0';
	for (int i = 0; i < ALERT_FILTERS; i++)
		if (r->glob[i])
			snprintf(out, bytes, " of %s %s", alert_filter_name((enum alert_filter)i),
			    r->glob[i]);
	if (alert_rule_filters(r) < 2)
		return;
	name_filters(r, filters, sizeof(filters));
	snprintf(out, bytes, " of%s", filters);
}

static void write_silence(const struct alert_change *c, const char *value, char *out)
{
	char whose[FILTERS_BYTES + 16];

	name_whose(c->rule, whose, sizeof(whose));
	if (c->what == ALERT_FIRES)
		snprintf(out, ALERT_SENTENCE_BYTES, "no requests%s for %s", whose, value);
	else
		snprintf(out, ALERT_SENTENCE_BYTES, "requests%s come again", whose);
}

static void write_silent_bot(const struct alert_change *c, const char *value, char *out)
{
	const char *bot = c->bot && *c->bot ? c->bot : "(unknown)";

	if (c->what == ALERT_FIRES && c->others > 0)
		snprintf(out, ALERT_SENTENCE_BYTES,
		    "bot %s has been silent for %s, and %u more bots", bot, value, c->others);
	else if (c->what == ALERT_FIRES)
		snprintf(out, ALERT_SENTENCE_BYTES, "bot %s has been silent for %s", bot, value);
	else if (c->what == ALERT_HAS_NO_DATA)
		snprintf(out, ALERT_SENTENCE_BYTES,
		    "bot %s is not waited for any more: it has been silent for too long", bot);
	else
		snprintf(out, ALERT_SENTENCE_BYTES, "bot %s is heard of again", bot);
}

/* So that the sentence shows that the one is beyond the other. */
static void format_both(const struct alert_change *c, char *value, char *threshold, size_t bytes)
{
	const struct alert_rule *r = c->rule;
	char figure[FIGURE_TEXT_BYTES], limit[FIGURE_TEXT_BYTES];

	if (isnan(c->reading.value)) {
		alert_format_value(r->figure, c->reading.value, value, bytes);
		alert_format_value(r->figure, r->threshold, threshold, bytes);
		return;
	}
	format_with_limit(c->reading.value, r->threshold, figure, limit);
	put_unit(r->figure, figure, value, bytes);
	put_unit(r->figure, limit, threshold, bytes);
}

void alert_sentence(const struct alert_change *c, char out[ALERT_SENTENCE_BYTES])
{
	char name[NAME_BYTES], value[64], threshold[64];
	const struct alert_rule *r = c->rule;

	alert_format_value(r->figure, c->reading.value, value, sizeof(value));
	if (r->figure == ALERT_SILENCE) {
		write_silence(c, value, out);
		return;
	}
	if (r->figure == ALERT_SILENT) {
		write_silent_bot(c, value, out);
		return;
	}
	name_figure(r, name, sizeof(name));
	format_both(c, value, threshold, sizeof(value));
	switch (c->what) {
	case ALERT_FIRES:
		snprintf(out, ALERT_SENTENCE_BYTES, "%s is %s, %s %s", name, value,
		    r->above ? "over" : "under", threshold);
		break;
	case ALERT_IS_BACK:
		snprintf(out, ALERT_SENTENCE_BYTES, "%s is back at %s (limit %s)", name, value,
		    threshold);
		break;
	case ALERT_HAS_NO_DATA:
		snprintf(out, ALERT_SENTENCE_BYTES,
		    "%s has nothing to be judged by any more (limit %s)", name, threshold);
		break;
	case ALERT_BEGINS_ANEW:
		snprintf(out, ALERT_SENTENCE_BYTES, "%s begins anew with the %s (limit %s)", name,
		    alert_window_unit(r->window), threshold);
		break;
	}
}

/* The same for the same change, so that who gets it twice can tell. */
static void make_id(const struct alert_change *c, char out[17])
{
	XXH64_hash_t seed = c->since_ns ^ (uint64_t)(c->what != ALERT_FIRES);

	snprintf(out, 17, "%016llx",
	    (unsigned long long)XXH3_64bits_withSeed(c->rule->text, strlen(c->rule->text), seed));
}

static json_t *text_or_null(const char *text)
{
	return text ? json_string(text) : json_null();
}

/* {"model": "openai/\*", "bot": "acore"} */
static json_t *filter_to_json(const struct alert_rule *r)
{
	struct json_build o;

	if (alert_rule_filters(r) == 0)
		return json_null();
	o = json_build_object();
	for (int i = 0; i < ALERT_FILTERS; i++)
		if (r->glob[i])
			json_build_set(
			    &o, alert_filter_name((enum alert_filter)i), json_string(r->glob[i]));
	return json_build_take(&o);
}

/* A gauge has values in place of requests, and a silent bot has neither. */
static void set_counts(struct json_build *o, const struct alert_change *c)
{
	bool is_gauge = c->rule->gauge, has_none = c->rule->figure == ALERT_SILENT;
	uint64_t n = c->reading.requests;

	json_build_set(o, "requests", is_gauge || has_none ? json_null() : json_count(n));
	json_build_set(o, "values", is_gauge ? json_count(n) : json_null());
}

json_t *alert_payload(const struct alert_change *c)
{
	const struct alert_rule *r = c->rule;
	struct json_build o = json_build_object();
	char sentence[ALERT_SENTENCE_BYTES], id[17], at[RFC3339_BYTES], since[RFC3339_BYTES];

	alert_sentence(c, sentence);
	make_id(c, id);
	clock_format_rfc3339_local(c->at_ns, c->utc, at);
	clock_format_rfc3339_local(c->since_ns, c->utc, since);
	json_build_set(&o, "source", json_string("orbus"));
	json_build_set(&o, "id", json_string(id));
	json_build_set(&o, "state", json_string(c->what == ALERT_FIRES ? "firing" : "recovered"));
	json_build_set(&o, "message", json_string(sentence));
	json_build_set(&o, "rule", json_string(r->text));
	json_build_set(&o, "figure", json_string(alert_figure_key(r->figure)));
	json_build_set(&o, "gauge", text_or_null(r->gauge));
	json_build_set(&o, "window", text_or_null(alert_window_name(r->window)));
	json_build_set(&o, "filter", filter_to_json(r));
	json_build_set(&o, "value", json_figure(c->reading.value));
	json_build_set(&o, "threshold", json_figure(r->threshold));
	json_build_set(&o, "unit", json_string(alert_figure_unit(r->figure)));
	set_counts(&o, c);
	json_build_set(&o, "bot", text_or_null(c->bot));
	json_build_set(&o, "at", json_string(at));
	json_build_set(&o, "since", json_string(since));
	json_build_set(&o, "host", json_string(c->host));
	json_build_set(&o, "bus", json_string(c->bus));
	return json_build_take(&o);
}

static const char *text_of(const json_t *payload, const char *key)
{
	const char *text = json_string_value(json_object_get(payload, key));

	return text ? text : "";
}

/* A model's name must not mention, and so notify, anyone. */
static json_t *discord_message(const json_t *payload)
{
	bool fires = strcmp(text_of(payload, "state"), "firing") == 0;
	char *description = NULL, *footer = NULL;
	json_t *o = NULL;
	size_t n;

	if (asprintf(&description, "%s\n`%s`", text_of(payload, "message"),
		text_of(payload, "rule")) < 0)
		description = NULL;
	if (asprintf(&footer, "%s, bus %s", text_of(payload, "host"), text_of(payload, "bus")) < 0)
		footer = NULL;
	if (description && footer) {
		n = utf8_cut(description, strlen(description), DISCORD_DESCRIPTION_MAX);
		o = json_pack("{s:s,s:{s:[]},s:[{s:s,s:s%,s:i,s:s,s:{s:s}}]}", "username", "orbus",
		    "allowed_mentions", "parse", "embeds", "title", fires ? "Alert" : "Recovered",
		    "description", description, n, "color", fires ? DISCORD_RED : DISCORD_GREEN,
		    "timestamp", text_of(payload, "at"), "footer", "text", footer);
	}
	free(description);
	free(footer);
	return o;
}

char *alert_render(const json_t *payload, enum alert_format format)
{
	json_t *discord = format == ALERT_DISCORD ? discord_message(payload) : NULL;
	char *text =
	    format == ALERT_DISCORD && !discord
		? NULL
		: json_dumps(discord ? discord : payload, JSON_COMPACT | JSON_REAL_PRECISION(15));

	json_decref(discord);
	return text;
}
