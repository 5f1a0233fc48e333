/*
 * save.c: from the aggregator to the disk, so that every sample counts exactly once.
 *
 * A save is a line of steps (enum save_step), each a function, in this order from top to bottom of
 * the file, with the crash argument beside the steps that it is about. The store and the worker
 * carry out what takes long; their completions only note the outcome, and the next step judges it.
 *
 * The loop is not held up: what takes long is rendered in another thread, of one instant all the
 * same (save_freeze.h), and no step waits.
 */
#include "save.h"
#include "agent/common/worker.h"
#include "agent/store/store.h"
#include "base/clock.h"
#include "save_due.h"
#include "save_files.h"
#include "save_freeze.h"

#include <errno.h>
#include <malloc.h>
#include <stdlib.h>

#define FILE_MODE  0600
#define TRIM_SHARE 1000

/* What the running save does next; `steps` has the functions. */
enum save_step {
	SAVE_IDLE,
	SAVE_FREEZE,
	SAVE_RENDER,
	SAVE_UNFREEZE,
	SAVE_JOURNAL_LINES,
	SAVE_KEEP_PREVIOUS,
	SAVE_STORE_CHECKPOINT,
	SAVE_COMMIT,
	SAVE_FILES,
	SAVE_END,
	SAVE_STEPS
};

/* What a step has come to. A failure leads to the end, and the save is made anew after a while:
 * what is on the disk by then is what a crash there would leave. */
enum outcome { STEP_DONE, STEP_AGAIN, STEP_FAILED };

struct save {
	struct save_sources from;
	struct log *log;
	struct save_due due;
	struct worker *worker;
	enum save_step step;
	bool storing;               /* the store has the step's operation, and has not ended it */
	int error;                  /* of the operation that ended last: 0 or a negative errno */
	enum store_step error_step; /* where it stopped */
	bool failed;                /* the running save, or the last one */
	bool at_once;               /* the running save writes every file */
	uint64_t frozen_ns;         /* the instant that the running save is of */
	/* How many changes the aggregator had when the running save was made, and in the last
	 * checkpoint that is on the disk. */
	uint64_t changes, checkpoint_changes;
	struct save_freeze frozen;
	char *checkpoint; /* rendered, not yet the store's */
	size_t checkpoint_length;
	struct save_files files;
	uint64_t trim_next_ns; /* CLOCK_MONOTONIC: not before */
	struct log_once last_error;
};

/* --- Of the store ----------------------------------------------------------------------------- */

/* The store has carried out the step's operation. */
static void stored(void *context, const struct store_result *r)
{
	struct save *s = context;

	s->storing = false;
	s->error = r->error;
	s->error_step = r->step;
}

/* What was asked of the store: stored() is called later, unless it could not be asked (`err`). */
static void note_asked(struct save *s, int err)
{
	s->storing = err == 0;
	s->error = err;
	s->error_step = STORE_STEP_CREATE;
}

/* --- Steps: what is saved, as of one instant -------------------------------------------------- */

/*
 * SAVE_FREEZE: takes down the positions, the lengths of the journal, and all that was counted.
 *
 * The checkpoint holds the open periods and the position in every lane together. A restarted agent
 * continues from it, so each sample is either in it or read again.
 */
static enum outcome freeze(struct save *s)
{
	save_freeze_begin(
	    &s->frozen, &s->from.documents, s->from.drain, s->from.journal, s->frozen_ns);
	return STEP_DONE; /* what was begun must be ended: unfreeze() judges it */
}

/* SAVE_RENDER: the checkpoint's bytes. */
static enum outcome render(struct save *s)
{
	if (!s->frozen.draft.error)
		save_freeze_render(&s->frozen, s->worker);
	return STEP_DONE;
}

/* SAVE_UNFREEZE: the sums change again; the draft is the loop's, and gives its bytes and the files.
 */
static enum outcome unfreeze(struct save *s)
{
	struct checkpoint_draft *d = &s->frozen.draft;
	int err = d->error;

	if (!err) {
		checkpoint_draft_give_back(d);
		err = save_files_choose(&s->files, d, s->from.aggregator, s->frozen_ns, s->at_once);
	}
	s->checkpoint = checkpoint_draft_take(d, &s->checkpoint_length);
	save_freeze_end(&s->frozen, !err);
	s->error = err;
	s->error_step = STORE_STEP_CREATE;
	return err ? STEP_FAILED : STEP_DONE;
}

/* --- Steps: on to the disk -------------------------------------------------------------------- */

/* SAVE_JOURNAL_LINES: the checkpoint names no line that is not on the disk, so these go first. */
static enum outcome write_journal_lines(struct save *s)
{
	journal_write(s->from.journal, &s->last_error);
	return STEP_DONE;
}

/* SAVE_KEEP_PREVIOUS: should the new checkpoint be damaged, the last one serves (write_files()). */
static enum outcome keep_previous(struct save *s)
{
	if (journal_write_failed(s->from.journal))
		return STEP_FAILED; /* the journal has logged it */
	note_asked(
	    s, store_rename(*s->from.store, CHECKPOINT_NAME, CHECKPOINT_PREVIOUS_NAME, stored, s));
	return STEP_DONE;
}

