/*
 * period_index.c: which period of the data folder holds a moment.
 */
#include "period_index.h"
#include "base/clock.h"
#include "base/wall_time.h"
#include "doc/doc_keys.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* What is forgotten at once when there are too many, so that not each new one moves them all. */
#define FORGET_COUNT (PERIOD_INDEX_MAX / 8)
/* A day that is shown twice has 48 hours. */
#define LENGTH_MAX_S (50 * 3600)
/* From what a label says, read as UTC, to the start. */
#define AWAY_MAX_S (50 * 3600)
/* Integers of a run in the checkpoint. */
enum run { RUN_START, RUN_LENGTH, RUN_COUNT, RUN_WALL, RUN_MARK, RUN_FIELDS };

void period_index_free(struct period_index *ix)
{
	free(ix->entries);
	ix->entries = NULL;
	ix->count = ix->capacity = 0;
}

/* The first that ends after a moment. */
static size_t place_of(const struct period_index *ix, uint64_t ts_ns)
{
	size_t low = 0, high = ix->count;

	/* As a rule the newest is asked for. */
	if (high > 1 && ix->entries[high - 2].end_ns <= ts_ns)
		low = high - 1;
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (ix->entries[middle].end_ns <= ts_ns)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

struct period_entry *period_index_at(const struct period_index *ix, uint64_t ts_ns)
{
	size_t place = place_of(ix, ts_ns);

	return place < ix->count && ix->entries[place].start_ns <= ts_ns ? &ix->entries[place]
	                                                                 : NULL;
}

void period_index_span(
    const struct period_index *ix, const struct period_entry *e, struct period_span *out)
{
	*out = (struct period_span){.kind = ix->kind,
	    .label = calendar_label_of(e->wall),
	    .mark = e->mark,
	    .start_ns = e->start_ns,
	    .end_ns = e->end_ns};
	calendar_name(out);
}

/* --- Names ------------------------------------------------------------------------------------ */

/* It begins within the time that the name may mean. */
struct period_entry *period_index_named(
    const struct period_index *ix, uint32_t label, uint32_t mark)
{
	int64_t wall = calendar_label_seconds(label);
	uint64_t first, last;

	calendar_label_reach(ix->kind, label, mark, &first, &last);
	for (size_t i = place_of(ix, first); i < ix->count && ix->entries[i].start_ns < last; i++)
		if (ix->entries[i].wall == wall && ix->entries[i].mark == mark)
			return &ix->entries[i];
	return NULL;
}

static bool is_taken(const struct period_index *ix, const struct period_span *span)
{
	return period_index_named(ix, span->label, span->mark) != NULL;
}

static void next_name(
    const struct period_index *ix, const struct calendar *c, struct period_span *span)
{
	int64_t offset =
	    wall_seconds_at(c->utc, span->start_ns) - (int64_t)(span->start_ns / NS_PER_SECOND);
	uint32_t first = calendar_mark(offset, 1), last = first + PERIOD_MARK_NUMBERS_MAX - 1;

	span->mark = span->mark >= first && span->mark < last ? span->mark + 1 : first;
	while (is_taken(ix, span) && span->mark < last)
		span->mark++;
	calendar_name(span);
}

/*
 * Whether readers that know the label alone would look for the period where it is: one that was cut
 * at its start may begin at an hour at which none of its width does.
 */
static bool label_tells(const struct calendar *c, const struct period_span *span)
{
	uint64_t start_ns, end_ns;

	calendar_label_span(c->utc, span->kind, span->label, &start_ns, &end_ns);
	return span->start_ns >= start_ns && span->end_ns <= end_ns;
}

/* A period that was cut at its start is named by that. */
static void name_new(const struct period_index *ix, const struct calendar *c,
    uint64_t uncut_start_ns, struct period_span *span)
{
	bool cut = span->start_ns != uncut_start_ns;

	if (cut)
		span->label = calendar_label(c, span->kind, span->start_ns);
	if (is_taken(ix, span) || (cut && !label_tells(c, span)))
		next_name(ix, c, span);
	else
		calendar_name(span);
}

void period_index_plan(const struct period_index *ix, const struct calendar *c, uint64_t ts_ns,
    uint64_t from_ns, uint64_t to_ns, struct period_span *out)
{
	size_t next = place_of(ix, ts_ns);
	uint64_t start_ns;

	calendar_span(c, ix->kind, ts_ns, out);
	start_ns = out->start_ns;
	if (out->start_ns < from_ns)
		out->start_ns = from_ns;
	if (next > 0 && out->start_ns < ix->entries[next - 1].end_ns)
		out->start_ns = ix->entries[next - 1].end_ns;
	if (out->end_ns > to_ns)
		out->end_ns = to_ns;
	if (next < ix->count && out->end_ns > ix->entries[next].start_ns)
		out->end_ns = ix->entries[next].start_ns;
	name_new(ix, c, start_ns, out);
}

void period_index_rename(struct period_index *ix, const struct calendar *c,
    struct period_span *span, const struct period *open)
{
	struct period_entry *e = period_index_at(ix, span->start_ns);

	next_name(ix, c, span);
	if (e && e->open == open)
		e->mark = span->mark;
}

/* --- Changes ---------------------------------------------------------------------------------- */

static int64_t day_of(const struct period_entry *e)
{
	return calendar_label_day(calendar_label_of(e->wall));
}

/* Closed ones of days before this one, at most so many, the oldest. */
static void forget(struct period_index *ix, int64_t before_day, size_t most)
{
	size_t kept = 0;

	for (size_t i = 0; i < ix->count; i++) {
		const struct period_entry *e = &ix->entries[i];

		if (most > 0 && !e->open && day_of(e) < before_day)
			most--;
		else
			ix->entries[kept++] = *e;
	}
	ix->count = kept;
}

void period_index_forget(struct period_index *ix, int64_t before_day)
{
	forget(ix, before_day, SIZE_MAX);
}

static bool is_possible(const struct period_entry *e)
{
	int64_t start = (int64_t)(e->start_ns / NS_PER_SECOND);

	return e->end_ns > e->start_ns && e->end_ns <= (uint64_t)INT64_MAX &&
	       e->start_ns % NS_PER_SECOND == 0 && e->end_ns % NS_PER_SECOND == 0 &&
	       e->end_ns - e->start_ns <= LENGTH_MAX_S * NS_PER_SECOND &&
	       e->wall - start <= AWAY_MAX_S && start - e->wall <= AWAY_MAX_S &&
	       calendar_mark_exists(e->mark);
}

static bool grow(struct period_index *ix)
{
	size_t capacity = ix->capacity ? 2 * ix->capacity : 64;
	struct period_entry *entries;

	if (ix->count < ix->capacity)
		return true;
	entries = realloc(ix->entries, capacity * sizeof(*entries));
	if (!entries)
		return false;
	ix->entries = entries;
	ix->capacity = capacity;
	return true;
}

int period_index_add(struct period_index *ix, const struct period_span *span, struct period *open)
{
	const struct period_entry e = {.start_ns = span->start_ns,
	    .end_ns = span->end_ns,
	    .wall = calendar_label_seconds(span->label),
	    .mark = span->mark,
	    .open = open};
	size_t place;

	if (!calendar_label_exists(span->label) || !is_possible(&e))
		return -EINVAL;
	if (ix->count >= PERIOD_INDEX_MAX)
		forget(ix, INT64_MAX, FORGET_COUNT);
	place = place_of(ix, e.start_ns);
	if (place < ix->count && ix->entries[place].start_ns < e.end_ns)
		return -EEXIST;
	if (!grow(ix))
		return -ENOMEM;
	memmove(&ix->entries[place + 1], &ix->entries[place],
	    (ix->count - place) * sizeof(*ix->entries));
	ix->entries[place] = e;
	ix->count++;
	return 0;
}

/* --- In the checkpoint ------------------------------------------------------------------------ */

/* How many follow each other from here on as one run: of one length, at one offset, unmarked. */
static size_t run_length(const struct period_index *ix, size_t from)
{
	const struct period_entry *e = &ix->entries[from];
	uint64_t length_ns = e->end_ns - e->start_ns;
	size_t n = 1;

	while (from + n < ix->count && e[n].start_ns == e[n - 1].end_ns &&
	       e[n].end_ns - e[n].start_ns == length_ns && e[n].mark == PERIOD_UNMARKED &&
	       e[n - 1].mark == PERIOD_UNMARKED &&
	       e[n].wall - e[n - 1].wall == (int64_t)(length_ns / NS_PER_SECOND))
		n++;
	return n;
}

void period_index_write(const struct period_index *ix, struct writer *w, const char *key)
{
	size_t n;

	writer_array(w, key);
	for (size_t i = 0; i < ix->count; i += n) {
		const struct period_entry *e = &ix->entries[i];

		n = run_length(ix, i);
		writer_count(w, NULL, e->start_ns / NS_PER_SECOND);
		writer_count(w, NULL, (e->end_ns - e->start_ns) / NS_PER_SECOND);
		writer_count(w, NULL, n);
		writer_integer(w, NULL, e->wall);
		writer_count(w, NULL, e->mark);
	}
	writer_end(w);
}

/* Whether a run's integers can be added up. */
static bool run_is_possible(const int64_t run[RUN_FIELDS])
{
	return run[RUN_START] >= 0 && run[RUN_START] <= INT64_MAX / (int64_t)NS_PER_SECOND &&
	       run[RUN_LENGTH] > 0 && run[RUN_LENGTH] <= LENGTH_MAX_S && run[RUN_COUNT] > 0 &&
	       run[RUN_COUNT] <= PERIOD_INDEX_MAX && run[RUN_WALL] >= -AWAY_MAX_S &&
	       run[RUN_WALL] <= INT64_MAX / (int64_t)NS_PER_SECOND && run[RUN_MARK] >= 0 &&
	       run[RUN_MARK] <= UINT32_MAX;
}

static int add_run(struct period_index *ix, const int64_t run[RUN_FIELDS])
{
	for (int64_t i = 0; i < run[RUN_COUNT]; i++) {
		uint64_t start = (uint64_t)(run[RUN_START] + i * run[RUN_LENGTH]);
		uint64_t last = ix->count ? ix->entries[ix->count - 1].end_ns : 0;
		struct period_entry e = {
		    .wall = run[RUN_WALL] + i * run[RUN_LENGTH], .mark = (uint32_t)run[RUN_MARK]};

		if (start > (uint64_t)INT64_MAX / NS_PER_SECOND)
			return -EBADMSG; /* its nanoseconds would wrap */
		e.start_ns = start * NS_PER_SECOND;
		e.end_ns = e.start_ns + (uint64_t)run[RUN_LENGTH] * NS_PER_SECOND;
		if (!is_possible(&e) || e.start_ns < last || ix->count >= PERIOD_INDEX_MAX)
			return -EBADMSG;
		if (!grow(ix))
			return -ENOMEM;
		ix->entries[ix->count++] = e;
	}
	return 0;
}

int period_index_read(struct period_index *ix, struct doc_source *s)
{
	int64_t run[RUN_FIELDS];
	int n = 0, err = 0;

	doc_open_array(s);
	while (!err && doc_item(s)) {
		doc_integer(s, &run[n++]);
		if (n < RUN_FIELDS || doc_failed(s))
			continue;
		err = run_is_possible(run) ? add_run(ix, run) : -EBADMSG;
		n = 0;
	}
	if (!err && n > 0)
		err = -EBADMSG;
	return err ? err : doc_result(s);
}
