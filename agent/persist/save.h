/*
 * save.h: from the aggregator to the disk: the checkpoint, then the files of periods.
 */
#ifndef ORBUS_AGENT_PERSIST_SAVE_H
#define ORBUS_AGENT_PERSIST_SAVE_H

#include "agent/aggregate/document_context.h"
#include "agent/aggregate/drain.h"
#include "agent/common/config.h"
#include "agent/common/data_dir_lock.h"
#include "agent/journal/journal.h"
#include "backfill.h"

struct save;
struct store;

/* What is saved, and where; borrowed. */
struct save_sources {
	const struct config *config;
	struct aggregator *aggregator;
	struct drain *drain;
	struct journal *journal;
	struct backfill *backfill;
	struct document_sources documents;
	const struct folder *folder;
	struct store *const *store;
};

/* -ENOMEM; close it in any case. */
int save_open(const struct save_sources *sources, struct log *log, struct save **out);

/* Forgets a save that was not carried out; after the store is closed. NULL is allowed. */
void save_close(struct save *s);

/* Starts a save when one is due. True: it did, which took its time. */
bool save_run(struct save *s, uint64_t now_ns, bool at_once);

/*
 * The next steps of the running save; once a turn, after store_poll(). True: they took their time.
 */
bool save_go_on(struct save *s);

/* True when there is another step to make at once. */
bool save_has_more(const struct save *s);

/* True while something is done beside the loop, for which save_go_on() waits. */
bool save_is_at_work(const struct save *s);

/* True while a save is under way. */
bool save_is_busy(const struct save *s);

/* The last save failed: it is made anew after a while. */
bool save_is_failing(const struct save *s);

/* True when a checkpoint is on the disk that holds the aggregator's first so many changes. */
bool save_has_stored(const struct save *s, uint64_t changes);

/* True when everything that was counted is on the disk, in the files too. */
bool save_is_done(const struct save *s, uint64_t now_ns);

/* How many files do not hold what was counted, and the name of one of them; NULL where there is
 * none. */
size_t save_files_missing(const struct save *s, uint64_t now_ns, const char **name);

/* Leaves the files of the running save that the store does not have yet to the next one. */
void save_put_off_files(struct save *s);

/* The aggregator is another one, and counts its changes anew. No save may be under way. */
void save_begin_anew(struct save *s);

/* The folder is another one, and empty: all is written again. No save may be under way. */
void save_begin_folder(struct save *s);

#endif
