/*
 * journal.c: lines in, and on to the disk with each save. journal.h has the crash argument.
 *
 * What waits to be written is bounded by what the ring itself can hold. When a disk hangs for
 * longer than that, lines are not kept, and `journal_lost` counts them beside what was counted:
 * neither may the figures wait for the disk, nor memory grow.
 */
#include "journal.h"
#include "agent/common/quarantine.h"
#include "agent/store/read.h"
#include "base/clock.h"
#include "journal/line.h"
#include "state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FILE_MODE   0600
#define LINES_BYTES ((size_t)16 << 10)
#define BATCH_BYTES ((size_t)4 << 20)
/* One write takes no more than the larger. */
#define BOUND_BYTES     ((size_t)16 << 20)
#define BOUND_BYTES_MAX ((size_t)1 << 30)

/* --- Files ------------------------------------------------------------------------------------ */

static int compare_part(const struct journal_part *p, const struct journal_name *hour)
{
	if (p->label != hour->label)
		return p->label < hour->label ? -1 : 1;
	return (p->mark > hour->mark) - (p->mark < hour->mark);
}

/* Where an hour is, or would be: they are sorted. */
static size_t find_part(const struct journal *j, const struct journal_name *hour)
{
	size_t low = 0, high = j->part_count;

	/* As a rule they come in order, the newest last. */
	if (high > 0 && compare_part(&j->parts[high - 1], hour) < 0)
		return high;
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (compare_part(&j->parts[middle], hour) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool has_part(const struct journal *j, size_t place, const struct journal_name *hour)
{
	return place < j->part_count && compare_part(&j->parts[place], hour) == 0;
}

bool journal_note_part(struct journal *j, const struct journal_name *name)
{
	size_t place = find_part(j, name);
	struct journal_part *p;

	if (!has_part(j, place, name)) {
		if (j->part_count == j->part_capacity) {
			size_t larger = j->part_capacity ? 2 * j->part_capacity : 64;
			struct journal_part *parts = realloc(j->parts, larger * sizeof(*parts));

			if (!parts)
				return false;
			j->parts = parts;
			j->part_capacity = larger;
		}
		memmove(&j->parts[place + 1], &j->parts[place],
		    (j->part_count - place) * sizeof(*j->parts));
		j->parts[place] = (struct journal_part){.label = name->label, .mark = name->mark};
		j->part_count++;
	}
	p = &j->parts[place];
	if (p->next <= name->part)
		p->next = name->part + 1;
	return true;
}

static uint32_t next_part(const struct journal *j, const struct journal_name *hour)
{
	size_t place = find_part(j, hour);

	return has_part(j, place, hour) ? j->parts[place].next : 0;
}

struct journal_file *journal_add_file(
    struct journal *j, const struct journal_name *name, uint64_t start_ns, uint64_t end_ns)
{
	struct journal_file *f = calloc(1, sizeof(*f));

	if (!f || !journal_note_part(j, name)) {
		free(f);
		return NULL;
	}
	f->journal = j;
	f->name = *name;
	journal_name_format(name, f->text);
	f->start_ns = start_ns;
	f->end_ns = end_ns;
	f->len_checkpoint = f->len_previous_checkpoint = JOURNAL_NOT_IN_CHECKPOINT;
	f->next = j->files;
	j->files = f;
	j->file_count++;
	return f;
}

void journal_drop_file(struct journal *j, struct journal_file *f)
{
	struct journal_file **place = &j->files;

	while (*place != f)
		place = &(*place)->next;
	*place = f->next;
	j->file_count--;
	j->bytes -= f->length + f->batch_length;
	free(f->batch);
	free(f->lines);
	free(f);
	/* The next checkpoint no longer names it. */
	j->aggregator->changes++;
}

/* The file of a moment, opened if need be. NULL with *lost: there are too many. */
static struct journal_file *file_at(struct journal *j, uint64_t ts_ns, bool *lost)
{
	struct journal_file *f = j->files;
	struct period_span span;
	struct journal_name name = {0};

	while (f && (!f->accepts || ts_ns < f->start_ns || ts_ns >= f->end_ns))
		f = f->next;
	if (f)
		return f;
	/* The hourly period's own: a request that is counted there has its line here. */
	periods_span(&j->aggregator->periods, PERIOD_HOURLY, ts_ns, &span);
	name.label = span.label;
	name.mark = span.mark;
	name.part = next_part(j, &name);
	*lost = j->file_count >= CHECKPOINT_JOURNAL_FILES_MAX || name.part >= JOURNAL_PARTS_MAX;
	if (*lost)
		return NULL;
	f = journal_add_file(j, &name, span.start_ns, span.end_ns);
	if (f)
		f->accepts = true;
	return f;
}

void journal_open_hour(struct journal *j, uint64_t now_ns)
{
	bool lost;

	if (j->on && periods_at(&j->aggregator->periods, PERIOD_HOURLY, now_ns))
		(void)file_at(j, now_ns, &lost);
}

/* --- Lines ------------------------------------------------------------------------------------ */

static bool append_line(struct journal *j, struct journal_file *f, const struct orbus_sample *s)
{
	size_t needed = f->length + json_line_room(s), length;
	size_t larger = f->capacity ? f->capacity : LINES_BYTES;
	char *lines;

	while (larger < needed)
		larger *= 2;
	if (larger != f->capacity) {
		lines = realloc(f->lines, larger);
		if (!lines)
			return false;
		f->lines = lines;
		f->capacity = larger;
	}
	length = json_line(s, f->lines + f->length);
	f->length += length;
	j->bytes += length;
	return true;
}

/* More than usual may wait only while the ring, too, is as large. */
static bool has_room(struct journal *j)
{
	if (j->bytes < j->bound)
		return true;
	j->bound = (size_t)j->ring_bytes;
	if (j->bound < BOUND_BYTES)
		j->bound = BOUND_BYTES;
	if (j->bound > BOUND_BYTES_MAX)
		j->bound = BOUND_BYTES_MAX;
	return j->bytes < j->bound;
}

enum aggregator_kept journal_keep(void *journal, const struct orbus_sample *s)
{
	struct journal *j = journal;
	struct journal_file *f;
	bool lost = false;

	if (!j->on)
		return AGGREGATOR_KEPT;
	f = has_room(j) ? file_at(j, s->ts, &lost) : NULL;
	if (!f && has_room(j) && !lost)
		return AGGREGATOR_NO_MEMORY;
	if (!f) {
		if (!j->lost_said)
			log_error(j->log, "the journal is full until the disk takes more: requests "
					  "are counted, and not kept");
		j->lost_said = true;
		return AGGREGATOR_NOT_KEPT;
	}
	if (!append_line(j, f, s))
		return AGGREGATOR_NO_MEMORY;
	f->last_ns = clock_realtime_ns();
	return AGGREGATOR_KEPT;
}

/* --- Saves ------------------------------------------------------------------------------------ */

/* What has come joins what a save before could not write. */
static bool freeze_file(struct journal_file *f)
{
	char *batch;

	if (f->batch_length == 0) {
		free(f->batch);
		f->batch = f->lines;
		f->batch_length = f->length;
		f->lines = NULL;
		f->capacity = 0;
	} else if (f->length > 0) {
		batch = realloc(f->batch, f->batch_length + f->length);
		if (!batch)
			return false;
		memcpy(batch + f->batch_length, f->lines, f->length);
		f->batch = batch;
		f->batch_length += f->length;
	}
	f->length = 0;
	f->len_pending = f->durable + f->batch_length;
	return true;
}

static uint64_t *copy_lanes(const uint64_t *lanes, uint32_t count)
{
	uint64_t *copy = calloc(count + 1, sizeof(*copy));

	if (copy)
		memcpy(copy, lanes, count * sizeof(*copy));
	return copy;
}

int journal_freeze(struct journal *j, struct checkpoint_bus *out)
{
	struct checkpoint_journal *s = &out->journal;

	s->known = j->known;
	s->on = j->on;
	s->files = calloc(j->file_count + 1, sizeof(*s->files));
	if (j->from)
		s->from = copy_lanes(j->from, j->lane_count);
	if (j->upto)
		s->upto = copy_lanes(j->upto, j->lane_count);
	if (!s->files || (j->from && !s->from) || (j->upto && !s->upto))
		return -ENOMEM;
	for (struct journal_file *f = j->files; f; f = f->next) {
		if (!freeze_file(f))
			return -ENOMEM;
		s->files[s->file_count++] = (struct checkpoint_journal_file){.name = f->name,
		    .start_ns = f->start_ns,
		    .end_ns = f->end_ns,
		    .length = f->len_pending};
	}
	return 0;
}

/*
 * A file was removed, or something else was put in its place: what it held is lost to the journal,
 * and the batch begins a new file at the next try. Only what is seen to be there, or not, decides:
 * an error of the disk or of permissions says nothing about the file, which stays, and is tried
 * again.
 */
static void make_way(struct journal_file *f, const struct store_result *r)
{
	struct journal *j = f->journal;
	uint64_t size;
	int found;

	if (r->step != STORE_STEP_CREATE)
		return;
	found = store_look(j->folder->fd, r->name, &size);
	if (found == -ENOENT && r->error == -ENOENT && f->durable > 0)
		log_error(j->log, "%s was removed: going on with a new one", r->name);
	else if (!store_is_foreign(found) ||
		 quarantine_file(j->folder, r->name, store_foreign_text(found)) < 0)
		return;
	f->durable = 0;
}

static void batch_written(void *context, const struct store_result *r)
{
	struct journal_file *f = context;
	struct journal *j = f->journal;

	if (r->error) {
		log_once(j->log, j->said, f->text, store_step_name(r->step), r->error);
		make_way(f, r);
		j->write_failed = true;
	} else {
		f->durable += f->batch_length;
		j->bytes -= f->batch_length;
		free(f->batch);
		f->batch = NULL;
		f->batch_length = 0;
	}
	j->writes_left--;
}

void journal_write(struct journal *j, struct log_once *said)
{
	j->said = said;
	j->write_failed = false;
	for (struct journal_file *f = j->files; f; f = f->next) {
		if (f->batch_length == 0)
			continue;
		if (store_write(*j->store, f->text, f->durable, f->batch, f->batch_length,
			FILE_MODE, batch_written, f) == 0)
			j->writes_left++;
		else
			j->write_failed = true;
	}
}

bool journal_is_writing(const struct journal *j)
{
	return j->writes_left > 0;
}

bool journal_write_failed(const struct journal *j)
{
	return j->write_failed;
}

void journal_named(struct journal *j)
{
	for (struct journal_file *f = j->files; f; f = f->next) {
		f->len_previous_checkpoint = f->len_checkpoint;
		f->len_checkpoint = f->len_pending;
	}
	j->lost_said = false;
}

bool journal_is_urgent(const struct journal *j)
{
	return j->bytes >= BATCH_BYTES;
}

/* --- Other rings and folders ------------------------------------------------------------------ */

int journal_begin_bus(struct journal *j, uint32_t lanes, uint64_t ring_bytes)
{
	uint64_t *from = calloc(lanes + 1, sizeof(*from)), *upto = calloc(lanes + 1, sizeof(*upto));

	j->ring_bytes = ring_bytes;
	if (!from || !upto) {
		free(from);
		free(upto);
		return -ENOMEM;
	}
	free(j->from);
	free(j->upto);
	j->from = from;
	j->upto = upto;
	if (j->on) {
		free(upto);
		j->upto = NULL;
	}
	j->lane_count = lanes;
	return 0;
}

void journal_begin_folder(struct journal *j)
{
	struct journal_file *next;

	j->part_count = 0;
	j->stopping = false;
	for (struct journal_file *f = j->files; f; f = next) {
		next = f->next;
		f->durable = 0;
		f->len_checkpoint = f->len_previous_checkpoint = JOURNAL_NOT_IN_CHECKPOINT;
		if (f->length + f->batch_length == 0)
			journal_drop_file(j, f);
	}
}

const char *journal_next_name(const struct journal *j, const struct journal_file **at)
{
	*at = *at ? (*at)->next : j->files;
	return *at ? (*at)->text : NULL;
}

/* --- From the start to the end ---------------------------------------------------------------- */

int journal_open(const struct config *config, struct aggregator *aggregator, struct folder *folder,
    struct store *const *store, struct log *log, struct journal **out)
{
	struct journal *j = *out = calloc(1, sizeof(*j));

	if (!j)
		return -ENOMEM;
	j->config = config;
	j->aggregator = aggregator;
	j->folder = folder;
	j->store = store;
	j->log = log;
	return 0;
}

void journal_forget(struct journal *j)
{
	while (j->files)
		journal_drop_file(j, j->files);
	free(j->parts);
	free(j->from);
	free(j->upto);
	*j = (struct journal){.config = j->config,
	    .aggregator = j->aggregator,
	    .folder = j->folder,
	    .store = j->store,
	    .log = j->log,
	    .compress_error = j->compress_error,
	    .ring_bytes = j->ring_bytes};
}

void journal_close(struct journal *j)
{
	if (!j)
		return;
	journal_forget(j);
	free(j);
}
