/*
 * restore.c: the journal's files as a killed agent left them, brought to what the
 * checkpoint says. journal.h has the crash argument.
 *
 * At the start, and when the aggregator goes back to its checkpoint: then there is nothing to hold
 * up.
 */
#include "agent/common/quarantine.h"
#include "agent/store/read.h"
#include "base/clock.h"
#include "journal.h"
#include "state.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TAIL_BYTES 65536

struct names {
	struct journal_name *items;
	size_t count, capacity;
};

static int add_name(struct names *n, const struct journal_name *name)
{
	if (n->count == n->capacity) {
		size_t larger = n->capacity ? 2 * n->capacity : 256;
		struct journal_name *items = realloc(n->items, larger * sizeof(*items));

		if (!items)
			return -ENOMEM;
		n->items = items;
		n->capacity = larger;
	}
	n->items[n->count++] = *name;
	return 0;
}

static int list_names(const struct journal *j, struct names *out)
{
	int err = 0, fd = openat(j->folder->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct journal_name name;
	struct dirent *entry;

	if (!dir) {
		if (fd >= 0)
			close(fd);
		return fd < 0 ? -errno : -ENOMEM;
	}
	/* A list that ends early would let files be taken for missing. */
	while (!err && (errno = 0, entry = readdir(dir)))
		if (journal_name_parse(entry->d_name, &name))
			err = add_name(out, &name);
	if (!err && errno)
		err = -errno;
	closedir(dir);
	return err;
}

/* By hour, then by part, the plain file before the compressed one. */
static int compare_names(const void *a, const void *b)
{
	const struct journal_name *x = a, *y = b;

	int order = journal_name_compare(x, y);

	if (order != 0)
		return order;
	return (int)x->compressed - (int)y->compressed;
}

/* The names are sorted: a folder of years must not hold up the start. */
static bool is_compressed(const struct names *n, const struct journal_name *plain)
{
	struct journal_name compressed = *plain;

	compressed.compressed = true;
	return n->count > 0 &&
	       bsearch(&compressed, n->items, n->count, sizeof(*n->items), compare_names) != NULL;
}

/* --- A file that the checkpoint names --------------------------------------------------------- */

/* The last byte that counts is a newline, unless another program has changed the file. */
static int check_end(int fd, uint64_t length, bool *unread)
{
	char last;
	ssize_t n = length ? pread(fd, &last, 1, (off_t)length - 1) : 0;

	*unread = n < 0;
	if (n < 0)
		return -errno;
	return length == 0 || (n == 1 && last == '\n') ? 0 : -EBADMSG;
}

/*
 * Whether the named length is there; what lies beyond is cut off, since it comes again. *unread
 * says that the error is one of the system, and not what was found.
 */
static int cut(struct journal *j, const char *name, uint64_t length, bool *unread)
{
	int err = 0, fd = openat(j->folder->fd, name, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat st;
	uint64_t size;

	*unread = false;
	if (fd < 0) {
		int error = -errno;

		err = store_look(j->folder->fd, name, &size);
		*unread = err != -ENOENT && !store_is_foreign(err);
		return *unread ? error : err;
	}
	if (fstat(fd, &st) < 0) {
		err = -errno;
		*unread = true;
	} else if (!S_ISREG(st.st_mode) || (uint64_t)st.st_size < length) {
		err = -EBADMSG;
	} else {
		err = check_end(fd, length, unread);
	}
	if (!err && (uint64_t)st.st_size > length && ftruncate(fd, (off_t)length) < 0)
		log_warning(j->log, "could not cut %s: %s", name, strerror(errno));
	close(fd);
	return err;
}

/* Its hour is that of the hourly period: nothing of another one comes here. */
static bool accepts(const struct journal *j, const struct journal_file *f)
{
	struct period_span span;

	periods_span(&j->aggregator->periods, PERIOD_HOURLY, f->start_ns, &span);
	return span.label == f->name.label && span.mark == f->name.mark &&
	       span.start_ns == f->start_ns && span.end_ns == f->end_ns;
}

static int restore_file(
    struct journal *j, const struct checkpoint_journal_file *saved, const struct names *names)
{
	struct journal_file *f = journal_add_file(j, &saved->name, saved->start_ns, saved->end_ns);
	bool unread;
	int err;

	if (!f)
		return -ENOMEM;
	f->compressed = is_compressed(names, &f->name);
	f->durable = saved->length;
	if (f->compressed)
		return 0;
	f->accepts = accepts(j, f);
	err = cut(j, f->text, saved->length, &unread);
	if (unread) {
		report_unreadable(j->folder, f->text, err);
		return -EIO;
	}
	if (!err || (err == -ENOENT && saved->length == 0)) {
		f->len_checkpoint = saved->length;
		return 0;
	}
	f->durable = 0;
	if (err == -ENOENT)
		log_error(j->log, "%s is missing: the requests that it held are gone", f->text);
	else
		(void)quarantine_file(j->folder, f->text,
		    store_is_foreign(err) ? store_foreign_text(err)
					  : "is not as the checkpoint knows it");
	return 0;
}

/* --- A file that it does not name ------------------------------------------------------------- */

/* The length up to the last newline. */
static int whole_lines(int fd, uint64_t size, uint64_t *out)
{
	char *tail = malloc(TAIL_BYTES);
	uint64_t at = size;
	int err = tail ? 0 : -ENOMEM;

	*out = 0;
	while (!err && at > 0 && *out == 0) {
		size_t n = at < TAIL_BYTES ? (size_t)at : TAIL_BYTES;
		const char *newline;
		ssize_t got;

		at -= n;
		got = pread(fd, tail, n, (off_t)at);
		if (got != (ssize_t)n)
			err = got < 0 ? -errno : -EIO;
		newline = err ? NULL : memrchr(tail, '\n', n);
		if (newline)
			*out = at + (uint64_t)(newline - tail) + 1;
	}
	free(tail);
	return err;
}

/* The hourly period of that name, or the widest that the name may mean. */
static void span_of(
    const struct journal *j, const struct journal_name *name, uint64_t *start_ns, uint64_t *end_ns)
{
	const struct period_entry *e = period_index_named(
	    &j->aggregator->periods.index[PERIOD_HOURLY], name->label, name->mark);

	if (e) {
		*start_ns = e->start_ns;
		*end_ns = e->end_ns;
	} else {
		calendar_label_reach(PERIOD_HOURLY, name->label, name->mark, start_ns, end_ns);
	}
}

/* Where the ring was passed over nothing comes again: all whole lines count. */
static int adopt(struct journal *j, const struct journal_name *name)
{
	char text[JOURNAL_NAME_BYTES];
	uint64_t start_ns, end_ns, length;
	struct journal_file *f;
	struct stat st;
	int err = 0, fd;

	if (j->file_count >= CHECKPOINT_JOURNAL_FILES_MAX)
		return 0;
	journal_name_format(name, text);
	if (store_is_foreign(store_look(j->folder->fd, text, &length)))
		return 0; /* not the agent's: its number is taken */
	fd = openat(j->folder->fd, text, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0) {
		report_unreadable(j->folder, text, -errno);
		if (fd >= 0)
			close(fd);
		return -EIO;
	}
	err = whole_lines(fd, (uint64_t)st.st_size, &length);
	if (!err && length < (uint64_t)st.st_size && ftruncate(fd, (off_t)length) < 0)
		log_warning(j->log, "could not cut %s: %s", text, strerror(errno));
	/* The next checkpoint names these lines, and the agent that wrote them may have been killed
	 * before its fsync. */
	if (!err && fsync(fd) < 0)
		log_warning(j->log, "could not sync %s: %s", text, strerror(errno));
	close(fd);
	if (err) {
		report_unreadable(j->folder, text, err);
		return err == -ENOMEM ? err : -EIO;
	}
	span_of(j, name, &start_ns, &end_ns);
	f = journal_add_file(j, name, start_ns, end_ns);
	if (!f)
		return -ENOMEM;
	f->durable = length;
	f->accepts = accepts(j, f);
	return 0;
}

static bool is_named(const struct journal *j, const struct journal_name *name)
{
	for (const struct journal_file *f = j->files; f; f = f->next)
		if (journal_name_compare(&f->name, name) == 0)
			return true;
	return false;
}

static int restore_unnamed(struct journal *j, const struct names *names, bool comes_again)
{
	char text[JOURNAL_NAME_BYTES];

	for (size_t i = 0; i < names->count; i++) {
		const struct journal_name *name = &names->items[i];
		int err = 0;

		if (!name->compressed && !is_named(j, name) && !is_compressed(names, name)) {
			journal_name_format(name, text);
			if (!comes_again)
				err = adopt(j, name);
			else
				(void)quarantine_file(j->folder, text,
				    "is of requests that no checkpoint counts: those that the ring "
				    "still holds are counted again");
		}
		if (!err && !journal_note_part(j, name))
			err = -ENOMEM;
		if (err)
			return err;
	}
	return 0;
}

/* --- Which records of the ring the journal has ------------------------------------------------ */

static uint64_t *lanes_of(const uint64_t *saved, uint32_t count)
{
	uint64_t *lanes = calloc(count + 1, sizeof(*lanes));

	if (lanes && saved)
		memcpy(lanes, saved, count * sizeof(*lanes));
	return lanes;
}

/*
 * Where it is not certain, as after a stretch without --journal or where the ring was passed over,
 * more is taken to be in the journal: a gap is told, and nothing is shown twice.
 */
static int restore_lanes(struct journal *j, const struct checkpoint_bus *saved,
    const struct journal_ring *ring, bool same, bool skipped)
{
	const struct checkpoint_journal *before =
	    same && saved && saved->journal.known ? &saved->journal : NULL;
	uint32_t count = ring->lane_count;

	free(j->from);
	free(j->upto);
	j->from = j->upto = NULL;
	j->lane_count = count;
	if (before || skipped)
		j->from = lanes_of(before ? before->from : NULL, count);
	else
		j->from = lanes_of(ring->positions, count);
	if (!j->on)
		j->upto = before ? lanes_of(before->on ? saved->positions : before->upto, count)
		                 : lanes_of(j->from, count);
	return j->from && (j->on || j->upto) ? 0 : -ENOMEM;
}

int journal_restore(struct journal *j, const struct checkpoint_bus *saved,
    const struct journal_ring *ring, bool same, bool skipped)
{
	struct names names = {0};
	int err;

	journal_forget(j);
	j->ring_bytes = ring->bytes;
	j->on = j->config->journal;
	j->known = j->on || (saved && saved->journal.known);
	if (!j->known)
		return 0;
	err = list_names(j, &names);
	if (err)
		report_unreadable(j->folder, ".", err);
	if (names.count > 0)
		qsort(names.items, names.count, sizeof(*names.items), compare_names);
	for (size_t i = 0; !err && saved && i < saved->journal.file_count; i++)
		err = restore_file(j, &saved->journal.files[i], &names);
	if (!err)
		err = restore_unnamed(j, &names, !skipped);
	if (!err)
		err = restore_lanes(j, saved, ring, same, skipped);
	free(names.items);
	return err;
}
