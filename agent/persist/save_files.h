/*
 * save_files.h: the files of periods that a save writes once its checkpoint is durable.
 *
 * A file's text is made of its period's section in that checkpoint, so each file is of the
 * checkpoint's instant, whatever was counted since. One is made at a time, and a few lie in the
 * store at once: so their texts take little memory. When they may be written is save.c's.
 */
#ifndef ORBUS_AGENT_PERSIST_SAVE_FILES_H
#define ORBUS_AGENT_PERSIST_SAVE_FILES_H

#include "agent/common/log.h"
#include "agent/common/worker.h"
#include "checkpoint_draft.h"

struct store;
struct save_file;

struct save_files {
	struct store *const *store; /* borrowed, as the three below */
	struct log *log;
	struct log_once *said;
	struct worker *worker;
	struct save_file *first;    /* not yet given to the store */
	struct save_file *rendered; /* whose text is being rendered by the worker */
	size_t storing;
	bool failed;  /* one of them could not be written */
	bool waiting; /* of late periods, some wait for the next save */
};

/*
 * Chooses the files, of the draft's periods. What has been written of late periods waits, unless
 * `at_once`; the rest follows the checkpoint. 0 or -ENOMEM.
 */
int save_files_choose(struct save_files *s, const struct checkpoint_draft *d,
    const struct aggregator *l, uint64_t now_ns, bool at_once);

/* Files are left that the store has not been given. */
bool save_files_left(const struct save_files *s);

/* save_files_put_next(), or, where none is left, the end, must wait for the store. */
bool save_files_is_full(const struct save_files *s);

/* Gives the next file to the store, or to the worker first. */
void save_files_put_next(struct save_files *s);

/* Gives up what was not given to store or worker. */
void save_files_drop(struct save_files *s);

/* After the store is closed and the worker has ended. */
void save_files_free(struct save_files *s);

#endif
