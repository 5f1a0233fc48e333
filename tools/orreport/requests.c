/*
 * requests.c: single requests out of the agent's journal.
 */
#include "requests.h"
#include "base/clock.h"
#include "base/ratings.h"
#include "common/csv.h"
#include "common/print.h"
#include "common/stats_lookup.h"
#include "doc/document_stats.h"
#include "doc/sample_json.h"
#include "journal/read.h"
#include "print_csv.h"
#include "print_trend.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define TOOL "orreport"

typedef int (*each_request)(void *context, const struct orbus_sample *s);

static int explain(const char *folder, const char *file, int err)
{
	char safe[1024];

	text_sanitise(safe, sizeof(safe), folder);
	if (err == -ENOENT)
		fprintf(stderr,
		    TOOL
		    ": %s: there is no journal here: start oragent with --journal, which keeps "
		    "every request\n",
		    safe);
	else
		fprintf(
		    stderr, TOOL ": %s%s%s: %s\n", safe, *file ? "/" : "", file, strerror(-err));
	return CLI_FAILED;
}

/* Calls for every request of the journal; returns the exit status. */
static int for_each_request(
    const char *folder, const struct time_span *span, each_request call, void *context)
{
	struct journal_read *r = NULL;
	struct orbus_sample s;
	int status = CLI_FINE, err = journal_read_open(folder, span->start_ns, span->end_ns, &r);
	bool opened = err == 0;

	while (!err && (err = journal_read_next(r, &s)) == 1)
		err = call(context, &s);
	if (err)
		status = explain(folder, opened ? journal_read_file(r) : "", err);
	else if (journal_read_damaged(r) > 0) {
		fprintf(stderr, TOOL ": %" PRIu64 " damaged lines of the journal were skipped\n",
		    journal_read_damaged(r));
		status = CLI_FAILED;
	}
	journal_read_close(r);
	return status;
}

/* --- The slowest ------------------------------------------------------------------------------ */

/* "orreport  2026-11-19 to 2026-11-25  1,234 requests in the journal" */
static void print_head(const struct report_ask *ask, uint64_t requests)
{
	bool colour = output_wants_colour(stdout);
	char name[TIME_NAME_BYTES], count[COUNT_TEXT_BYTES];

	time_name(&ask->calendar, &ask->span, name);
	format_count(requests, count);
	printf("%sorreport%s  %s%s  %s request%s in the journal\n", tone_start(TONE_STRONG, colour),
	    tone_end(TONE_STRONG, colour), name, ask->calendar.utc ? " UTC" : "", count,
	    requests == 1 ? "" : "s");
}

struct slow {
	double response_ms;
	json_t *request;
};

/* The slowest so far, in order. */
struct slowest {
	struct slow *items;
	size_t count, wanted;
	uint64_t requests; /* that were looked at */
};

static int note_slow(void *context, const struct orbus_sample *s)
{
	struct slowest *l = context;
	size_t place = l->count;
	struct slow one = {.response_ms = s->response_ms};

	l->requests++;
	/* NaN is not known, and no comparison with it is true. */
	if (!(s->response_ms >= 0) ||
	    (place == l->wanted && !(s->response_ms > l->items[place - 1].response_ms)))
		return 0;
	one.request = sample_to_json(s);
	if (!one.request)
		return -ENOMEM;
	if (place == l->wanted)
		json_decref(l->items[--place].request);
	else
		l->count++;
	for (; place > 0 && l->items[place - 1].response_ms < one.response_ms; place--)
		l->items[place] = l->items[place - 1];
	l->items[place] = one;
	return 0;
}

static const char *text_at(const json_t *o, const char *key)
{
	const char *text = json_string_value(json_object_get(o, key));

	return text ? text : "";
}

static void print_field(FILE *out, const char *separator, const char *name, const char *text)
{
	if (!*text)
		return;
	fprintf(out, "%s%s ", separator, name);
	print_text(out, text);
}

static void print_number(FILE *out, const json_t *o, const char *key, const char *name)
{
	char text[COUNT_TEXT_BYTES];

	if (!json_object_get(o, key))
		return;
	format_count(count_at(o, key, NULL), text);
	fprintf(out, "  %s %s", name, text);
}

