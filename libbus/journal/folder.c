/*
 * folder.c: the journal's files in a data folder, as they are while one checkpoint is the last.
 */
#include "folder.h"
#include "checkpoint.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

/* Checkpoints come once a second at most: a folder is listed in less. */
#define LOOKS_MAX 20

static int by_name(const void *a, const void *b)
{
	const struct journal_name *x = a, *y = b;
	int order = journal_name_compare(x, y);

	return order != 0 ? order : (int)y->compressed - (int)x->compressed;
}

static int add_file(struct journal_folder *f, const struct journal_name *name, size_t *capacity)
{
	if (f->count == *capacity) {
		size_t larger = *capacity ? 2 * *capacity : 64;
		struct folder_file *files = realloc(f->files, larger * sizeof(*files));

		if (!files)
			return -ENOMEM;
		f->files = files;
		*capacity = larger;
	}
	f->files[f->count++] = (struct folder_file){.name = *name, .limit = UINT64_MAX};
	return 0;
}

/* Of a file that is there plain and compressed, the compressed one, which comes first, is kept. */
static void drop_doubles(struct journal_folder *f)
{
	size_t kept = 0;

	if (f->count > 0)
		qsort(f->files, f->count, sizeof(*f->files), by_name);
	for (size_t i = 0; i < f->count; i++) {
		const struct journal_name *name = &f->files[i].name;
		const struct journal_name *last = kept ? &f->files[kept - 1].name : NULL;

		if (!last || journal_name_compare(last, name) != 0)
			f->files[kept++] = f->files[i];
	}
	f->count = kept;
}

/*
 * How far the checkpoint says that a file is good. One that it does not name is whole when it is
 * compressed; else it is younger, and what it holds is to come.
 */
static uint64_t limit_of(const struct journal_folder *f, const struct journal_name *name)
{
	const struct checkpoint_journal *j = &f->checkpoint.journal;

	if (!f->has_checkpoint || !j->known)
		return UINT64_MAX;
	for (size_t i = 0; i < j->file_count; i++)
		if (journal_name_compare(&j->files[i].name, name) == 0)
			return j->files[i].length;
	return name->compressed ? UINT64_MAX : 0;
}

static int list_files(struct journal_folder *f)
{
	int err = 0, fd = openat(f->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct journal_name name;
	struct dirent *entry;
	size_t capacity = 0;

	if (!dir) {
		err = -errno;
		if (fd >= 0)
			close(fd);
		return err;
	}
	while (!err && (entry = readdir(dir)))
		if (journal_name_parse(entry->d_name, &name))
			err = add_file(f, &name, &capacity);
	closedir(dir);
	if (!err)
		drop_doubles(f);
	for (size_t i = 0; i < f->count; i++)
		f->files[i].limit = limit_of(f, &f->files[i].name);
	return err;
}

static int read_checkpoint(struct journal_folder *f)
{
	struct checkpoint_bus fresh;
	int err = journal_checkpoint_read(f->fd, &fresh, &f->stamp);

	if (err && err != -ENOENT)
		return err;
	if (f->has_checkpoint)
		checkpoint_bus_free(&f->checkpoint);
	f->has_checkpoint = !err;
	f->checkpoint = err ? (struct checkpoint_bus){0} : fresh;
	return 0;
}

/*
 * The checkpoint, and the files as they are while it is the last one: were it another one before
 * and after the listing, a file could be listed that it does not know.
 */
static int list_beside_checkpoint(struct journal_folder *f)
{
	struct checkpoint_bus again;
	uint64_t stamp;
	int err = 0;

	for (int i = 0; !err && i < LOOKS_MAX; i++) {
		free(f->files);
		f->files = NULL;
		f->count = 0;
		err = read_checkpoint(f);
		if (!err)
			err = list_files(f);
		if (err || !f->has_checkpoint)
			break;
		err = journal_checkpoint_read(f->fd, &again, &stamp);
		if (!err)
			checkpoint_bus_free(&again);
		if (stamp == f->stamp)
			break;
	}
	return err == -ENOENT ? 0 : err;
}

/* How much of a file earlier looks had. */
static uint64_t had_before(
    const struct folder_file *files, size_t count, const struct journal_name *name)
{
	for (size_t i = 0; i < count; i++)
		if (journal_name_compare(&files[i].name, name) == 0)
			return files[i].limit;
	return 0;
}

int journal_folder_look(struct journal_folder *f)
{
	struct folder_file *before = f->files;
	size_t count = f->count;
	int err;

	f->files = NULL;
	err = list_beside_checkpoint(f);
	for (size_t i = 0; !err && i < f->count; i++)
		f->files[i].from = had_before(before, count, &f->files[i].name);
	free(before);
	return err;
}

bool journal_folder_hour(
    const struct journal_folder *f, const struct journal_name *name, uint64_t *start_ns)
{
	const struct checkpoint_journal *j = &f->checkpoint.journal;

	for (size_t i = 0; f->has_checkpoint && i < j->file_count; i++) {
		if (j->files[i].name.label != name->label || j->files[i].name.mark != name->mark)
			continue;
		*start_ns = j->files[i].start_ns;
		return true;
	}
	return false;
}

void journal_folder_free(struct journal_folder *f)
{
	if (f->has_checkpoint)
		checkpoint_bus_free(&f->checkpoint);
	f->has_checkpoint = false;
	free(f->files);
	f->files = NULL;
	f->count = 0;
}
