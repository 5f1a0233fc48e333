/*
 * main.c: reports what an agent's files hold: trends, comparisons, advice.
 */
#include "base/data_dir.h"
#include "common/advice/advice.h"
#include "common/print.h"
#include "compare.h"
#include "doc/snapshot_read.h"
#include "merge.h"
#include "orreport/page/data.h"
#include "orreport/page/page.h"
#include "print_csv.h"
#include "print_json.h"
#include "print_svg.h"
#include "print_trend.h"
#include "query.h"
#include "requests.h"
#include "silent.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define TOOL "orreport"

struct reporting {
	struct report_ask ask;
	char *data_dir;
	struct report_folder folder;
};

static int report_failure(const char *what, const char *why, const char *remedy)
{
	char safe[1024];

	text_sanitise(safe, sizeof(safe), what);
	fprintf(stderr, TOOL ": %s: %s%s%s\n", safe, why, *remedy ? ": " : "", remedy);
	return CLI_FAILED;
}

static int out_of_memory(void)
{
	fputs(TOOL ": out of memory\n", stderr);
	return CLI_FAILED;
}

/* --- Reading ---------------------------------------------------------------------------------- */

/* Says why there is nothing to report: on standard error, and where a page is asked for, on it. */
static int nothing(const struct reporting *g, const char *why, const char *remedy,
    const struct report_notes *notes)
{
	char what[1024];

	snprintf(what, sizeof(what), "%s: %s", g->data_dir, why);
	if (g->ask.settings.format == REPORT_HTML &&
	    !page_print(
		stdout, page_nothing_data(&g->ask.calendar, g->ask.now_ns, what, remedy, notes)))
		return out_of_memory();
	return report_failure(g->data_dir, why, remedy);
}

/* What a stretch has no file of, and what there is instead. */
static int nothing_there(
    const struct reporting *g, const struct time_span *span, const struct report_notes *notes)
{
	const struct report_folder *f = &g->folder;
	char asked[TIME_NAME_BYTES], why[256];

	if (f->count == 0)
		return nothing(g, "no agent has kept files here",
		    "start oragent, or name its folder with --data-dir", notes);
	time_name(&g->ask.calendar, span, asked);
	snprintf(why, sizeof(why), "has no files of %s, only from %.8s to %.8s", asked,
	    strchr(f->days[0].names->text, '_') + 1,
	    strchr(f->days[f->count - 1].names->text, '_') + 1);
	return nothing(g, why, "", notes);
}

static int read_one(const struct reporting *g, const struct time_span *span, enum period_kind per,
    unsigned parts, unsigned row_parts, struct report *out)
{
	const struct report_request q = {.folder = &g->folder,
	    .calendar = g->ask.calendar,
	    .span = *span,
	    .per = per,
	    .now_ns = g->ask.now_ns,
	    .parts = parts,
	    .row_parts = row_parts};
	int err = report_read(&q, out);

	if (err == -ENOENT) {
		/* Damaged files are no files; they are named. */
		for (size_t i = 0; i < out->notes.count; i++)
			report_failure(g->data_dir, out->notes.items[i].text, "");
		return nothing_there(g, span, &out->notes);
	}
	return err ? out_of_memory() : CLI_PROCEED;
}

/* What is wrong goes to standard error, whatever the format. */
static int tell_wrong(const struct reporting *g, const struct report *r)
{
	for (size_t i = 0; i < r->notes.count; i++)
		if (r->notes.items[i].wrong)
			report_failure(g->data_dir, r->notes.items[i].text, "");
	return notes_are_wrong(&r->notes) ? CLI_FAILED : CLI_FINE;
}

static int print_json_and_free(json_t *value)
{
	int err = value ? print_json(stdout, value, JSON_INDENT(2)) : -ENOMEM;

	json_decref(value);
	if (err)
		return out_of_memory();
	putchar('\n');
	return CLI_FINE;
}

/* Takes over `data`. */
static int print_page(json_t *data)
{
	return page_print(stdout, data) ? CLI_FINE : out_of_memory();
}

/* --- The reports ------------------------------------------------------------------------------ */

