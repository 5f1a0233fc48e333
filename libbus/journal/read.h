/*
 * read.h: the requests that an agent's journal (oragent --journal) holds of a stretch of
 * time, in the order of their times.
 *
 * It only reads, whether or not an agent runs, and shows every request once: where a file is there
 * plain and compressed, the compressed one counts; what a file holds beyond what the last
 * checkpoint says is still being written, and comes later.
 */
#ifndef ORBUS_JOURNAL_READ_H
#define ORBUS_JOURNAL_READ_H

#include "doc/checkpoint_bus.h"
#include "orbus.h"

struct journal_read;

/*
 * Opens the journal in `folder`, the agent's data folder, for the requests with
 * since_ns <= ts < until_ns (ns since the epoch). It holds the files of one hour in memory at a
 * time. A handle belongs to one thread at a time.
 * Returns 0, -ENOENT (no such folder, or no journal in it), -EACCES, -ENOTDIR, -ENOMEM.
 */
int journal_read_open(
    const char *folder, uint64_t since_ns, uint64_t until_ns, struct journal_read **out);

/*
 * The next request: 1 and *out filled, 0 after the last, or a negative errno where a file could not
 * be read (-ENOMEM, -EIO, -EACCES; journal_read_file() tells which). *out and its strings live
 * until the next call. `status` may be ORBUS_STATUS_ORPHANED.
 */
int journal_read_next(struct journal_read *r, struct orbus_sample *out);

/* The checkpoint that is followed, NULL where there is none; lives until renewed or closed. */
const struct checkpoint_bus *journal_read_checkpoint(const struct journal_read *r);

/*
 * After the last request: whether there is a newer checkpoint, whose further requests
 * journal_read_next() then gives. 1, 0, or a negative errno.
 */
int journal_read_renew(struct journal_read *r);

/* Lines passed over so far since they are damaged; a damaged compressed file counts as one. */
uint64_t journal_read_damaged(const struct journal_read *r);

/* The name of the file that was read last, "" before the first. */
const char *journal_read_file(const struct journal_read *r);

/* NULL is allowed. */
void journal_read_close(struct journal_read *r);

#endif
