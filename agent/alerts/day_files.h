/*
 * day_files.h: reads files of days for days.h, one after the other, and holds up nothing.
 *
 * The store reads; what is large is decoded by a worker. It is not for knowing which file to read,
 * nor what it means for a rule.
 */
#ifndef ORBUS_AGENT_ALERTS_DAY_FILES_H
#define ORBUS_AGENT_ALERTS_DAY_FILES_H

#include "agent/common/log.h"
#include "stats/aggregate.h"

struct day_files;
struct store;

/* Which file was asked for, so that an answer that comes too late is known as such. */
struct day_key {
	uint64_t start_ns;
	uint32_t label, mark, revision;
};

/*
 * What a file holds; NULL: there is none, or it says nothing, and `fault` says why ("is damaged or
 * not ours"). A file that cannot be read now is not told of: it is to be asked for again.
 */
typedef void day_files_take_fn(
    void *context, const struct day_key *key, const struct aggregate *sum, const char *fault);

/* What is given is borrowed. NULL: out of memory. */
struct day_files *day_files_new(
    struct store *const *store, struct log *log, day_files_take_fn *take, void *context);
/* NULL is allowed. No answer may be outstanding with the store. */
void day_files_free(struct day_files *f);

/* Whether a file can be asked for: nothing is being read, and the last error is long enough ago. */
bool day_files_is_free(const struct day_files *f);
void day_files_ask(struct day_files *f, const char *name, const struct day_key *key);

/* Errors of before are no reason to wait any more. */
void day_files_begin(struct day_files *f);

/* Takes what was decoded; once a turn. */
void day_files_go_on(struct day_files *f);

/* A file is being decoded beside the loop. */
bool day_files_is_decoding(const struct day_files *f);

#endif
