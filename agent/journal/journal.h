/*
 * journal.h: every request that is counted, as a line of JSON in the file of its hour.
 *
 *   journal.c          lines in, and on to the disk with each save
 *   restore.c  what a killed agent left, brought to what the checkpoint says
 *   compress.c     hours that are over, compressed
 *
 * The crash argument. Lines lie in memory until a save, which appends them to their files; the
 * checkpoint that is stored after that names the length of every file together with the positions
 * in the ring that these lines reach to. So
 *   - a checkpoint names no byte that is not on the disk;
 *   - what a file holds beyond the length that the checkpoint names comes from the ring again: a
 *     restarted agent cuts it off, and readers stop there;
 *   - the checkpoint before does as well, should the last be damaged: its lengths are of its
 *     positions. A file is compressed only when both name the same length, so that none of what
 *     could be read again is in a file that cannot be cut;
 *   - the compressed file is whole on the disk before the plain one goes, and counts where both
 *     are there. What comes later is put in a further part of the hour.
 */
#ifndef ORBUS_AGENT_JOURNAL_H
#define ORBUS_AGENT_JOURNAL_H

#include "agent/aggregate/aggregator.h"
#include "agent/common/config.h"
#include "agent/common/data_dir_lock.h"
#include "doc/checkpoint_bus.h"

struct journal;
struct journal_file;

/* The ring that the lines come from, as it is read now. */
struct journal_ring {
	uint64_t bytes;
	uint32_t lane_count;
	const uint64_t *positions; /* by lane */
};

/* --- journal.c */

/* What is given is borrowed. -ENOMEM; close it in any case. */
int journal_open(const struct config *config, struct aggregator *aggregator, struct folder *folder,
    struct store *const *store, struct log *log, struct journal **out);
void journal_close(struct journal *j);

/* aggregator_request_fn of struct journal. */
enum aggregator_kept journal_keep(void *journal, const struct orbus_sample *s);

/* Makes a batch of what has come, and says in *out what a checkpoint of now names. 0 or -ENOMEM. */
int journal_freeze(struct journal *j, struct checkpoint_bus *out);

/*
 * Writes the batches. When journal_is_writing() has become false, all are on the disk or
 * journal_write_failed(), which is logged once with `said`: the save's, whose disk it is too.
 */
void journal_write(struct journal *j, struct log_once *said);
bool journal_is_writing(const struct journal *j);
bool journal_write_failed(const struct journal *j);

/* The checkpoint that names them is stored. */
void journal_named(struct journal *j);

/* So much is waiting that it should be written before the next checkpoint is due. */
bool journal_is_urgent(const struct journal *j);

/* The ring is another one: all that it holds comes into the journal. -ENOMEM. */
int journal_begin_bus(struct journal *j, uint32_t lane_count, uint64_t ring_bytes);

/* The folder is another one, and empty. */
void journal_begin_folder(struct journal *j);

/* The names of the files in use, one a call: *at is NULL at first. NULL: there are no more. */
const char *journal_next_name(const struct journal *j, const struct journal_file **at);

/* --- restore.c */

/*
 * Takes over what a checkpoint says (NULL: there is none), after the positions in the ring have
 * been taken over: `same`, of this very ring; `skipped`: what the ring holds was passed over.
 */
int journal_restore(struct journal *j, const struct checkpoint_bus *saved,
    const struct journal_ring *ring, bool same, bool skipped);

/* --- compress.c */

/* Goes on compressing, or starts what is due; once a turn, after store_poll(). */
void journal_run(struct journal *j, uint64_t now_ns);

/* The same, but nothing is started. */
void journal_go_on(struct journal *j);

/* True when there is a step to make at once. */
bool journal_has_step(const struct journal *j);

/* An hour that is over waits for a checkpoint more, to be compressed. */
bool journal_wants_checkpoint(const struct journal *j, uint64_t now_ns);

/* Something is being compressed, or is about to be. */
bool journal_is_compressing(const struct journal *j);
bool journal_has_work(const struct journal *j, uint64_t now_ns);

/* Before the store is closed: no further steps. */
void journal_stop(struct journal *j);

#endif