/* SAVE_STORE_CHECKPOINT: the new one. */
static enum outcome store_checkpoint(struct save *s)
{
	char *bytes = s->checkpoint;

	/* There was none to keep at first, or after a save that failed here: then the one before
	 * stays what it is. */
	if (s->error && s->error != -ENOENT)
		return STEP_FAILED;
	s->checkpoint = NULL; /* the store's, in any case */
	note_asked(s, store_put(*s->from.store, CHECKPOINT_NAME, bytes, s->checkpoint_length,
			  FILE_MODE, stored, s));
	return STEP_DONE;
}

/* SAVE_COMMIT: the checkpoint is durable, and with it what was to wait for that. */
static enum outcome commit(struct save *s)
{
	if (s->error)
		return STEP_FAILED;
	journal_named(s->from.journal);
	for (struct period *p = s->from.aggregator->periods.first; p; p = p->next)
		p->in_checkpoint |= p->in_pending_checkpoint;
	s->checkpoint_changes = s->changes;
	return STEP_DONE;
}

/*
 * SAVE_FILES: one of the files of periods; a few are being stored at once.
 *
 * A file is a function of a checkpoint that is already durable. Writing it again, or writing a
 * later one, replaces it whole: doing so twice changes nothing.
 *
 * It is written only for a period that the checkpoint before holds too, with what its file held
 * (save_files_choose()). So that one serves as well, should the last be damaged: what is read again
 * is in no file that it does not replace, and nothing is counted twice.
 */
static enum outcome write_files(struct save *s)
{
	s->failed = s->files.failed;
	if (s->failed)
		save_files_drop(&s->files);
	if (!save_files_left(&s->files))
		return STEP_DONE;
	save_files_put_next(&s->files);
	return STEP_AGAIN;
}

/*
 * The documents took more memory than all that they tell of, and lay between its parts. Giving it
 * back takes as long as there are pieces: no more than 1/1000 of the time.
 */
static void trim(struct save *s)
{
	uint64_t started_ns = clock_monotonic_ns();

	if (started_ns < s->trim_next_ns)
		return;
	malloc_trim(0);
	s->trim_next_ns = started_ns + TRIM_SHARE * (clock_monotonic_ns() - started_ns);
}

/*
 * SAVE_END: of a save that has failed, too.
 *
 * A period leaves the checkpoint only after its file was stored with all of it. From then on the
 * file is the truth: a late sample fetches it back (backfill.c). Until that has come, a checkpoint
 * says that the period is without what its file holds, and no file is written.
 */
static enum outcome end(struct save *s)
{
	struct periods *periods = &s->from.aggregator->periods;

	if (!s->failed && s->last_error.error)
		log_once(s->log, &s->last_error, s->from.folder->path, "write", 0);
	trim(s);
	if (!s->failed)
		periods_close_finished(periods, clock_realtime_ns());
	save_due_ended(&s->due, s->changes, s->failed, s->files.waiting || periods->crowded);
	return STEP_DONE;
}

/* --- Going through them ----------------------------------------------------------------------- */

static enum outcome (*const steps[SAVE_STEPS])(struct save *) = {
    [SAVE_FREEZE] = freeze,
    [SAVE_RENDER] = render,
    [SAVE_UNFREEZE] = unfreeze,
    [SAVE_JOURNAL_LINES] = write_journal_lines,
    [SAVE_KEEP_PREVIOUS] = keep_previous,
    [SAVE_STORE_CHECKPOINT] = store_checkpoint,
    [SAVE_COMMIT] = commit,
    [SAVE_FILES] = write_files,
    [SAVE_END] = end,
};

/* Logs what failed, where that has not been done, and gives up what the store does not have yet. */
static void fail(struct save *s)
{
	if (s->error)
		log_once(s->log, &s->last_error, CHECKPOINT_NAME, store_step_name(s->error_step),
		    s->error);
	s->failed = true;
	free(s->checkpoint);
	s->checkpoint = NULL;
	save_files_drop(&s->files);
}

/* The next step, when what it waits for has come (is_waiting()). */
static void make_step(struct save *s)
{
	switch (steps[s->step](s)) {
	case STEP_AGAIN: return;
	case STEP_DONE:
		s->step = s->step == SAVE_END ? SAVE_IDLE : (enum save_step)(s->step + 1);
		return;
	case STEP_FAILED:
		fail(s);
		s->step = SAVE_END;
		return;
	}
}

/* The next step must wait: for the store or for the worker. */
static bool is_waiting(const struct save *s)
{
	if (s->storing || journal_is_writing(s->from.journal) || worker_is_busy(s->worker))
		return true;
	return s->step == SAVE_FILES && save_files_is_full(&s->files);
}

/* A step that can be made now. */
static bool has_step(const struct save *s)
{
	return s->step != SAVE_IDLE && !is_waiting(s);
}

