/*
 * requests.c: single requests out of the agent's journal.
 */
#include "requests.h"
#include "base/clock.h"
#include "base/ratings.h"
#include "common/csv.h"
#include "common/print.h"
#include "doc/document.h"
#include "doc/json_build.h"
#include "doc/sample_json.h"
#include "journal/read.h"
#include "print_csv.h"
#include "print_trend.h"
#include "sample/dup.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
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

/* The slowest so far, in order. */
struct slowest {
	struct orbus_sample **items;
	size_t count, wanted;
	uint64_t requests; /* that were looked at */
};

static int note_slow(void *context, const struct orbus_sample *s)
{
	struct slowest *l = context;
	size_t place = l->count;
	struct orbus_sample *one;

	l->requests++;
	/* NaN is not known, and no comparison with it is true. */
	if (!(s->response_ms >= 0) ||
	    (place == l->wanted && !(s->response_ms > l->items[place - 1]->response_ms)))
		return 0;
	one = sample_dup(s);
	if (!one)
		return -ENOMEM;
	if (place == l->wanted)
		free(l->items[--place]);
	else
		l->count++;
	for (; place > 0 && l->items[place - 1]->response_ms < one->response_ms; place--)
		l->items[place] = l->items[place - 1];
	l->items[place] = one;
	return 0;
}

static void print_field(FILE *out, const char *separator, const char *name, const char *text)
{
	if (!text || !*text)
		return;
	fprintf(out, "%s%s ", separator, name);
	print_text(out, text);
}

static void print_number(FILE *out, uint64_t n, const char *name)
{
	char text[COUNT_TEXT_BYTES];

	if (n == ORBUS_NONE)
		return;
	format_count(count_bound(n), text);
	fprintf(out, "  %s %s", name, text);
}

/* The lines behind the first: what else is known of it. */
static void print_details(FILE *out, const struct orbus_sample *s)
{
	fprintf(out, "     %s", s->stream ? "streamed" : "not streamed");
	print_number(out, s->prompt_tokens, "prompt");
	print_number(out, s->completion_tokens, "completion");
	print_number(out, s->reasoning_tokens, "reasoning");
	if (s->cost_usd >= 0)
		fprintf(out, "  $%s", format_fixed(s->cost_usd, 6).text);
	print_field(out, "  ", "bot", s->bot);
	print_field(out, "  ", "by", s->provider);
	print_field(out, "\n     ", "finished:", s->finish_reason);
	print_field(out, "\n     ", "failed:", s->error_type);
	print_field(out, "", ":", s->error_message);
	print_field(out, "\n     ", "id", s->request_id);
	for (size_t i = 0; i < s->tag_count; i++) {
		fputs("  ", out);
		print_text(out, s->tags[i].key);
		fputc('=', out);
		print_text(out, s->tags[i].value);
	}
	fputc('\n', out);
}

static void format_local(uint64_t ts, bool utc, char out[TIME_NAME_BYTES])
{
	time_t t = (time_t)(ts / NS_PER_SECOND);
	struct tm tm;

	if (utc)
		gmtime_r(&t, &tm);
	else
		localtime_r(&t, &tm);
	strftime(out, TIME_NAME_BYTES, "%Y-%m-%d %H:%M:%S", &tm);
}

static void print_slow(FILE *out, const struct orbus_sample *s, size_t rank, bool utc, bool colour)
{
	const char *model = s->model && *s->model ? s->model : s->requested_model;
	enum tone tone = rate_response_ms(s->response_ms).tone;
	double tps = orbus_sample_tps(s);
	char when[TIME_NAME_BYTES];

	format_local(s->ts, utc, when);
	fprintf(out, "%3zu. %s%ss%s  %s  ", rank, tone_start(tone, colour),
	    format_fixed(s->response_ms / 1000, 2).text, tone_end(tone, colour), when);
	print_text(out, model ? model : "");
	if (s->status != ORBUS_STATUS_OK) {
		fprintf(out, "  %s", tone_start(TONE_BAD, colour));
		print_text(out, orbus_status_name(s->status));
		fputs(tone_end(TONE_BAD, colour), out);
	}
	if (s->ttft_ms >= 0)
		fprintf(out, "  TTFT %ss", format_fixed(s->ttft_ms / 1000, 2).text);
	if (tps >= 0)
		fprintf(out, "  TPS %s", format_fixed(tps, 1).text);
	fputc('\n', out);
	print_details(out, s);
}