/* The lines behind the first: what else is known of it. */
static void print_details(FILE *out, const json_t *o)
{
	double cost = number_at(o, "cost_usd", NULL);
	const json_t *tags = json_object_get(o, "tags"), *value;
	const char *key;

	fprintf(out, "     %s",
	    json_is_true(json_object_get(o, "stream")) ? "streamed" : "not streamed");
	print_number(out, o, "prompt_tokens", "prompt");
	print_number(out, o, "completion_tokens", "completion");
	print_number(out, o, "reasoning_tokens", "reasoning");
	if (cost >= 0)
		fprintf(out, "  $%s", format_fixed(cost, 6).text);
	print_field(out, "  ", "bot", text_at(o, "bot"));
	print_field(out, "  ", "by", text_at(o, "provider"));
	print_field(out, "\n     ", "finished:", text_at(o, "finish_reason"));
	print_field(out, "\n     ", "failed:", text_at(o, "error_type"));
	print_field(out, "", ":", text_at(o, "error_message"));
	print_field(out, "\n     ", "id", text_at(o, "request_id"));
	json_object_foreach((json_t *)(uintptr_t)tags, key, value)
	{
		fputs("  ", out);
		print_text(out, key);
		fputc('=', out);
		print_text(out, json_string_value(value));
	}
	fputc('\n', out);
}

static void print_slow(FILE *out, const struct slow *s, size_t rank, bool utc, bool colour)
{
	double ttft = number_at(s->request, "ttft_ms", NULL),
	       tps = number_at(s->request, "tps", NULL);
	const char *model = text_at(s->request, "model"), *status = text_at(s->request, "status");
	enum tone tone = rate_response_ms(s->response_ms).tone;
	char when[TIME_NAME_BYTES] = "";
	uint64_t ts;
	time_t t;
	struct tm tm;

	if (clock_parse_rfc3339(text_at(s->request, "ts"), &ts)) {
		t = (time_t)(ts / NS_PER_SECOND);
		if (utc)
			gmtime_r(&t, &tm);
		else
			localtime_r(&t, &tm);
		strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S", &tm);
	}
	fprintf(out, "%3zu. %s%ss%s  %s  ", rank, tone_start(tone, colour),
	    format_fixed(s->response_ms / 1000, 2).text, tone_end(tone, colour), when);
	print_text(out, *model ? model : text_at(s->request, "requested_model"));
	if (strcmp(status, "ok") != 0) {
		fprintf(out, "  %s", tone_start(TONE_BAD, colour));
		print_text(out, status);
		fputs(tone_end(TONE_BAD, colour), out);
	}
	if (ttft >= 0)
		fprintf(out, "  TTFT %ss", format_fixed(ttft / 1000, 2).text);
	if (tps >= 0)
		fprintf(out, "  TPS %s", format_fixed(tps, 1).text);
	fputc('\n', out);
	print_details(out, s->request);
}

static void print_slow_csv(FILE *out, const struct slowest *l)
{
	static const char *const texts[] = {"ts", "status", "model", "requested_model", "bot",
	    "provider", "finish_reason", "request_id", "error_type", "error_message"};
	static const char *const figures[] = {"response_ms", "ttft_ms", "tps", "prompt_tokens",
	    "completion_tokens", "total_tokens", "cost_usd"};
	const size_t text_count = sizeof(texts) / sizeof(texts[0]);
	const size_t figure_count = sizeof(figures) / sizeof(figures[0]);

	for (size_t k = 0; k < text_count; k++)
		fprintf(out, "%s,", texts[k]);
	fputs("stream", out);
	for (size_t k = 0; k < figure_count; k++)
		fprintf(out, ",%s", figures[k]);
	fputs("\r\n", out);
	for (size_t i = 0; i < l->count; i++) {
		const json_t *o = l->items[i].request;

		for (size_t k = 0; k < text_count; k++) {
			csv_text(out, text_at(o, texts[k]));
			fputc(',', out);
		}
		fputs(json_is_true(json_object_get(o, "stream")) ? "true" : "false", out);
		for (size_t k = 0; k < figure_count; k++)
			csv_figure(out, number_at(o, figures[k], NULL));
		fputs("\r\n", out);
	}
}

