/*
 * compress.c: hours that are over, compressed. journal.h has the crash argument.
 *
 * A file is taken when its hour is over, no line has come for a while, and the last two checkpoints
 * name the same length. It goes in steps through the store, each a frame of its own, so that saves
 * go on in between; a killed agent's temporary file is removed at the next start (retention.c).
 */
#include "agent/persist/quarantine.h"
#include "agent/store/read.h"
#include "agent/store/temporary.h"
#include "base/clock.h"
#include "state.h"

#include <errno.h>
#include <string.h>

#define FILE_MODE  0600
#define STEP_BYTES (UINT64_C(4) << 20)
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
	return j->compressing != NULL;
}

bool journal_has_work(const struct journal *j, uint64_t now_ns)
{
	if (j->compressing)
		return true;
	for (const struct journal_file *f = j->files; f; f = f->next)
		if (f->compressed || is_finished(j, f, now_ns))
			return j->compress_next_ns <= clock_monotonic_ns();
	return false;
}

static void plain_removed(void *context, const struct store_result *r)
{
	struct journal_file *f = context;
	struct journal *j = f->journal;

	j->compressing = NULL;
	log_once(j->log, &j->compress_error, f->text, store_step_name(r->step), r->error);
	if (r->error) {
		j->compress_next_ns = clock_monotonic_ns() + RETRY_NS;
		return;
	}
	journal_drop_file(j, f);
}

static void remove_plain(struct journal *j, struct journal_file *f)
{
	j->compressing = f;
	if (store_remove(*j->store, f->text, plain_removed, f) < 0) {
		j->compressing = NULL;
		j->compress_next_ns = clock_monotonic_ns() + RETRY_NS;
	}
}

/* What is there decides: an error of reading says nothing about the file, and is tried again. */
static void give_up(struct journal_file *f, const struct store_result *r)
{
	struct journal *j = f->journal;
	uint64_t size = 0;
	int found = r->step == STORE_STEP_READ ? store_look(j->folder->fd, f->text, &size) : 0;
	bool gone = found == -ENOENT;
	bool damaged = r->step == STORE_STEP_READ &&
	               (store_is_foreign(found) || (found == 0 && size < f->durable));

	j->compressing = NULL;
	j->compress_next_ns = clock_monotonic_ns() + RETRY_NS;
	(void)store_remove(*j->store, j->temporary, NULL, NULL);
	if (gone)
		log_warning(j->log, "%s was removed before it was compressed", f->text);
	else if (!damaged)
		log_once(j->log, &j->compress_error, f->text, store_step_name(r->step), r->error);
	if (gone ||
	    (damaged && quarantine_file(j->folder, f->text,
			    found ? store_foreign_text(found) : "is shorter than it was") == 0))
		journal_drop_file(j, f);
}

static void step(struct journal_file *f);

static void stepped(void *context, const struct store_result *r)
{
	struct journal_file *f = context;
	struct journal *j = f->journal;

	if (r->error) {
		give_up(f, r);
		return;
	}
	j->compressed_bytes += STEP_BYTES;
	if (j->compressed_bytes < f->durable) {
		if (!j->stopping) {
			step(f);
			return;
		}
		j->compressing = NULL;
		(void)store_remove(*j->store, j->temporary, NULL, NULL);
		return;
	}
	f->compressed = true;
	log_debug(j->log, "compressed %s", f->text);
	remove_plain(j, f);
}

static void step(struct journal_file *f)
{
	struct journal *j = f->journal;
	struct journal_name compressed = f->name;
	char target[JOURNAL_NAME_BYTES];
	uint64_t left = f->durable - j->compressed_bytes;
	bool last = left <= STEP_BYTES;
	int err;

	compressed.compressed = true;
	journal_name_format(&compressed, target);
	err = store_compress(*j->store, f->text, j->compressed_bytes, last ? left : STEP_BYTES,
	    j->temporary, last ? target : NULL, FILE_MODE, stepped, f);
	if (err)
		give_up(f, &(struct store_result){
			       .error = err, .step = STORE_STEP_COMPRESS, .name = f->text});
}

static void begin(struct journal_file *f)
{
	struct journal *j = f->journal;
	struct journal_name compressed = f->name;
	char target[JOURNAL_NAME_BYTES];

	compressed.compressed = true;
	journal_name_format(&compressed, target);
	if (store_temporary_name(target, j->temporary) < 0)
		return;
	f->accepts = false;
	j->compressing = f;
	j->compressed_bytes = 0;
	step(f);
}

void journal_run(struct journal *j, uint64_t now_ns)
{
	if (j->compressing || j->stopping || clock_monotonic_ns() < j->compress_next_ns)
		return;
	journal_open_hour(j, now_ns);
	for (struct journal_file *f = j->files; f; f = f->next) {
		/* One that was begun for nothing goes too. */
		if (f->compressed || (is_sealed(j, f, now_ns) && f->durable == 0))
			remove_plain(j, f);
		else if (is_sealed(j, f, now_ns))
			begin(f);
		else
			continue;
		return;
	}
}

void journal_stop(struct journal *j)
{
	j->stopping = true;
}
