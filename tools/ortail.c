/*
 * ortail.c: the live request stream.
 *
 * Samples of several producers interleave as they are read; those of one round are put in the order
 * of their times before they are shown. A round is bounded, and so is the memory.
 */
#include "bus_error.h"
#include "options.h"
#include "orbus.h"
#include "ortail_format.h"
#include "ortail_history.h"
#include "output.h"
#include "sigbus.h"
#include "stop.h"

#include <errno.h>
#include <fnmatch.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define TOOL         "ortail"
#define ROUND_MAX    16384
#define STOP_LOOK_MS 500

struct line {
	uint64_t ts;
	size_t order; /* of arrival: keeps samples of one time apart */
	char *text;
};

struct tail {
	struct ortail_settings settings;
	struct orbus_reader *reader; /* NULL: there is no bus, and history will do */
	struct history *history;     /* NULL: not asked for */
	bool colour;
	struct line *lines;
	size_t capacity, count, arrived;
	uint64_t lost_said;
};

static bool matches(const char *pattern, const char *text)
{
	return !pattern || (text && fnmatch(pattern, text, 0) == 0);
}

static bool is_wanted(const struct ortail_settings *f, const struct orbus_sample *s)
{
	if (f->kind != KIND_ALL && (int)s->kind != f->kind)
		return false;
	if (f->status >= 0 && (s->kind != ORBUS_KIND_REQUEST || (int)s->status != f->status))
		return false;
	/* Written so that an unknown duration is not long enough. */
	if (!isnan(f->min_ms) && !(s->response_ms >= f->min_ms))
		return false;
	return matches(f->model, s->model ? s->model : s->requested_model) &&
	       matches(f->bot, s->bot) && matches(f->provider, s->provider);
}

