/*
 * given_times.c: the time that was given to samples which do not have a usable one of their own.
 */
#include "given_times.h"
#include "base/clock.h"
#include "doc/doc_keys.h"
#include "live/inflight.h"
#include "stats/windows.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Of the widest window, with the part that is being filled and the one that is leaving. */
#define SHOWN_NS     ((3600 + 2 * 60) * NS_PER_SECOND)
#define RUNS_AT_ONCE 64

struct run {
	uint64_t first, last; /* records */
	uint64_t time_ns;
	uint32_t lane;
};

struct lane {
	uint32_t newest;    /* its newest run's place + 1, 0: none */
	uint64_t forgotten; /* records below this one are shown in no window */
};

struct given_times {
	struct run *runs; /* in the order in which they were read */
	size_t count, capacity;
	/* As restored, by lane and record: what is replayed is looked up while more is noted. */
	struct run *restored;
	size_t restored_count;
	struct lane lanes[ORBUS_LANES_MAX];
};

struct given_times *given_times_new(void)
{
	return calloc(1, sizeof(struct given_times));
}

void given_times_free(struct given_times *g)
{
	if (!g)
		return;
	free(g->runs);
	free(g->restored);
	free(g);
}

size_t given_times_count(const struct given_times *g)
{
	return g->count;
}

/* After runs were taken out or moved. */
static void index_lanes(struct given_times *g)
{
	for (uint32_t i = 0; i < ORBUS_LANES_MAX; i++)
		g->lanes[i].newest = 0;
	for (size_t i = 0; i < g->count; i++)
		g->lanes[g->runs[i].lane].newest = (uint32_t)i + 1;
}

/* Records up to a run that goes were read before it: windows that it has left have left them. */
static void drop_oldest(struct given_times *g, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct lane *l = &g->lanes[g->runs[i].lane];

		if (l->forgotten <= g->runs[i].last)
			l->forgotten = g->runs[i].last + 1;
	}
	g->count -= n;
	memmove(g->runs, g->runs + n, g->count * sizeof(*g->runs));
	index_lanes(g);
}

void given_times_prune(struct given_times *g, uint64_t now_ns)
{
	size_t n = 0;

	while (n < g->count && g->runs[n].time_ns + SHOWN_NS < now_ns)
		n++;
	if (n > 0)
		drop_oldest(g, n);
}

/* One run for neighbours of a lane that windows do not tell apart. */
static void merge_neighbours(struct given_times *g)
{
	size_t kept = 0;

	for (uint32_t i = 0; i < ORBUS_LANES_MAX; i++)
		g->lanes[i].newest = 0;
	for (size_t i = 0; i < g->count; i++) {
		const struct run *run = &g->runs[i];
		struct lane *l = &g->lanes[run->lane];
		struct run *before = l->newest ? &g->runs[l->newest - 1] : NULL;

		if (before &&
		    before->time_ns / WINDOWS_STRETCH_NS == run->time_ns / WINDOWS_STRETCH_NS) {
			before->last = run->last;
			continue;
		}
		g->runs[kept++] = *run;
		l->newest = (uint32_t)kept;
	}
	g->count = kept;
}

static bool make_room(struct given_times *g)
{
	size_t larger = g->capacity ? 2 * g->capacity : RUNS_AT_ONCE;
	struct run *runs;

	if (g->count < g->capacity)
		return true;
	if (g->count == GIVEN_RUNS_MAX) {
		merge_neighbours(g);
		/* A quarter at once, so that it is seldom done. */
		if (g->count > GIVEN_RUNS_MAX / 4 * 3)
			drop_oldest(g, g->count - GIVEN_RUNS_MAX / 4 * 3);
		return true;
	}
	runs = realloc(g->runs, larger * sizeof(*runs));
	if (!runs)
		return false;
	g->runs = runs;
	g->capacity = larger;
	return true;
}

bool given_times_note(struct given_times *g, const struct sample_origin *o, uint64_t time_ns)
{
	struct lane *l;
	struct run *newest;

	if (o->lane >= ORBUS_LANES_MAX || o->is_removed)
		return true;
	l = &g->lanes[o->lane];
	newest = l->newest ? &g->runs[l->newest - 1] : NULL;
	if (newest && newest->time_ns == time_ns && newest->last < o->record) {
		/* Those between them were read at that time too, and have a stamp before it. */
		newest->last = o->record;
		return true;
	}
	/* Numbers that go back are not of the lane as it was. */
	if (newest && o->record <= newest->last)
		given_times_forget_lane(g, o->lane);
	if (!make_room(g))
		return false;
	g->runs[g->count++] = (struct run){o->record, o->record, time_ns, o->lane};
	l->newest = (uint32_t)g->count;
	return true;
}

static int compare_runs(const void *a, const void *b)
{
	const struct run *x = a, *y = b;

	if (x->lane != y->lane)
		return x->lane < y->lane ? -1 : 1;
	return x->last < y->first ? -1 : x->first > y->last;
}