/* One file in a turn, and none beside another step that took its time. */
static bool is_file(const struct save *s)
{
	return s->step == SAVE_FILES && save_files_left(&s->files);
}

/* After these the loop drains first. After SAVE_COMMIT files may be put off, too. */
static bool takes_time(const struct save *s)
{
	return s->step == SAVE_UNFREEZE || s->step == SAVE_COMMIT || is_file(s) ||
	       s->step == SAVE_END;
}

bool save_go_on(struct save *s)
{
	bool took_time = s->frozen.thawing;

	if (s->frozen.thawing)
		save_freeze_thaw(&s->frozen, s->from.aggregator);
	while (has_step(s) && !(took_time && is_file(s))) {
		took_time |= takes_time(s);
		make_step(s);
	}
	return took_time;
}

/* --- From the loop ---------------------------------------------------------------------------- */

static void begin(struct save *s, uint64_t now_ns, bool at_once)
{
	s->failed = false;
	s->error = 0;
	s->at_once = at_once;
	s->changes = s->from.aggregator->changes;
	s->frozen_ns = now_ns;
	periods_make_room(&s->from.aggregator->periods, now_ns);
	s->step = SAVE_FREEZE;
}

bool save_run(struct save *s, uint64_t now_ns, bool at_once)
{
	/* The current hour and day have files from their first moment on. */
	(void)periods_at(&s->from.aggregator->periods, PERIOD_HOURLY, now_ns);
	(void)periods_at(&s->from.aggregator->periods, PERIOD_DAILY, now_ns);
	backfill_ask(s->from.backfill);
	if (save_is_busy(s) || s->frozen.thawing || s->from.aggregator->out_of_memory ||
	    !save_due_is_now(&s->due, now_ns, at_once))
		return false;
	aggregator_fold(s->from.aggregator, now_ns);
	backfill_ask(s->from.backfill); /* of periods that the fold has opened */
	if (s->from.aggregator->out_of_memory || save_due_must_wait(&s->due, now_ns, at_once))
		return false;
	begin(s, now_ns, at_once);
	(void)save_go_on(s);
	return true;
}

/* They are of a checkpoint that is on the disk, and of the next one, which comes the sooner. */
void save_put_off_files(struct save *s)
{
	if (s->step != SAVE_FILES || !save_files_left(&s->files))
		return;
	save_files_drop(&s->files);
	(void)save_go_on(s);
}

int save_open(const struct save_sources *sources, struct log *log, struct save **out)
{
	struct save *s = calloc(1, sizeof(*s));

	*out = s;
	if (!s)
		return -ENOMEM;
	s->from = *sources;
	s->log = log;
	s->due = (struct save_due){.aggregator = s->from.aggregator,
	    .journal = s->from.journal,
	    .backfill = s->from.backfill,
	    .checkpoint_seconds = s->from.config->checkpoint_seconds};
	s->worker = worker_new();
	if (!s->worker)
		return -ENOMEM;
	s->files = (struct save_files){
	    .store = s->from.store, .log = log, .said = &s->last_error, .worker = s->worker};
	return 0;
}

void save_close(struct save *s)
{
	if (!s)
		return;
	worker_free(s->worker);
	save_files_free(&s->files);
	checkpoint_draft_free(&s->frozen.draft);
	free(s->checkpoint);
	free(s);
}

bool save_has_more(const struct save *s)
{
	return s->frozen.thawing || has_step(s);
}

bool save_is_busy(const struct save *s)
{
	return s->step != SAVE_IDLE;
}

bool save_is_at_work(const struct save *s)
{
	return save_is_busy(s) && worker_is_busy(s->worker);
}

bool save_has_stored(const struct save *s, uint64_t changes)
{
	return s->checkpoint_changes >= changes;
}

void save_begin_anew(struct save *s)
{
	s->due.saved_changes = s->checkpoint_changes = 0;
}

bool save_is_done(const struct save *s, uint64_t now_ns)
{
	return !save_is_busy(s) && !s->frozen.thawing && !s->from.aggregator->out_of_memory &&
	       !backfill_missing(s->from.backfill, now_ns, true) &&
	       !save_due_has_news(&s->due, now_ns, true);
}

size_t save_files_missing(const struct save *s, uint64_t now_ns, const char **name)
{
	size_t count = 0;

	*name = NULL;
	for (const struct period *p = s->from.aggregator->periods.first; p; p = p->next) {
		/* What a file holds is yet to be added where there is no base: it is written then.
		 */
		if (p->has_base && period_is_whole(p) && !p->news &&
		    !period_needs_writing(p, now_ns))
			continue;
		*name = p->span.name;
		count++;
	}
	return count;
}

bool save_is_failing(const struct save *s)
{
	return s->due.backoff_seconds > 0;
}

void save_begin_folder(struct save *s)
{
	struct periods *periods = &s->from.aggregator->periods;

	for (struct period *p = periods->first; p; p = p->next) {
		p->written_version = 0;
		p->written_complete = false;
		p->base_asked = false;
	}
	periods_forget(periods, INT64_MAX);
	s->due.next_ns = 0;
}