static char *render(const struct tail *t, const struct orbus_sample *s)
{
	char *text = NULL;
	size_t length;
	FILE *out = open_memstream(&text, &length);
	bool ok = out && format_sample(out, (enum ortail_format)t->settings.format, t->colour, s);

	if (out && fclose(out) != 0)
		ok = false;
	if (ok)
		return text;
	free(text);
	return NULL;
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
	for (size_t i = from; i < to; i++)
		free(t->lines[i].text);
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

static bool add_line(struct tail *t, const struct orbus_sample *s)
{
	if (t->count == t->capacity) {
		size_t capacity = t->capacity ? 2 * t->capacity : 64;
		struct line *lines = realloc(t->lines, capacity * sizeof(*lines));

		if (!lines)
			return false;
		t->lines = lines;
		t->capacity = capacity;
	}
	t->lines[t->count] = (struct line){s->ts, t->arrived++, render(t, s)};
	return t->lines[t->count].text && ++t->count;
}

/* Collects what is there now, the newest `keep` of it. False: out of memory. */
static bool collect(struct tail *t, size_t max, size_t keep)
{
	struct orbus_sample s;

	for (size_t taken = 0; taken < max && orbus_reader_next(t->reader, &s) == 1; taken++) {
		if (!history_wants(t->history, t->reader, &s) || !is_wanted(&t->settings, &s))
			continue;
		if (!add_line(t, &s))
			return false;
		if (t->count / 2 > keep)
			drop_older(t, keep);
	}
	return true;
}

static void say_loss(struct tail *t)
{
	uint64_t lost = t->reader ? orbus_reader_lost(t->reader) : 0;

	if (lost == t->lost_said)
		return;
	fprintf(stderr, TOOL ": lost %" PRIu64 " samples: overwritten before they could be read\n",
	    lost - t->lost_said);
	t->lost_said = lost;
}

/* Prints what was collected. False: nobody reads any more, or it could not be written. */
static bool print(struct tail *t, int *status)
{
	bool gone;

	if (t->count > 0)
		qsort(t->lines, t->count, sizeof(*t->lines), by_time);
	for (size_t i = 0; i < t->count; i++)
		fputs(t->lines[i].text, stdout);
	clear(t, 0, t->count);
	t->count = 0;
	if (output_flush(TOOL, &gone) < 0)
		*status = CLI_FAILED;
	say_loss(t);
	return !gone && *status == CLI_FINE;
}

/* What the journal holds, shown as it comes, or the newest `keep` of it collected. */
static int show_history(struct tail *t, size_t keep)
{
	int status = CLI_FINE, found;
	struct orbus_sample s;

	while (!is_stop_asked() && (found = history_next(t->history, &s)) == 1) {
		if (!is_wanted(&t->settings, &s))
			continue;
		if (!add_line(t, &s))
			return CLI_FAILED;
		if (keep != SIZE_MAX && t->count / 2 > keep)
			drop_older(t, keep);
		if (keep == SIZE_MAX && t->count == ROUND_MAX && !print(t, &status))
			return status;
	}
	if (is_stop_asked())
		return CLI_FINE;
	if (found < 0)
		return -found;
	if (t->reader)
		history_attach(t->history, t->reader);
	return CLI_PROCEED;
}

static int show_past(struct tail *t)
{
	int status = CLI_FINE;
	size_t keep = SIZE_MAX;

	if (t->settings.last != UINT64_MAX)
		keep = (size_t)t->settings.last;
	else if (!t->settings.no_follow && !history_is_asked_for(t->history))
		orbus_reader_skip(t->reader);
	format_header(stdout, (enum ortail_format)t->settings.format, t->colour);
	if (history_is_asked_for(t->history)) {
		status = show_history(t, keep);
		if (status != CLI_PROCEED)
			return status;
		status = CLI_FINE;
	}
	if (t->reader && !collect(t, SIZE_MAX, keep))
		return CLI_FAILED;
	drop_older(t, keep);
	return print(t, &status) ? CLI_PROCEED : status;
}

static int follow(struct tail *t)
{
	int status = CLI_FINE;

	while (!is_stop_asked() && history_left_ms(t->history, STOP_LOOK_MS) > 0) {
		/* Not endlessly: a signal just before the wait would interrupt nothing. */
		int ready = orbus_reader_wait(t->reader, history_left_ms(t->history, STOP_LOOK_MS));

		if (ready == 1 && !collect(t, ROUND_MAX, SIZE_MAX))
			return CLI_FAILED;
		if ((t->count > 0 || ready == 1) && !print(t, &status))
			return status;
	}
	/* What came last before --until. */
	if (!is_stop_asked() && !collect(t, SIZE_MAX, SIZE_MAX))
		return CLI_FAILED;
	(void)print(t, &status);
	return status;
}

/* Without a bus there is still what was: after a reboot, say. */
static int open_bus(struct tail *t)
{
	int err = orbus_reader_open(t->settings.bus, &t->reader);
	bool past_will_do =
	    history_is_asked_for(t->history) &&
	    (t->settings.no_follow || history_left_ms(t->history, STOP_LOOK_MS) == 0);

	if (!err || (err == -ENOENT && past_will_do))
		return CLI_PROCEED;
	return bus_error_report(TOOL, t->settings.bus, err);
}

int main(int argc, char **argv)
{
	struct tail t = {.settings = {.last = UINT64_MAX, .status = -1, .min_ms = NAN}};
	int status;

	output_init();
	status = cli_parse(&ortail_program, argc, argv, &t.settings);
	if (status != CLI_PROCEED)
		return status;
	if (t.settings.json)
		t.settings.format = FORMAT_JSON;
	stop_on_signals();
	sigbus_reads_zeros();
	t.colour = output_wants_colour(stdout);
	status = history_open(&t.settings, &t.history);
	if (status == CLI_PROCEED)
		status = open_bus(&t);
	if (status == CLI_PROCEED)
		status = show_past(&t);
	if (status == CLI_PROCEED)
		status = t.settings.no_follow || !t.reader ? CLI_FINE : follow(&t);
	clear(&t, 0, t.count);
	free(t.lines);
	orbus_reader_close(t.reader);
	history_close(t.history);
	return status;
}