static int print_comparison(
    const struct reporting *g, const struct report *a, const struct report *b)
{
	const struct orreport_settings *s = &g->ask.settings;
	json_t *all;

	switch (s->format) {
	case REPORT_HTML: return print_page(page_comparison_data(a, b, s->by, g->ask.now_ns));
	case REPORT_CSV: compare_print_csv(stdout, a, b, s->by); return CLI_FINE;
	case REPORT_JSON:
		all = compare_to_json(a, b, s->by);
		if (all) {
			json_object_set_new(all, "a", row_to_json(a, &a->total));
			json_object_set_new(all, "b", row_to_json(b, &b->total));
		}
		return print_json_and_free(all);
	default:
		compare_print(stdout, a, b, s->by, output_wants_colour(stdout));
		notes_print(stdout, &a->notes, output_wants_colour(stdout));
		notes_print(stdout, &b->notes, output_wants_colour(stdout));
		return CLI_FINE;
	}
}

static int compare(const struct reporting *g)
{
	struct report a = {0}, b = {0};
	int status = read_one(g, &g->ask.span, PERIOD_DAILY, DOCUMENT_ALL, 0, &a), wrong;

	if (status == CLI_PROCEED)
		status = read_one(g, &g->ask.with, PERIOD_DAILY, DOCUMENT_ALL, 0, &b);
	if (status == CLI_PROCEED) {
		status = print_comparison(g, &a, &b);
		wrong = tell_wrong(g, &a) | tell_wrong(g, &b);
		status = status == CLI_FINE && wrong ? CLI_FAILED : status;
	}
	report_free(&a);
	report_free(&b);
	return status;
}

static int draw(const struct reporting *g, const struct report *r)
{
	FILE *out = fopen(g->ask.settings.svg, "we");
	bool fine;

	if (!out)
		return report_failure(
		    g->ask.settings.svg, strerror(errno), "name a file that can be written");
	svg_print(out, r);
	fine = fflush(out) == 0 && !ferror(out);
	fine &= fclose(out) == 0;
	return fine ? CLI_FINE : report_failure(g->ask.settings.svg, strerror(errno), "");
}

/*
 * The page of a report. The period before is read for it: what it has changed against. Without
 * files of that there is no change to tell of.
 */
static int print_report_page(
    const struct reporting *g, const struct report *r, const struct advice *advice)
{
	const struct report_request q = {.folder = &g->folder,
	    .calendar = g->ask.calendar,
	    .span = time_span_before(&g->ask.calendar, &g->ask.span, g->ask.now_ns),
	    .per = PERIOD_DAILY,
	    .now_ns = g->ask.now_ns,
	    .parts = DOCUMENT_REST};
	struct report before = {0};
	int err = report_read(&q, &before), status = CLI_FAILED;
	const struct page_report p = {.report = r,
	    .before = err ? NULL : &before,
	    .by = g->ask.settings.by == BY_NOTHING ? BY_MODEL : g->ask.settings.by,
	    .advice = advice,
	    .now_ns = g->ask.now_ns};

	if (err && err != -ENOENT)
		out_of_memory();
	else
		status = print_page(page_report_data(&p));
	report_free(&before);
	return status;
}

static int print_report(
    const struct reporting *g, const struct report *r, const struct advice *advice)
{
	const struct orreport_settings *s = &g->ask.settings;
	bool colour = output_wants_colour(stdout);

	switch (s->format) {
	case REPORT_JSON: return print_json_and_free(report_to_json(r, advice));
	case REPORT_HTML: return print_report_page(g, r, advice);
	case REPORT_CSV:
		if (s->by != BY_NOTHING)
			series_print_csv(stdout, series_by(&r->total.sum, s->by),
			    s->by == BY_MODEL ? "model"
			    : s->by == BY_BOT ? "bot"
					      : "provider");
		else
			trend_print_csv(stdout, r);
		return CLI_FINE;
	default:
		if (s->by != BY_NOTHING)
			by_print(stdout, r, s->by, colour);
		else
			trend_print(stdout, r, colour);
		advice_section_print(stdout, advice, colour);
		notes_print(stdout, &r->notes, colour);
		return CLI_FINE;
	}
}

