/*
 * seed_files.c: files of the system that orbus grew from.
 */
#include "seed_files.h"
#include "base/clock.h"
#include "base/wall_time.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Two files are of one run of the bot if they agree on its start to this. */
#define SAME_START_NS (120 * NS_PER_SECOND)

/* Python's datetime.isoformat(), local time without an offset. */
static bool parse_isoformat(const char *text, bool utc, uint64_t *ns)
{
	char with_zone[64];
	struct wall_time shown;
	uint64_t as_utc, first, last;

	if (!*text || strlen(text) > 40)
		return false;
	strcat(strcpy(with_zone, text), "Z");
	if (!clock_parse_rfc3339(with_zone, &as_utc))
		return clock_parse_rfc3339(text, ns);
	wall_time_at(true, as_utc, &shown);
	/* Of a repeated hour the first pass: the text does not say which. */
	if (wall_time_find(utc, &shown, &first, &last) == -EINVAL)
		return false;
	*ns = first + as_utc % NS_PER_SECOND;
	return true;
}

bool seed_read(const struct snapshot *file, bool utc, struct seed_snapshot *out)
{
	const struct summary *times = &file->all.of[SUMMARY_RESPONSE];
	double uptime = file->uptime_seconds;

	if (file->has.period || !file->has.responses || !(uptime >= 0) ||
	    !parse_isoformat(file->saved_at, utc, &out->saved_ns) ||
	    uptime * (double)NS_PER_SECOND > (double)out->saved_ns)
		return false;
	out->started_ns = out->saved_ns - (uint64_t)(uptime * (double)NS_PER_SECOND);
	out->answered = times->count;
	out->failed = file->all.failed;
	out->sum_ms = times->avg >= 0 ? times->avg * (double)out->answered : NAN;
	out->tokens = (struct token_sums){.total = file->all.tokens.total,
	    .prompt = file->all.tokens.prompt,
	    .completion = file->all.tokens.completion};
	return true;
}

static int by_time(const void *a, const void *b)
{
	const struct seed_snapshot *x = a, *y = b;

	return (x->saved_ns > y->saved_ns) - (x->saved_ns < y->saved_ns);
}

static bool is_same_run(const struct seed_snapshot *a, const struct seed_snapshot *b)
{
	uint64_t low = a->started_ns < b->started_ns ? a->started_ns : b->started_ns;
	uint64_t high = a->started_ns < b->started_ns ? b->started_ns : a->started_ns;

	return high - low <= SAME_START_NS;
}

static uint64_t less(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}

/* What came between two snapshots of a run; `before` NULL: since its start. */
static struct unmerged difference(
    const struct seed_snapshot *now, const struct seed_snapshot *before)
{
	static const struct seed_snapshot none;
	const struct seed_snapshot *b = before ? before : &none;
	struct unmerged d = {.files = 1,
	    .answered = less(now->answered, b->answered),
	    .failed = less(now->failed, b->failed),
	    .tokens = {.total = less(now->tokens.total, b->tokens.total),
		.prompt = less(now->tokens.prompt, b->tokens.prompt),
		.completion = less(now->tokens.completion, b->tokens.completion)}};
	double sum_ms = now->sum_ms - b->sum_ms;

	if (d.answered && sum_ms >= 0) {
		d.timed = d.answered;
		d.sum_ms = sum_ms;
	}
	return d;
}

static void add(struct report_row *row, const struct unmerged *d, uint64_t covered_ns)
{
	struct unmerged *u = &row->unmerged;
	uint64_t length = row->span.end_ns - row->span.start_ns;

	row->files += d->files;
	row->covered_ns += covered_ns;
	if (row->covered_ns > length)
		row->covered_ns = length;
	u->files += d->files;
	u->answered += d->answered;
	u->failed += d->failed;
	u->timed += d->timed;
	u->sum_ms += d->sum_ms;
	u->tokens.total += d->tokens.total;
	u->tokens.prompt += d->tokens.prompt;
	u->tokens.completion += d->tokens.completion;
}

static struct report_row *row_at(struct report *r, uint64_t ns)
{
	for (size_t i = 0; i < r->count; i++)
		if (ns >= r->rows[i].span.start_ns && ns < r->rows[i].span.end_ns)
			return &r->rows[i];
	return NULL;
}

/* A stretch much longer than a row belongs to no row. */
static bool fits(const struct report_row *row, uint64_t length_ns)
{
	return length_ns <= (row->span.end_ns - row->span.start_ns) / 2 * 3;
}

void seed_add(struct report *r, struct seed_snapshot *s, size_t count)
{
	uint64_t files = 0, not_in_a_row = 0;

	qsort(s, count, sizeof(*s), by_time);
	for (size_t i = 0; i < count; i++) {
		const struct seed_snapshot *before =
		    i && is_same_run(&s[i - 1], &s[i]) ? &s[i - 1] : NULL;
		uint64_t from = before ? before->saved_ns : s[i].started_ns;
		uint64_t length = s[i].saved_ns - from, middle = from + length / 2;
		struct unmerged d = difference(&s[i], before);
		struct report_row *row = row_at(r, middle);

		/*
		 * A stretch belongs to the row of its middle: files are saved some time after the
		 * hour.
		 */
		if (!row)
			continue;
		files++;
		if (before && s[i].answered < before->answered)
			notes_add(&r->notes, false,
			    "an earlier system's count went down: what came in between is unknown");
		add(&r->total, &d, length);
		if (fits(row, length))
			add(row, &d, length);
		else
			not_in_a_row += d.answered + d.failed;
	}
	if (files)
		notes_add(&r->notes, false,
		    "%" PRIu64
		    " file%s of an earlier system ha%s no histograms: average, requests, errors "
		    "and tokens are merged; p50, p95, p99, minimum and maximum, TTFT, TPS, cost and "
		    "figures by model, bot or provider could not be, and are of the other files",
		    files, files == 1 ? "" : "s", files == 1 ? "s" : "ve");
	if (not_in_a_row)
		notes_add(&r->notes, false,
		    "%" PRIu64
		    " requests of an earlier system were saved over a longer time than a line "
		    "is of: they are in the total alone",
		    not_in_a_row);
}
