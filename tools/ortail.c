/*
 * ortail.c: the live request stream.
 *
 * Samples of several producers interleave as they are read; those of one round are put in the order
 * of their times before they are shown. A round is bounded, and so is the memory.
 */
#include "bus_error.h"
#include "clock.h"
#include "options.h"
#include "orbus.h"
#include "ortail_format.h"
#include "ortail_group.h"
#include "ortail_stats.h"
#include "ortail_view.h"
#include "output.h"
#include "sigbus.h"
#include "stop.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define TOOL          "ortail"
#define ROUND_MAX     16384
#define STOP_LOOK_MS  500
#define LOOK_EVERY_NS NS_PER_SECOND
/* As many as the ring holds, by default. */
#define LAST_ROUND_MAX (1 << 20)

struct line {
	uint64_t ts;
	size_t order; /* of arrival: keeps samples of one time apart */
	char *text;
	struct orbus_sample *figures; /* for the summaries; NULL: not counted */
};

struct tail {
	struct ortail_settings settings;
	struct ortail_view view;
	struct orbus_reader *reader;
	struct stats *stats; /* NULL: no summaries */
	struct group *group; /* NULL: no groups */
	bool follows, drained;
	bool has_looked; /* who lives: it is due to tell of the others */
	uint64_t looked_ns;
	bool out_of_memory;
	struct line *lines;
	size_t capacity, count, arrived;
	uint64_t lost_said;
};

static bool print_request(FILE *out, struct tail *t, const struct orbus_sample *s)
{
	if (!t->group)
		return format_sample(out, &t->view, s);
	return group_print(t->group, out, &t->view, reader_origin(t->reader), s);
}

/* The text of a line. A fate other than GROUP_ENDED is that of a begin. */
static char *render(
    struct tail *t, const struct orbus_sample *s, enum group_fate fate, uint64_t now_ns)
{
	char *text = NULL, *emphasised;
	size_t length;
	FILE *out = open_memstream(&text, &length);
	bool ok = out && (fate == GROUP_ENDED ? print_request(out, t, s)
					      : group_print_fate(out, &t->view, fate, s, now_ns));

	if (out && fclose(out) != 0)
		ok = false;
	if (ok && !t->view.highlight)
		return text;
	emphasised = ok ? highlight_text(t->view.highlight, text) : NULL;
	free(text);
	return emphasised;
}

static int by_time(const void *a, const void *b)
{
	const struct line *x = a, *y = b;

	if (x->ts != y->ts)
		return x->ts < y->ts ? -1 : 1;
	return x->order < y->order ? -1 : 1;
}

static void clear(struct tail *t, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++) {
		free(t->lines[i].text);
		free(t->lines[i].figures);
	}
}

/* Keeps the newest `keep` lines: half of them at least are dropped, so the cost is spread. */
static void drop_older(struct tail *t, size_t keep)
{
	if (t->count <= keep)
		return;
	qsort(t->lines, t->count, sizeof(*t->lines), by_time);
	clear(t, 0, t->count - keep);
	memmove(t->lines, t->lines + t->count - keep, keep * sizeof(*t->lines));
	t->count = keep;
}

/* A copy for the summaries. False: out of memory. */
static bool copy_figures(
    const struct tail *t, const struct orbus_sample *s, struct orbus_sample **out)
{
	*out = NULL;
	if (!t->stats || s->kind != ORBUS_KIND_REQUEST)
		return true;
	*out = malloc(sizeof(**out));
	if (*out)
		stats_figures(s, *out);
	return *out;
}

/* Takes over the text; NULL: there was no memory for it. */
static bool add_line(struct tail *t, const struct orbus_sample *s, char *text)
{
	struct line line = {.ts = s->ts, .order = t->arrived++, .text = text};

	if (text && t->count == t->capacity) {
		size_t capacity = t->capacity ? 2 * t->capacity : 64;
		struct line *lines = realloc(t->lines, capacity * sizeof(*lines));

		if (lines) {
			t->lines = lines;
			t->capacity = capacity;
		}
	}
	if (!text || t->count == t->capacity || !copy_figures(t, s, &line.figures)) {
		free(text);
		return false;
	}
	t->lines[t->count++] = line;
	return true;
}

/* Collects what is there now, the newest `keep` of it. False: out of memory. */
static bool collect(struct tail *t, size_t max, size_t keep)
{
	struct orbus_sample s;
	size_t taken = 0;

	for (; taken < max && orbus_reader_next(t->reader, &s) == 1; taken++) {
		bool wanted = keep > 0 && ortail_view_wants(&t->view, &s);

		if (wanted && !add_line(t, &s, render(t, &s, GROUP_ENDED, 0)))
			return false;
		if (t->group && !group_note(t->group, reader_origin(t->reader), &s))
			return false;
		if (t->count / 2 > keep)
			drop_older(t, keep);
	}
	t->drained = taken < max;
	return true;
}

/* A request that did not end is filtered as one that takes as long as it has so far. */
static void add_fate(
    void *context, enum group_fate fate, const struct orbus_sample *begin, uint64_t now_ns)
{
	struct tail *t = context;
	struct orbus_sample s = *begin;

	if (now_ns > s.ts)
		s.response_ms = (double)(now_ns - s.ts) / 1e6;
	if (fate == GROUP_ORPHANED) {
		s.kind = ORBUS_KIND_REQUEST;
		s.status = ORBUS_STATUS_ORPHANED;
	}
	if (!ortail_view_passes(&t->view, &s))
		return;
	t->out_of_memory |= !add_line(t, &s, render(t, begin, fate, now_ns));
}

