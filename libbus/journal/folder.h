/*
 * folder.h: the journal's files in a data folder, as they are while one checkpoint is the last: how
 * far each is good. Which of them hold a stretch of time is read.c's.
 */
#ifndef ORBUS_JOURNAL_FOLDER_H
#define ORBUS_JOURNAL_FOLDER_H

#include "base/journal_name.h"
#include "doc/checkpoint_bus.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A file. Where it is there plain and compressed, the compressed one counts. */
struct folder_file {
	struct journal_name name;
	uint64_t from;  /* bytes of it that earlier looks had */
	uint64_t limit; /* bytes of it that will not be taken back */
};

struct journal_folder {
	int fd; /* of the data folder; borrowed */
	bool has_checkpoint;
	struct checkpoint_bus checkpoint;
	uint64_t stamp;            /* tells checkpoints apart */
	struct folder_file *files; /* by name; malloc'ed */
	size_t count;
};

/* Looks at the folder; all zero before the first time, but the fd. 0 or a negative errno. */
int journal_folder_look(struct journal_folder *f);

/* When the hour of a file begins, where the checkpoint says so. */
bool journal_folder_hour(
    const struct journal_folder *f, const struct journal_name *name, uint64_t *start_ns);

void journal_folder_free(struct journal_folder *f);

#endif
