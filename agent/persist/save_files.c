/*
 * save_files.c: the files of periods that a save writes once its checkpoint is durable.
 */
#include "save_files.h"
#include "agent/store/store.h"
#include "base/clock.h"
#include "checkpoint_section.h"

#include <errno.h>
#include <stdlib.h>

#define FILE_MODE 0600
/* Files of late periods in one save, so that the next checkpoint need not wait for many. */
#define LATE_FILES_MAX 64
/* More text than that is rendered beside the loop. */
#define RENDER_AT_ONCE_BYTES ((size_t)256 << 10)
#define FILES_AT_ONCE        4

struct save_file {
	struct save_file *next;
	struct save_files *files;
	/* Stays open while a save is under way, as does its section, which has all that the file
	 * says. */
	struct period *period;
	char *text;     /* once it is rendered; NULL: too large, or no memory */
	bool too_large; /* for whoever would read it */
	size_t length;
};

static void file_free(struct save_file *f)
{
	free(f->text);
	free(f);
}

/* Its section has all that the file is to say. */
static int add_file(struct save_files *s, struct period *p)
{
	struct save_file *f = calloc(1, sizeof(*f));

	if (!f)
		return -ENOMEM;
	f->files = s;
	f->period = p;
	f->next = s->first;
	s->first = f;
	return 0;
}

/* Retention removes such a file: written now it would stay until the next time it looks. */
static bool is_expired(const struct aggregator *l, const struct period *p, uint64_t now_ns)
{
	return aggregator_is_expired(l, calendar_label_day(p->span.label), now_ns);
}

int save_files_choose(struct save_files *s, const struct checkpoint_draft *d,
    const struct aggregator *l, uint64_t now_ns, bool at_once)
{
	uint64_t monotonic_ns = at_once ? UINT64_MAX : clock_monotonic_ns();
	size_t late = 0;
	int err = 0;

	s->failed = s->waiting = false;
	/* What is put first is stored last: current periods come after the others. */
	for (int over = 1; over >= 0; over--) {
		for (size_t i = 0; i < d->count && !err; i++) {
			const struct checkpoint_period *made = &d->periods[i];
			struct period *p = made->period;

			if (made->complete != over || !p->in_checkpoint ||
			    !period_file_is_due(p, now_ns, monotonic_ns))
				continue;
			if (over && is_expired(l, p, now_ns)) {
				period_written(p, p->section_version, p->section_complete);
				p->leaving = true;
			} else if (over && !at_once && late++ >= LATE_FILES_MAX) {
				s->waiting = true;
			} else {
				err = add_file(s, p);
			}
		}
	}
	return err;
}

static void stored(void *context, const struct store_result *r)
{
	struct save_file *f = context;
	struct save_files *s = f->files;
	struct period *p = f->period;

	if (r->error) {
		log_once(s->log, s->said, p->span.name, store_step_name(r->step), r->error);
		s->failed = true;
	} else {
		period_written(p, p->section_version, p->section_complete);
	}
	file_free(f);
	s->storing--;
}

static void render_text(void *file)
{
	struct save_file *f = file;

	f->text = checkpoint_section_text(
	    f->period->section, f->period->section_size, &f->length, &f->too_large);
}

static void put_rendered(struct save_files *s, struct save_file *f)
{
	char *text = f->text;

	f->text = NULL;
	if (f->too_large)
		log_once(s->log, s->said, f->period->span.name, "write", -EFBIG);
	if (text && store_put(*s->store, f->period->span.name, text, f->length, FILE_MODE, stored,
			f) == 0) {
		s->storing++;
		return;
	}
	s->failed = true;
	file_free(f);
}

void save_files_put_next(struct save_files *s)
{
	struct save_file *f = s->rendered ? s->rendered : s->first;

	if (!s->rendered) {
		s->first = f->next;
		if (checkpoint_uncompressed_length(f->period->section) > RENDER_AT_ONCE_BYTES &&
		    worker_start(s->worker, render_text, f) == 0) {
			s->rendered = f;
			return;
		}
		render_text(f);
	}
	s->rendered = NULL;
	put_rendered(s, f);
}

bool save_files_left(const struct save_files *s)
{
	return s->first || s->rendered;
}

bool save_files_is_full(const struct save_files *s)
{
	return s->storing >= (save_files_left(s) ? FILES_AT_ONCE : 1);
}

void save_files_drop(struct save_files *s)
{
	while (s->first) {
		struct save_file *f = s->first;

		s->first = f->next;
		file_free(f);
	}
}

void save_files_free(struct save_files *s)
{
	save_files_drop(s);
	if (s->rendered)
		file_free(s->rendered);
	s->rendered = NULL;
}