enum given given_times_of(
    const struct given_times *g, const struct sample_origin *o, uint64_t *time_ns)
{
	const struct run wanted = {o->record, o->record, 0, o->lane};
	const struct run *found = NULL;

	if (o->lane >= ORBUS_LANES_MAX)
		return GIVEN_NONE;
	if (g->restored_count > 0)
		found =
		    bsearch(&wanted, g->restored, g->restored_count, sizeof(*found), compare_runs);
	if (found) {
		*time_ns = found->time_ns;
		return GIVEN_TIME;
	}
	return o->record < g->lanes[o->lane].forgotten ? GIVEN_FORGOTTEN : GIVEN_NONE;
}

void given_times_forget_lane(struct given_times *g, uint32_t lane)
{
	size_t kept = 0;

	if (lane >= ORBUS_LANES_MAX)
		return;
	for (size_t i = 0; i < g->count; i++)
		if (g->runs[i].lane != lane)
			g->runs[kept++] = g->runs[i];
	g->count = kept;
	g->lanes[lane].forgotten = 0;
	index_lanes(g);
}

void given_times_forget(struct given_times *g)
{
	g->count = g->restored_count = 0;
	memset(g->lanes, 0, sizeof(g->lanes));
}

/* --- In the checkpoint ------------------------------------------------------------------------ */

void given_times_write(const struct given_times *g, struct writer *w, const char *key)
{
	writer_object(w, key);
	writer_array(w, "runs");
	for (size_t i = 0; i < g->count; i++) {
		const struct run *run = &g->runs[i];

		writer_array(w, NULL);
		writer_integer(w, NULL, run->lane);
		writer_count(w, NULL, run->first);
		writer_count(w, NULL, run->last - run->first);
		writer_count(w, NULL, run->time_ns);
		writer_end(w);
	}
	writer_end(w);
	writer_array(w, "forgotten");
	for (uint32_t i = 0; i < ORBUS_LANES_MAX; i++) {
		if (g->lanes[i].forgotten == 0)
			continue;
		writer_array(w, NULL);
		writer_integer(w, NULL, i);
		writer_count(w, NULL, g->lanes[i].forgotten);
		writer_end(w);
	}
	writer_end(w);
	writer_end(w);
}

static int read_run(struct given_times *g, struct doc_source *s)
{
	enum { LANE, FIRST, MORE, TIME, RUN_FIELDS };
	uint64_t run[RUN_FIELDS];
	struct sample_origin origin;
	const struct lane *l;

	if (doc_counts(s, run, RUN_FIELDS) != RUN_FIELDS || run[LANE] >= ORBUS_LANES_MAX ||
	    run[FIRST] + run[MORE] >= COUNT_MAX) /* each is within it */
		return -EBADMSG;
	l = &g->lanes[run[LANE]];
	if (l->newest && g->runs[l->newest - 1].last >= run[FIRST])
		return -EBADMSG;
	origin = (struct sample_origin){.lane = (uint32_t)run[LANE], .record = run[FIRST]};
	if (!given_times_note(g, &origin, run[TIME]))
		return -ENOMEM;
	g->runs[l->newest - 1].last = run[FIRST] + run[MORE];
	return 0;
}

static int read_runs(struct given_times *g, struct doc_source *s)
{
	int err = 0;

	doc_open_array(s);
	for (size_t n = 0; !err && doc_item(s); n++)
		err = n < GIVEN_RUNS_MAX ? read_run(g, s) : -EBADMSG;
	return err ? err : doc_result(s);
}

static int read_forgotten(struct given_times *g, struct doc_source *s)
{
	uint64_t pair[2]; /* lane, record */

	doc_open_array(s);
	while (doc_item(s)) {
		if (doc_counts(s, pair, 2) != 2 || pair[0] >= ORBUS_LANES_MAX)
			return -EBADMSG;
		g->lanes[pair[0]].forgotten = pair[1];
	}
	return doc_result(s);
}

/* What is replayed is looked up by lane and record. */
static int keep_restored(struct given_times *g)
{
	if (g->count == 0)
		return 0;
	free(g->restored);
	g->restored = malloc(g->count * sizeof(*g->restored));
	if (!g->restored)
		return -ENOMEM;
	g->restored_count = g->count;
	memcpy(g->restored, g->runs, g->count * sizeof(*g->restored));
	qsort(g->restored, g->restored_count, sizeof(*g->restored), compare_runs);
	return 0;
}

int given_times_read(struct given_times *g, struct doc_source *s)
{
	enum { RUNS, FORGOTTEN };
	static const char *const names[] = {"runs", "forgotten"};
	struct doc_keys keys = DOC_KEYS(names);
	int key, err = 0;

	given_times_forget(g);
	doc_open(s);
	while (!err && (key = doc_next_key(s, &keys)) >= 0)
		err = key == RUNS ? read_runs(g, s) : read_forgotten(g, s);
	if (!err && !(doc_has(&keys, RUNS) && doc_has(&keys, FORGOTTEN)))
		err = -EBADMSG;
	if (!err)
		err = doc_result(s);
	return err ? err : keep_restored(g);
}
