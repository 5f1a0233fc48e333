/*
 * backfill.c: what the files of newly opened periods already hold.
 *
 * A period is opened by its first sample, long after its file was finished perhaps; the sample
 * waits in the period while the store fetches the file. A save waits for a moment too; then the
 * checkpoint says that it holds the period without what its file has (save.c).
 *
 * A late period that an earlier agent had open need not be read at the start: it stays sealed, as
 * the section that it has in the checkpoint, until a sample comes for it. Then its section is its
 * base; until that is read, a checkpoint holds the section and what has come beside it.
 *
 * A file is quarantined when it was read to its end and is not what it should be, or is no file of
 * ours at all (a link, a folder: it would be in the way of ours, and moving it destroys nothing).
 * An error of reading says nothing about the content: the samples wait, added up, in memory and in
 * the checkpoint, and reading is tried again, ever less often.
 *
 * Large ones are read by a worker.
 */
#include "backfill.h"
#include "agent/common/quarantine.h"
#include "agent/common/worker.h"
#include "agent/store/read.h"
#include "agent/store/store.h"
#include "base/clock.h"
#include "checkpoint_section.h"
#include "doc/doc_read.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define BACKOFF_MAX_S 60
#define ASKED_MAX     8
/* More text than that is read beside the loop. */
#define AT_ONCE_BYTES ((size_t)64 << 10)

/* What a period held, being made of a file's text or of a checkpoint's section. */
struct base {
	struct base *next;
	char name[PERIOD_NAME_BYTES];
	unsigned generation; /* of the aggregator that asked */
	bool is_section;
	char *bytes; /* owned */
	size_t length;
	int error;
	struct period_span says; /* the document, of its bounds; a start of 0: nothing */
	struct aggregate sum;
	struct trends trends;
};

/*
 * The worker has the first of the list, from worker_start() until it is not busy: the base is the
 * worker's then.
 */
struct backfill {
	struct aggregator *aggregator;
	const struct folder *folder;
	struct store *const *store;
	struct log *log;
	struct log_once last_error;
	unsigned backoff_seconds; /* 0: the files of periods can be read */
	uint64_t next_ns;         /* CLOCK_MONOTONIC: not before */
	struct worker *worker;
	bool running;
	struct base *first;
};

static void read_base(void *base)
{
	struct base *b = base;
	struct document_period period;

	if (b->is_section) {
		b->error = checkpoint_section_read(b->bytes, b->length, &b->sum, &b->trends);
		return;
	}
	b->error =
	    document_from_text(b->bytes, b->length, DOCUMENT_ALL, &period, &b->trends, &b->sum);
	b->says.start_ns = period.start_ns;
	b->says.end_ns = period.end_ns;
}

/* Once for all that was asked for at one time. */
static void back_off(struct backfill *f)
{
	uint64_t now_ns = clock_monotonic_ns();

	if (now_ns < f->next_ns)
		return;
	f->backoff_seconds = f->backoff_seconds ? 2 * f->backoff_seconds : 1;
	if (f->backoff_seconds > BACKOFF_MAX_S)
		f->backoff_seconds = BACKOFF_MAX_S;
	f->next_ns = now_ns + f->backoff_seconds * NS_PER_SECOND;
}

static void quarantine(struct backfill *f, struct period *p, const char *name, const char *why)
{
	if (quarantine_file(f->folder, name, why) == 0)
		(void)period_set_base(p, NULL, NULL);
	else
		back_off(f);
}

static void free_base(struct base *b)
{
	aggregate_free(&b->sum);
	free(b->bytes);
	free(b);
}

static struct base *new_base(
    struct backfill *f, const char *name, const char *bytes, size_t length, bool is_section)
{
	struct base *b = calloc(1, sizeof(*b));

	if (!b)
		return NULL;
	b->bytes = malloc(length + 1);
	if (!b->bytes) {
		free(b);
		return NULL;
	}
	memcpy(b->bytes, bytes, length);
	b->length = length;
	b->is_section = is_section;
	b->generation = f->aggregator->generation;
	strcpy(b->name, name);
	aggregate_init(&b->sum);
	return b;
}

/* There is no file, it is not ours, or it cannot be read now, for any errno. */
static void take_unread(struct backfill *f, struct period *p, int error)
{
	p->base_asked = false;
	if (error == -ENOENT)
		(void)period_set_base(p, NULL, NULL);
	else if (store_is_foreign(error))
		quarantine(f, p, p->span.name, store_foreign_text(error));
	else
		back_off(f);
}

/* It was read to its end, and is not what it should be; or there was no memory for it. */
static void take_unmerged(struct backfill *f, struct period *p, int err)
{
	if (err == -ENOMEM)
		f->aggregator->out_of_memory = true; /* what was merged, was in part */
	else
		quarantine(f, p, p->span.name, "is damaged or not ours");
}

/* A section has passed the checkpoint's checksum: its file is what is left, should that happen. */
static void take_damaged_section(struct backfill *f, struct period *p)
{
	log_error(f->log, "what the checkpoint holds of %s cannot be read: going on from the file",
	    p->span.name);
	p->sealed = p->has_base = p->in_checkpoint = false;
}

/*
 * The bounds that a file says are to the minute: its offsets from UTC are, and before 1972 there
 * were others.
 */
