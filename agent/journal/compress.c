/*
 * compress.c: hours that are over, compressed. journal.h has the crash argument.
 *
 * A file is taken when its hour is over, no line has come for a while, and the last two checkpoints
 * name the same length. make_step() takes enum compress_step in its order; completions of the store
 * only note the outcome, and the next step judges it. A file goes through the store in pieces, each
 * a frame of its own, so that saves go on in between; a killed agent's temporary file is removed at
 * the next start (retention.c).
 */
#include "agent/common/quarantine.h"
#include "agent/store/read.h"
#include "agent/store/temporary.h"
#include "base/clock.h"
#include "journal.h"
#include "state.h"

#include <errno.h>
#include <string.h>

#define FILE_MODE   0600
#define PIECE_BYTES (UINT64_C(4) << 20)
/* Stragglers come within this; what comes later makes a further part. */
#define QUIET_NS (60 * NS_PER_SECOND)
#define RETRY_NS (60 * NS_PER_SECOND)

static bool is_quiet(const struct journal *j, const struct journal_file *f, uint64_t now_ns)
{
	/* A clock that was set back must not keep it waiting. */
	return j->config->once || now_ns < f->last_ns || now_ns - f->last_ns >= QUIET_NS;
}

static bool is_finished(const struct journal *j, const struct journal_file *f, uint64_t now_ns)
{
	return !f->compressed && now_ns >= f->end_ns && f->length + f->batch_length == 0 &&
	       is_quiet(j, f, now_ns);
}

static bool is_sealed(const struct journal *j, const struct journal_file *f, uint64_t now_ns)
{
	return is_finished(j, f, now_ns) && f->len_checkpoint == f->durable &&
	       f->len_previous_checkpoint == f->durable;
}

bool journal_wants_checkpoint(const struct journal *j, uint64_t now_ns)
{
	for (const struct journal_file *f = j->files; f; f = f->next)
		if (is_finished(j, f, now_ns) && !is_sealed(j, f, now_ns))
			return true;
	return false;
}

bool journal_is_compressing(const struct journal *j)
{
	return j->compress.step != COMPRESS_IDLE;
}

bool journal_has_work(const struct journal *j, uint64_t now_ns)
{
	if (journal_is_compressing(j))
		return true;
	for (const struct journal_file *f = j->files; f; f = f->next)
		if (f->compressed || is_finished(j, f, now_ns))
			return j->compress.next_ns <= clock_monotonic_ns();
	return false;
}

/* --- Steps ------------------------------------------------------------------------------------ */

/* The store has carried out the step's operation. */
static void stored(void *context, const struct store_result *r)
{
	struct compress *c = context;

	c->storing = false;
	c->error = r->error;
	c->error_step = r->step;
}

/* What was asked of the store: stored() is called later, unless it could not be asked (`err`). */
static void note_asked(struct compress *c, int err)
{
	c->storing = err == 0;
	c->error = err;
	c->error_step = STORE_STEP_COMPRESS;
}

static void try_later(struct compress *c)
{
	c->step = COMPRESS_IDLE;
	c->next_ns = clock_monotonic_ns() + RETRY_NS;
}

/* The next file that is due, NULL: none. */
static struct journal_file *take_due(struct journal *j, uint64_t now_ns)
{
	struct compress *c = &j->compress;

	if (j->stopping || clock_monotonic_ns() < c->next_ns)
		return NULL;
	journal_open_hour(j, now_ns);
	for (struct journal_file *f = j->files; f; f = f->next)
		if (f->compressed || is_sealed(j, f, now_ns))
			return f;
	return NULL;
}

static bool begin(struct compress *c, struct journal_file *f)
{
	struct journal_name name = f->name;

	c->file = f;
	c->handed = 0;
	c->error = 0;
	/* One that was begun for nothing goes too. */
	if (f->compressed || f->durable == 0) {
		c->step = COMPRESS_REMOVE_PLAIN;
		return true;
	}
	name.compressed = true;
	journal_name_format(&name, c->target);
	if (store_temporary_name(c->target, c->temporary) < 0)
		return false;
	f->accepts = false;
	c->step = COMPRESS_PIECE;
	return true;
}

static int hand_piece(struct journal *j)
{
	struct compress *c = &j->compress;
	uint64_t offset = c->handed, left = c->file->durable - offset;
	bool last = left <= PIECE_BYTES;

	c->handed += PIECE_BYTES;
	return store_compress(*j->store, c->file->text, offset, last ? left : PIECE_BYTES,
	    c->temporary, last ? c->target : NULL, FILE_MODE, stored, c);
}

/* What is there decides: an error of reading says nothing about the file, and is tried again. */
static void give_up(struct journal *j)
{
	struct compress *c = &j->compress;
	struct journal_file *f = c->file;
	bool unread = c->error_step == STORE_STEP_READ;
	uint64_t size = 0;
	int found = unread ? store_look(j->folder->fd, f->text, &size) : 0;
	bool gone = found == -ENOENT;
	bool damaged = unread && (store_is_foreign(found) || (found == 0 && size < f->durable));

	try_later(c);
	(void)store_remove(*j->store, c->temporary, NULL, NULL);
	if (gone)
		log_warning(j->log, "%s was removed before it was compressed", f->text);
	else if (!damaged)
		log_once(
		    j->log, &j->compress_error, f->text, store_step_name(c->error_step), c->error);
	if (gone ||
	    (damaged && quarantine_file(j->folder, f->text,
			    found ? store_foreign_text(found) : "is shorter than it was") == 0))
		journal_drop_file(j, f);
}

/* The next step, when what it waits for has ended. False: there is none. */
static bool make_step(struct journal *j, uint64_t now_ns)
{
	struct compress *c = &j->compress;
	struct journal_file *f = c->file;

	switch (c->step) {
	case COMPRESS_IDLE:
		/*
		 * The last two checkpoints name the same length (is_sealed()): none of what could
		 * be read again is in a file that cannot be cut.
		 */
		f = take_due(j, now_ns);
		return f && begin(c, f);
	case COMPRESS_PIECE:
		if (c->error) {
			give_up(j);
		} else if (c->handed >= f->durable) {
			f->compressed = true;
			log_debug(j->log, "compressed %s", f->text);
			c->step = COMPRESS_REMOVE_PLAIN;
		} else if (j->stopping) {
			c->step = COMPRESS_IDLE;
			(void)store_remove(*j->store, c->temporary, NULL, NULL);
		} else {
			note_asked(c, hand_piece(j));
		}
		return true;
	case COMPRESS_REMOVE_PLAIN:
		/* The compressed file is whole on the disk, and counts where both are there. */
		c->step = COMPRESS_END;
		note_asked(c, store_remove(*j->store, f->text, stored, c));
		if (!c->storing)
			try_later(c);
		return true;
	case COMPRESS_END:
		log_once(
		    j->log, &j->compress_error, f->text, store_step_name(c->error_step), c->error);
		if (c->error) {
			try_later(c);
		} else {
			c->step = COMPRESS_IDLE;
			journal_drop_file(j, f);
		}
		return true;
	}
	return false;
}

bool journal_has_step(const struct journal *j)
{
	return j->compress.step != COMPRESS_IDLE && !j->compress.storing;
}

void journal_go_on(struct journal *j)
{
	while (journal_has_step(j))
		(void)make_step(j, 0);
}

void journal_run(struct journal *j, uint64_t now_ns)
{
	journal_go_on(j);
	if (j->compress.step == COMPRESS_IDLE && make_step(j, now_ns))
		journal_go_on(j);
}

void journal_stop(struct journal *j)
{
	j->stopping = true;
}