static int advise(const struct report *r, struct advice *advice)
{
	char name[TIME_NAME_BYTES], span[TIME_NAME_BYTES + 8];
	struct snapshot *snapshot;
	int err = snapshot_from_aggregate(&r->total.sum, 0, &snapshot);

	time_name(&r->calendar, &r->total.span, name);
	snprintf(span, sizeof(span), "%s %s", strstr(name, " to ") ? "from" : "on", name);
	if (!err)
		err = advice_make(snapshot, span, advice);
	snapshot_unref(snapshot);
	return err;
}

/*
 * Reads what the report needs and no more, since most of a file is figures by name. Advice speaks
 * of models; of bots only where requests died with their process, which is rare enough to read
 * again.
 */
static int read_needed(const struct reporting *g, struct report *r)
{
	static const unsigned series[] = {DOCUMENT_MODELS, DOCUMENT_BOTS, DOCUMENT_PROVIDERS, 0};
	const struct orreport_settings *s = &g->ask.settings;
	unsigned parts = DOCUMENT_MODELS | DOCUMENT_REST | series[s->by], row_parts = DOCUMENT_REST;
	int status;

	if (s->format == REPORT_JSON)
		parts = row_parts = DOCUMENT_ALL;
	else if (s->format == REPORT_HTML)
		row_parts |= s->by == BY_NOTHING ? DOCUMENT_MODELS : series[s->by];
	status = read_one(g, &g->ask.span, g->ask.per, parts, row_parts, r);
	if (status != CLI_PROCEED || parts & DOCUMENT_BOTS || r->total.sum.requests.orphaned == 0)
		return status;
	report_free(r);
	return read_one(g, &g->ask.span, g->ask.per, parts | DOCUMENT_BOTS, row_parts, r);
}

/* Who was there and is not any more; the last part of the range is read by itself for it. */
static int advise_on_silence(
    const struct reporting *g, const struct report *r, struct advice *advice)
{
	struct report_request q = {.folder = &g->folder,
	    .calendar = g->ask.calendar,
	    .per = g->ask.per,
	    .now_ns = g->ask.now_ns,
	    .parts = DOCUMENT_MODELS | DOCUMENT_REST};
	struct report tail = {0};
	int err;

	if (!silent_span(r, &q.span))
		return CLI_PROCEED;
	err = report_read(&q, &tail);
	if (!err)
		err = silent_advise(r, &tail, advice);
	report_free(&tail);
	/* Without files there is nothing to tell of. */
	return err && err != -ENOENT ? out_of_memory() : CLI_PROCEED;
}

static int report(const struct reporting *g)
{
	const struct orreport_settings *s = &g->ask.settings;
	struct advice advice = {0};
	struct report r = {0};
	int status = read_needed(g, &r);

	if (status == CLI_PROCEED && advise(&r, &advice) != 0)
		status = out_of_memory();
	if (status == CLI_PROCEED)
		status = advise_on_silence(g, &r, &advice);
	if (status == CLI_PROCEED) {
		status = print_report(g, &r, &advice);
		if (status == CLI_FINE && s->svg)
			status = draw(g, &r);
		if (tell_wrong(g, &r) != CLI_FINE && status == CLI_FINE)
			status = CLI_FAILED;
	}
	advice_free(&advice);
	report_free(&r);
	return status;
}

int main(int argc, char **argv)
{
	struct reporting g = {.folder.fd = -1};
	int status, err;

	output_init();
	status = ask_read(argc, argv, &g.ask);
	if (status != CLI_PROCEED)
		return status;
	g.data_dir = data_dir_choose(g.ask.settings.data_dir);
	if (!g.data_dir)
		return out_of_memory();
	err = folder_list(g.data_dir, &g.folder);
	if (err)
		status = nothing(&g, strerror(-err), "name the agent's folder with --data-dir",
		    &(struct report_notes){0});
	else if (g.ask.settings.slowest || g.ask.settings.group_by != GROUP_NOTHING)
		status = requests_report(g.data_dir, &g.ask);
	else
		status = g.ask.settings.compare ? compare(&g) : report(&g);
	folder_free(&g.folder);
	free(g.data_dir);
	return output_flush(TOOL, NULL) < 0 ? CLI_FAILED : status;
}
