/*
 * result.h: what the store and its callers tell each other about an operation: its outcome, and
 * what a sweep is to remove. It is not for the operations themselves: op.h.
 */
#ifndef ORBUS_AGENT_STORE_RESULT_H
#define ORBUS_AGENT_STORE_RESULT_H

#include <stdbool.h>
#include <stddef.h>

/* Where an operation stopped, for the log: "could not %s FILE: strerror". */
enum store_step {
	STORE_STEP_NONE,
	STORE_STEP_CREATE,
	STORE_STEP_WRITE,
	STORE_STEP_SYNC,
	STORE_STEP_RENAME,
	STORE_STEP_SYNC_DIR,
	STORE_STEP_REMOVE,
	STORE_STEP_READ,
	STORE_STEP_LIST,
	STORE_STEP_COMPRESS,
};

/* How many of the names that a step of a sweep removed are told. */
#define STORE_SWEPT_NAMES 16

struct store_result {
	int error;            /* 0 or a negative errno */
	enum store_step step; /* what failed; NONE when error is 0 */
	const char *name;     /* the file's name in the folder */
	char *bytes; /* store_get(): the content, NUL-terminated, valid during the callback */
	size_t length;
	/* store_sweep(): how many were removed, the first of their names (NULL-terminated, valid
	 * during the callback), and whether there may be more. */
	size_t removed;
	char **names;
	bool more;
};

/* Whether a sweep is to remove a file of that name. Called in another thread. */
typedef bool store_wanted_fn(const void *order, const char *name);

typedef void store_done_fn(void *context, const struct store_result *result);

/* "create", "write", ...: for messages. */
const char *store_step_name(enum store_step step);

#endif