static bool is_of(const struct base *b, const struct period_span *span)
{
	uint64_t start_ns = b->says.start_ns, end_ns = b->says.end_ns;
	uint64_t off =
	    start_ns > span->start_ns ? start_ns - span->start_ns : span->start_ns - start_ns;

	off += end_ns > span->end_ns ? end_ns - span->end_ns : span->end_ns - end_ns;
	return off < 120 * NS_PER_SECOND;
}

/*
 * A file that the index does not know, of another time than its name means here: somebody copied it
 * from elsewhere, or an agent of an earlier version left it. It stays, and is known from now on.
 */
static void leave_file(struct backfill *f, struct period *p, const struct base *b)
{
	struct periods *all = &f->aggregator->periods;
	struct period_span other = p->span;

	other.start_ns = b->says.start_ns;
	other.end_ns = b->says.end_ns;
	periods_rename(all, p);
	(void)period_index_add(&all->index[other.kind], &other, NULL);
	log_info(f->log, "%s is of another time: going on in %s", b->name, p->span.name);
}

/* Merges what was read, unless the aggregator is another one by now. */
static void take_base(struct backfill *f, struct base *b)
{
	struct period *p = b->generation == f->aggregator->generation
	                       ? periods_named(&f->aggregator->periods, b->name)
	                       : NULL;
	int err = b->error;

	if (p && p->base_asked) {
		p->base_asked = false;
		if (!err && !b->is_section && b->says.start_ns && !is_of(b, &p->span)) {
			/* A save that is being rendered reads the name: asked again after it. */
			if (!p->frozen)
				leave_file(f, p, b);
			free_base(b);
			return;
		}
		if (!err && !period_set_base(p, &b->sum, &b->trends))
			err = -ENOMEM;
		if (b->is_section && err && err != -ENOMEM)
			take_damaged_section(f, p);
		else if (err)
			take_unmerged(f, p, err);
		else
			p->sealed = false;
	}
	free_base(b);
}

static void enqueue(struct backfill *f, struct base *b)
{
	struct base **last = &f->first;

	while (*last)
		last = &(*last)->next;
	*last = b;
}

static void got_file(void *context, const struct store_result *r)
{
	struct backfill *f = context;
	struct period *p = periods_named(&f->aggregator->periods, r->name);
	bool is_told = r->error == -ENOENT || store_is_foreign(r->error);
	struct base *b;

	if (!p)
		return;
	log_once(f->log, &f->last_error, r->name, store_step_name(r->step), is_told ? 0 : r->error);
	if (r->error) {
		take_unread(f, p, r->error);
		return;
	}
	f->backoff_seconds = 0;
	b = new_base(f, r->name, r->bytes, r->length, false);
	if (!b) {
		p->base_asked = false;
		return; /* asked for again */
	}
	if (b->length > AT_ONCE_BYTES) {
		enqueue(f, b);
		return;
	}
	read_base(b);
	take_base(f, b);
}

int backfill_open(struct aggregator *aggregator, const struct folder *folder,
    struct store *const *store, struct log *log, struct backfill **out)
{
	struct backfill *f = *out = calloc(1, sizeof(*f));

	if (!f)
		return -ENOMEM;
	f->aggregator = aggregator;
	f->folder = folder;
	f->store = store;
	f->log = log;
	f->worker = worker_new();
	return f->worker ? 0 : -ENOMEM;
}

void backfill_close(struct backfill *f)
{
	if (!f)
		return;
	worker_free(f->worker);
	while (f->first) {
		struct base *b = f->first;

		f->first = b->next;
		free_base(b);
	}
	free(f);
}

bool backfill_go_on(struct backfill *f)
{
	struct base *b = f->first;

	if (!b || (f->running && worker_is_busy(f->worker)))
		return false;
	if (!f->running) {
		f->running = true;
		if (worker_start(f->worker, read_base, b) == 0)
			return false;
		read_base(b);
	}
	f->running = false;
	f->first = b->next;
	take_base(f, b);
	return true;
}

static bool ask(struct backfill *f, struct period *p)
{
	struct base *b;

	if (!p->sealed)
		return store_get(*f->store, p->span.name, got_file, f) == 0;
	b = new_base(f, p->span.name, p->section, p->section_size, true);
	if (b)
		enqueue(f, b);
	return b;
}

/* Whether what it held before is yet to be added to its sum. */
static bool lacks_base(const struct period *p)
{
	return !p->has_base || !period_is_whole(p);
}

/* A few at once: other things are to be stored in between, and each takes memory. */
void backfill_ask(struct backfill *f)
{
	size_t asked = 0;

	if (f->backoff_seconds && clock_monotonic_ns() < f->next_ns)
		return;
	for (struct period *p = f->aggregator->periods.first; p; p = p->next)
		asked += p->base_asked;
	for (struct period *p = f->aggregator->periods.first; p && asked < ASKED_MAX; p = p->next) {
		if (!lacks_base(p) || p->base_asked)
			continue;
		p->base_asked = ask(f, p);
		asked += p->base_asked;
	}
}

bool backfill_missing(const struct backfill *f, uint64_t now_ns, bool all)
{
	for (const struct period *p = f->aggregator->periods.first; p; p = p->next)
		if (lacks_base(p) && (all || !period_is_late(p, now_ns)))
			return true;
	return false;
}
