/*
 * save.c: from the aggregator to the disk, so that every sample counts exactly once.
 *
 * A save is a line of steps (enum save_step). make_step() takes one after the other, from top to
 * bottom, with the crash argument beside the steps that it is about. The store and the worker carry
 * out what takes long; their completions only note the outcome, and the next step judges it.
 *
 * The loop is not held up. The first step takes down all but the periods' sums, and freezes these:
 * until the save has rendered them nothing changes them, what comes goes to the periods' news
 * (agent/aggregate/periods.h). So the rendering may go on in another thread, of whatever length,
 * and is of one instant all the same. Small aggregators are rendered at once, which is cheaper than
 * waking a thread. The news are added to the sums beside the further steps (thaw()).
 *
 * Nothing makes saves more frequent or longer because samples are late: a late period's file waits
 * (period_file_is_due()), and a save writes only so many of them.
 */
#include "save.h"
#include "agent/common/worker.h"
#include "agent/store/store.h"
#include "base/clock.h"
#include "save_files.h"

#include <errno.h>
#include <malloc.h>
#include <stdlib.h>

#define FILE_MODE     0600
#define BACKOFF_MAX_S 60
/* A save waits no longer for the files that periods are opened with. */
#define BACKFILL_NS NS_PER_SECOND
/* More than that is rendered beside the loop: some milliseconds of work. */
#define RENDER_AT_ONCE_NAMES 256
#define THAW_NS              2000000
#define TRIM_SHARE           1000

/* What the running save does next. */
enum save_step {
	SAVE_IDLE,
	SAVE_FREEZE,           /* take down all, as of one instant */
	SAVE_RENDER,           /* the checkpoint's bytes, beside the loop perhaps */
	SAVE_UNFREEZE,         /* the sums change again */
	SAVE_JOURNAL_LINES,    /* write what the checkpoint names of the journal */
	SAVE_KEEP_PREVIOUS,    /* rename the last checkpoint to be the one before */
	SAVE_STORE_CHECKPOINT, /* store the new one */
	SAVE_COMMIT,           /* it is durable */
	SAVE_FILES,            /* write the files of periods, a few at once */
	SAVE_END,
};

struct save {
	struct save_sources from;
	struct log *log;
	struct worker *worker;
	enum save_step step;
	bool storing;               /* the store has the step's operation, and has not ended it */
	int error;                  /* of the operation that ended last: 0 or a negative errno */
	enum store_step error_step; /* where it stopped */
	bool failed;                /* the running save, or the last one */
	bool thawing;               /* what came while the sums were frozen is yet to be added */
	bool at_once;               /* the running save writes every file */
	uint64_t frozen_ns;         /* the instant that the running save is of */
	/* How many changes the aggregator had when the running save was made, in the last good save
	 * and in the last checkpoint that is on the disk. */
	uint64_t changes, saved_changes, checkpoint_changes;
	struct checkpoint_draft draft; /* being rendered, by the worker perhaps */
	char *checkpoint;              /* rendered, not yet the store's */
	size_t checkpoint_length;
	struct save_files files;
	uint64_t waiting_since_ns; /* for what periods are opened with; 0: for nothing */
	uint64_t next_ns;          /* CLOCK_MONOTONIC: not before */
	unsigned backoff_seconds;  /* 0: all is well */
	uint64_t trim_next_ns;     /* CLOCK_MONOTONIC: not before */
	struct log_once last_error;
};

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

/* --- Steps ------------------------------------------------------------------------------------ */

/* As of now: the positions, the lengths of the journal, and all that was counted. */
static int freeze(struct save *s)
{
	struct checkpoint_bus bus;
	int err = drain_positions(s->from.drain, &bus);

	s->draft = (struct checkpoint_draft){0};
	if (!err)
		err = journal_freeze(s->from.journal, &bus);
	if (!err)
		err = checkpoint_draft_begin(
		    &s->draft, s->from.aggregator, &bus, s->frozen_ns, &s->from.documents);
	checkpoint_bus_free(&bus);
	for (size_t i = 0; !err && i < s->draft.count; i++)
		s->draft.periods[i].period->frozen =
		    checkpoint_period_is_read(&s->draft.periods[i]);
	return err;
}

static void render_draft(void *draft)
{
	checkpoint_draft_render(draft);
}

/* Beside the loop, where it takes long and there is a thread to be had. */
static void render(struct save *s)
{
	if (checkpoint_draft_names(&s->draft) <= RENDER_AT_ONCE_NAMES ||
	    worker_start(s->worker, render_draft, &s->draft) < 0)
		render_draft(&s->draft);
}