static void csv_optional_text(FILE *out, const char *text)
{
	fputc(',', out);
	csv_text(out, text ? text : "");
}

static void csv_count(FILE *out, uint64_t n)
{
	csv_figure(out, n == ORBUS_NONE ? NAN : (double)count_bound(n));
}

/* The columns of print_slow_csv()'s heading. */
static void print_slow_csv_line(FILE *out, const struct orbus_sample *s)
{
	char ts[RFC3339_BYTES];

	clock_format_rfc3339(s->ts, ts);
	csv_text(out, ts);
	csv_optional_text(out, orbus_status_name(s->status));
	csv_optional_text(out, s->model);
	csv_optional_text(out, s->requested_model);
	csv_optional_text(out, s->bot);
	csv_optional_text(out, s->provider);
	csv_optional_text(out, s->finish_reason);
	csv_optional_text(out, s->request_id);
	csv_optional_text(out, s->error_type);
	csv_optional_text(out, s->error_message);
	fputs(s->stream ? ",true" : ",false", out);
	csv_figure(out, s->response_ms);
	csv_figure(out, s->ttft_ms);
	csv_figure(out, orbus_sample_tps(s));
	csv_count(out, s->prompt_tokens);
	csv_count(out, s->completion_tokens);
	csv_count(out, s->total_tokens);
	csv_figure(out, s->cost_usd);
	fputs("\r\n", out);
}

static void print_slow_csv(FILE *out, const struct slowest *l)
{
	fputs("ts,status,model,requested_model,bot,provider,finish_reason,request_id,error_type,"
	      "error_message,stream,response_ms,ttft_ms,tps,prompt_tokens,completion_tokens,"
	      "total_tokens,cost_usd\r\n",
	    out);
	for (size_t i = 0; i < l->count; i++)
		print_slow_csv_line(out, l->items[i]);
}

static int print_slow_json(const struct slowest *l)
{
	struct json_build list = json_build_array();
	json_t *all;
	int err;

	for (size_t i = 0; i < l->count; i++)
		json_build_append(&list, sample_to_json(l->items[i]));
	all = json_build_take(&list);
	err = all ? print_json(stdout, all, JSON_INDENT(2)) : -ENOMEM;
	putchar('\n');
	json_decref(all);
	return err;
}

static int print_slowest(const struct slowest *l, const struct report_ask *ask)
{
	bool colour = output_wants_colour(stdout);

	switch (ask->settings.format) {
	case REPORT_CSV: print_slow_csv(stdout, l); return 0;
	case REPORT_JSON: return print_slow_json(l);
	default:
		print_head(ask, l->requests);
		for (size_t i = 0; i < l->count; i++)
			print_slow(stdout, l->items[i], i + 1, ask->settings.utc, colour);
		return 0;
	}
}

static int slowest_report(const char *folder, const struct report_ask *ask)
{
	struct slowest l = {.items = calloc(ask->settings.slowest, sizeof(*l.items)),
	    .wanted = ask->settings.slowest};
	int status = CLI_FAILED;

	if (l.items)
		status = for_each_request(folder, &ask->span, note_slow, &l);
	if (!l.items || (l.count > 0 || status == CLI_FINE ? print_slowest(&l, ask) : 0) != 0)
		status = explain(folder, "", -ENOMEM);
	for (size_t i = 0; l.items && i < l.count; i++)
		free(l.items[i]);
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
		document_write_stats(&tree.writer, NULL, &g->sum.by_model);
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
	if (!aggregate_settle(&g.sum))
		status = explain(folder, "", -ENOMEM);
	else if ((g.sum.requests.total > 0 || status == CLI_FINE) && print_groups(&g, ask) != 0)
		status = explain(folder, "", -ENOMEM);
	aggregate_free(&g.sum);
	return status;
}

int requests_report(const char *folder, const struct report_ask *ask)
{
	return ask->settings.slowest ? slowest_report(folder, ask) : groups_report(folder, ask);
}