static int print_slowest(const struct slowest *l, const struct report_ask *ask)
{
	const struct orreport_settings *s = &ask->settings;
	json_t *list;
	int err;

	if (s->format == REPORT_CSV) {
		print_slow_csv(stdout, l);
		return 0;
	}
	if (s->format != REPORT_JSON) {
		print_head(ask, l->requests);
		for (size_t i = 0; i < l->count; i++)
			print_slow(
			    stdout, &l->items[i], i + 1, s->utc, output_wants_colour(stdout));
		return 0;
	}
	list = json_array();
	for (size_t i = 0; list && i < l->count; i++)
		json_array_append(list, l->items[i].request);
	err = list ? print_json(stdout, list, JSON_INDENT(2)) : -ENOMEM;
	putchar('\n');
	json_decref(list);
	return err;
}

static int slowest_report(const char *folder, const struct report_ask *ask)
{
	struct slowest l = {.items = calloc(ask->settings.slowest, sizeof(struct slow)),
	    .wanted = ask->settings.slowest};
	int status = CLI_FAILED;

	if (l.items)
		status = for_each_request(folder, &ask->span, note_slow, &l);
	if (!l.items || (l.count > 0 || status == CLI_FINE ? print_slowest(&l, ask) : 0) != 0)
		status = explain(folder, "", -ENOMEM);
	for (size_t i = 0; l.items && i < l.count; i++)
		json_decref(l.items[i].request);
	free(l.items);
	return status;
}

/* --- Groups ----------------------------------------------------------------------------------- */

struct groups {
	enum report_group by;
	struct aggregate sum; /* its models are the groups */
};

static const char *group_of(const struct orbus_sample *s, enum report_group by)
{
	switch (by) {
	case GROUP_STREAM: return s->stream ? "streamed" : "not streamed";
	case GROUP_MODEL: return s->model ? s->model : s->requested_model;
	case GROUP_BOT: return s->bot;
	case GROUP_PROVIDER: return s->provider;
	case GROUP_STATUS: return orbus_status_name(s->status);
	case GROUP_ERROR_TYPE: return s->error_type ? s->error_type : "(none)";
	case GROUP_FINISH_REASON: return s->finish_reason;
	case GROUP_NOTHING: break;
	}
	return NULL;
}

static int add_to_group(void *context, const struct orbus_sample *s)
{
	struct groups *g = context;
	struct orbus_sample one = *s;

	one.model = group_of(s, g->by);
	one.requested_model = NULL;
	return aggregate_add(&g->sum, &one) ? 0 : -ENOMEM;
}

static int print_groups(const struct groups *g, const struct report_ask *ask)
{
	static const char *const keys[] = {
	    "stream", "model", "bot", "provider", "status", "error_type", "finish_reason"};
	static const char *const headings[] = {
	    "STREAM", "MODEL", "BOT", "PROVIDER", "STATUS", "ERROR TYPE", "FINISH REASON"};
	struct tree_writer tree;
	json_t *all;
	int err;

	switch (ask->settings.format) {
	case REPORT_CSV: series_print_csv(stdout, &g->sum.by_model, keys[g->by]); return 0;
	case REPORT_JSON:
		tree_writer_init(&tree);
		stats_put_name_table(&tree.writer, NULL, &g->sum.by_model);
		all = tree_writer_take(&tree);
		err = all ? print_json(stdout, all, JSON_INDENT(2)) : -ENOMEM;
		putchar('\n');
		json_decref(all);
		return err;
	default:
		print_head(ask, g->sum.requests.total);
		by_print_series(
		    stdout, &g->sum.by_model, headings[g->by], output_wants_colour(stdout));
		return 0;
	}
}

static int groups_report(const char *folder, const struct report_ask *ask)
{
	struct groups g = {.by = (enum report_group)ask->settings.group_by};
	int status;

	aggregate_init(&g.sum);
	status = for_each_request(folder, &ask->span, add_to_group, &g);
	if ((g.sum.requests.total > 0 || status == CLI_FINE) && print_groups(&g, ask) != 0)
		status = explain(folder, "", -ENOMEM);
	aggregate_free(&g.sum);
	return status;
}

int requests_report(const char *folder, const struct report_ask *ask)
{
	return ask->settings.slowest ? slowest_report(folder, ask) : groups_report(folder, ask);
}