/* What had ended before its process died is read between looking and telling. */
static bool look_after_groups(struct tail *t)
{
	uint64_t now_ns = clock_realtime_ns();

	if (!t->group || !t->drained)
		return true;
	if (t->has_looked) {
		group_tell(t->group, t->reader, now_ns, false, add_fate, t);
		t->has_looked = false;
		t->looked_ns = now_ns;
	} else if (now_ns - t->looked_ns >= LOOK_EVERY_NS) {
		group_look(t->group, t->reader);
		t->has_looked = true;
	}
	return !t->out_of_memory;
}

static void say_loss(struct tail *t)
{
	uint64_t lost = orbus_reader_lost(t->reader);

	if (lost == t->lost_said)
		return;
	if (!t->settings.quiet)
		fprintf(stderr,
		    TOOL ": lost %" PRIu64 " samples: overwritten before they could be read\n",
		    lost - t->lost_said);
	t->lost_said = lost;
}

/* Prints what was collected. False: nobody reads any more, or it could not be written. */
static bool print(struct tail *t, int *status)
{
	uint64_t now_ns = t->stats ? clock_realtime_ns() : 0;
	bool gone, ok = true;

	if (t->count > 0)
		qsort(t->lines, t->count, sizeof(*t->lines), by_time);
	for (size_t i = 0; i < t->count; i++) {
		if (t->lines[i].figures)
			ok &= stats_add(t->stats, stdout, t->lines[i].figures, now_ns);
		fputs(t->lines[i].text, stdout);
	}
	if (t->stats && t->follows)
		ok &= stats_tick(t->stats, stdout, now_ns);
	clear(t, 0, t->count);
	t->count = 0;
	if (output_flush(TOOL, &gone) < 0 || !ok)
		*status = CLI_FAILED;
	say_loss(t);
	return !gone && *status == CLI_FINE;
}

static int show_past(struct tail *t)
{
	int status = CLI_FINE;
	size_t keep = SIZE_MAX;

	if (t->settings.last != UINT64_MAX)
		keep = (size_t)t->settings.last;
	else if (!t->settings.no_follow && t->group)
		keep = 0; /* what has begun is of interest, unseen */
	else if (!t->settings.no_follow)
		orbus_reader_skip(t->reader);
	if (!t->settings.quiet)
		format_header(stdout, &t->view);
	if (!collect(t, SIZE_MAX, keep))
		return CLI_FAILED;
	drop_older(t, keep);
	return print(t, &status) ? CLI_PROCEED : status;
}

static int wait_ms(const struct tail *t)
{
	/* Not endlessly: a signal just before the wait would interrupt nothing. */
	if (!t->stats)
		return STOP_LOOK_MS;
	return stats_due_ms(t->stats, clock_realtime_ns(), STOP_LOOK_MS);
}

static int follow(struct tail *t)
{
	int status = CLI_FINE;

	t->follows = true;
	while (!is_stop_asked()) {
		int ready = orbus_reader_wait(t->reader, wait_ms(t));

		if (ready == 1 && !collect(t, ROUND_MAX, SIZE_MAX))
			return CLI_FAILED;
		if (!look_after_groups(t))
			return CLI_FAILED;
		if ((t->count > 0 || ready == 1 || t->stats) && !print(t, &status))
			return status;
	}
	return CLI_PROCEED;
}

/* What there is to say at the end: what is in flight still, and the interval that is not over. */
static int finish(struct tail *t)
{
	int status = CLI_FINE;

	if (t->group) {
		group_look(t->group, t->reader);
		if (!collect(t, LAST_ROUND_MAX, SIZE_MAX))
			return CLI_FAILED;
		group_tell(t->group, t->reader, clock_realtime_ns(), true, add_fate, t);
		if (t->out_of_memory || !print(t, &status))
			return t->out_of_memory ? CLI_FAILED : status;
	}
	if (t->stats && !stats_end(t->stats, stdout, clock_realtime_ns()))
		return CLI_FAILED;
	return output_flush(TOOL, NULL) < 0 ? CLI_FAILED : CLI_FINE;
}

static int open_bus(struct tail *t)
{
	uint64_t every_ns = t->settings.stats_every_ns;
	int err = orbus_reader_open(t->settings.bus, &t->reader);

	if (err)
		return bus_error_report(TOOL, t->settings.bus, err);
	if (every_ns)
		t->stats = stats_new(
		    every_ns, t->settings.json || t->view.format == FORMAT_JSON, t->view.colour);
	if (t->settings.group)
		t->group = group_new(t->reader);
	if ((every_ns && !t->stats) || (t->settings.group && !t->group)) {
		fputs(TOOL ": out of memory\n", stderr);
		return CLI_FAILED;
	}
	return CLI_PROCEED;
}

static void tail_free(struct tail *t)
{
	clear(t, 0, t->count);
	free(t->lines);
	stats_free(t->stats);
	group_free(t->group);
	orbus_reader_close(t->reader);
	ortail_view_free(&t->view);
}

int main(int argc, char **argv)
{
	struct tail t = {.settings = {.last = UINT64_MAX, .status = -1, .min_ms = NAN}};
	int status;

	output_init();
	status = cli_parse(&ortail_program, argc, argv, &t.settings);
	if (status != CLI_PROCEED)
		return status;
	stop_on_signals();
	sigbus_reads_zeros();
	status = ortail_view_make(&t.view, &t.settings);
	if (status == CLI_PROCEED)
		status = open_bus(&t);
	if (status == CLI_PROCEED)
		status = show_past(&t);
	if (status == CLI_PROCEED && !t.settings.no_follow)
		status = follow(&t);
	if (status == CLI_PROCEED)
		status = finish(&t);
	tail_free(&t);
	return status;
}