/* The draft is the loop's again, and may be incomplete (draft.error): its bytes, and the files. */
static int unfreeze(struct save *s)
{
	int err = s->draft.error;

	if (!err) {
		checkpoint_draft_give_back(&s->draft);
		err = save_files_choose(
		    &s->files, &s->draft, s->from.aggregator, s->frozen_ns, s->at_once);
	}
	for (size_t i = 0; i < s->draft.count; i++) {
		struct period *p = s->draft.periods[i].period;

		p->frozen = false;
		p->in_pending_checkpoint = !err && s->draft.periods[i].has_base;
	}
	s->thawing = true;
	s->checkpoint = checkpoint_draft_take(&s->draft, &s->checkpoint_length);
	checkpoint_draft_free(&s->draft);
	return err;
}

/* What came while the sums were frozen is added to them, a few periods a turn. */
static void thaw(struct save *s)
{
	uint64_t started_ns = clock_monotonic_ns();

	for (struct period *p = s->from.aggregator->periods.first; p; p = p->next) {
		if (!p->news)
			continue;
		if (!period_thaw(p))
			s->from.aggregator->out_of_memory = true;
		if (clock_monotonic_ns() - started_ns > THAW_NS)
			return;
	}
	s->thawing = false;
}

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

/* The checkpoint is durable: what was to wait for that. */
static void commit(struct save *s)
{
	journal_named(s->from.journal);
	for (struct period *p = s->from.aggregator->periods.first; p; p = p->next)
		p->in_checkpoint |= p->in_pending_checkpoint;
	s->checkpoint_changes = s->changes;
}

static void set_next_save(struct save *s)
{
	uint64_t wait = s->from.config->checkpoint_seconds;

	if (s->failed) {
		s->backoff_seconds = s->backoff_seconds ? 2 * s->backoff_seconds : 1;
		if (s->backoff_seconds > BACKOFF_MAX_S)
			s->backoff_seconds = BACKOFF_MAX_S;
		wait = s->backoff_seconds;
	} else {
		s->backoff_seconds = 0;
		s->saved_changes = s->changes;
		if (s->files.waiting || s->from.aggregator->periods.crowded)
			wait = 1;
	}
	s->next_ns = clock_monotonic_ns() + wait * NS_PER_SECOND;
}

/* Says what failed, where that has not been said, and gives up what is not yet in the store. */
static void fail(struct save *s)
{
	if (s->error)
		log_once(s->log, &s->last_error, CHECKPOINT_NAME, store_step_name(s->error_step),
		    s->error);
	s->failed = true;
	free(s->checkpoint);
	s->checkpoint = NULL;
	save_files_drop(&s->files);
	s->step = SAVE_END;
}

/*
 * The next step, when what it waits for has come (is_waiting()). An error leads to the end, and the
 * save is made anew after a while: what is on the disk by then is what a crash there would leave.
 */
static void make_step(struct save *s)
{
	char *bytes;

	switch (s->step) {
	case SAVE_IDLE: return;
	case SAVE_FREEZE:
		/*
		 * The checkpoint holds the open periods and the position in every lane together.
		 * A restarted agent continues from it, so each sample is either in it or read
		 * again.
		 */
		s->draft.error = freeze(s);
		s->step = s->draft.error ? SAVE_UNFREEZE : SAVE_RENDER;
		return;
	case SAVE_RENDER:
		render(s);
		s->step = SAVE_UNFREEZE;
		return;
	case SAVE_UNFREEZE:
		s->error = unfreeze(s);
		s->error_step = STORE_STEP_CREATE;
		if (s->error)
			break;
		s->step = SAVE_JOURNAL_LINES;
		return;
	case SAVE_JOURNAL_LINES:
		/* The checkpoint names no line that is not on the disk: these go first. */
		journal_write(s->from.journal, &s->last_error);
		s->step = SAVE_KEEP_PREVIOUS;
		return;
	case SAVE_KEEP_PREVIOUS:
		if (journal_write_failed(s->from.journal))
			break; /* the journal has said it */
		/* Should the new checkpoint be damaged, the last one serves (see SAVE_FILES). */
		note_asked(s, store_rename(*s->from.store, CHECKPOINT_NAME,
				  CHECKPOINT_PREVIOUS_NAME, stored, s));
		s->step = SAVE_STORE_CHECKPOINT;
		return;
	case SAVE_STORE_CHECKPOINT:
		/* There is none at first, and after a save that failed here: then the one before
		 * stays what it is. */
		if (s->error && s->error != -ENOENT)
			break;
		bytes = s->checkpoint;
		s->checkpoint = NULL; /* the store's, in any case */
		note_asked(s, store_put(*s->from.store, CHECKPOINT_NAME, bytes,
				  s->checkpoint_length, FILE_MODE, stored, s));
		s->step = SAVE_COMMIT;
		return;
	case SAVE_COMMIT:
		if (s->error)
			break;
		commit(s);
		s->step = SAVE_FILES;
		return;
	case SAVE_FILES:
		/*
		 * A file is a function of a checkpoint that is already durable. Writing it again,
		 * or writing a later one, replaces it whole: doing so twice changes nothing.
		 *
		 * It is written only for a period that the checkpoint before holds too, with what
		 * its file held (save_files_choose()). So that one serves as well, should the last
		 * be damaged: what is read again is in no file that it does not replace, and
		 * nothing is counted twice.
		 */
		s->failed = s->files.failed;
		if (s->failed)
			save_files_drop(&s->files);
		if (save_files_left(&s->files))
			save_files_put_next(&s->files);
		else
			s->step = SAVE_END;
		return;
	case SAVE_END:
		/*
		 * A period leaves the checkpoint only after its file was stored with all of it.
		 * From then on the file is the truth: a late sample fetches it back (backfill.c).
		 * Until that has come, a checkpoint says that the period is without what its file
		 * holds, and no file is written.
		 */
		if (!s->failed && s->last_error.error)
			log_once(s->log, &s->last_error, s->from.folder->path, "write", 0);
		trim(s);
		if (!s->failed)
			periods_close_finished(&s->from.aggregator->periods, clock_realtime_ns());
		set_next_save(s);
		s->step = SAVE_IDLE;
		return;
	}
	fail(s);
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
	bool took_time = s->thawing;

	if (s->thawing)
		thaw(s);
	while (has_step(s) && !(took_time && is_file(s))) {
		took_time |= takes_time(s);
		make_step(s);
	}
	return took_time;
}

/* --- When ------------------------------------------------------------------------------------- */

static bool has_news(const struct save *s, uint64_t now_ns, bool at_once)
{
	uint64_t monotonic_ns = at_once ? UINT64_MAX : clock_monotonic_ns();

	if (s->from.aggregator->changes != s->saved_changes ||
	    journal_wants_checkpoint(s->from.journal, now_ns))
		return true;
	for (const struct period *p = s->from.aggregator->periods.first; p; p = p->next)
		if (period_file_is_due(p, now_ns, monotonic_ns))
			return true;
	return false;
}

/*
 * A period has ended, or has begun: its file should not wait for the next checkpoint. One that was
 * over when it was opened can: nobody knows of its file yet.
 */
static bool is_urgent(const struct save *s, uint64_t now_ns)
{
	if (journal_is_urgent(s->from.journal))
		return true;
	for (const struct period *p = s->from.aggregator->periods.first; p; p = p->next) {
		bool over = period_is_over(p, now_ns), is_written = p->written_version > 0;

		if (p->has_base && is_written == over && (over ? !p->written_complete : true))
			return true;
	}
	return false;
}

/* The file of a period that is not there yet makes a save wait, for a while. */
static bool must_wait(struct save *s, uint64_t now_ns, bool at_once)
{
	uint64_t monotonic_ns = clock_monotonic_ns();

	if (!backfill_missing(s->from.backfill, now_ns, at_once)) {
		s->waiting_since_ns = 0;
		return false;
	}
	if (s->waiting_since_ns == 0)
		s->waiting_since_ns = monotonic_ns;
	return monotonic_ns - s->waiting_since_ns < BACKFILL_NS;
}

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
	bool due = clock_monotonic_ns() >= s->next_ns;

	/* The current hour and day have files from their first moment on. */
	(void)periods_at(&s->from.aggregator->periods, PERIOD_HOURLY, now_ns);
	(void)periods_at(&s->from.aggregator->periods, PERIOD_DAILY, now_ns);
	backfill_ask(s->from.backfill);
	if (save_is_busy(s) || s->thawing || s->from.aggregator->out_of_memory ||
	    !has_news(s, now_ns, at_once))
		return false;
	if (!due && !at_once && !(s->backoff_seconds == 0 && is_urgent(s, now_ns)))
		return false;
	aggregator_fold(s->from.aggregator, now_ns);
	backfill_ask(s->from.backfill); /* of periods that the fold has opened */
	if (s->from.aggregator->out_of_memory || must_wait(s, now_ns, at_once))
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
	checkpoint_draft_free(&s->draft);
	free(s->checkpoint);
	free(s);
}

bool save_has_more(const struct save *s)
{
	return s->thawing || has_step(s);
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
	s->saved_changes = s->checkpoint_changes = 0;
}

bool save_is_done(const struct save *s, uint64_t now_ns)
{
	return !save_is_busy(s) && !s->thawing && !s->from.aggregator->out_of_memory &&
	       !backfill_missing(s->from.backfill, now_ns, true) && !has_news(s, now_ns, true);
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
	return s->backoff_seconds > 0;
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
	s->next_ns = 0;
}
