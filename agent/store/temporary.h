/*
 * temporary.h: the names under which files are written until they are whole.
 */
#ifndef ORBUS_AGENT_STORE_TEMPORARY_H
#define ORBUS_AGENT_STORE_TEMPORARY_H

#include <stdbool.h>

/* ".NAME.<16 hex>.tmp" must be a file name too. */
#define STORE_NAME_MAX 200

/* Makes the names of this process unlike those of all others. Before the first name, and before
 * there is another thread; later calls change nothing. 0 or -EIO. */
int store_temporary_begin(void);

/* A new unpredictable name for what is to become `name`; it is a temporary one. -EIO, -EINVAL. */
#define STORE_TEMPORARY_BYTES 256
int store_temporary_name(const char *name, char out[STORE_TEMPORARY_BYTES]);

/* True for a temporary name (".NAME.<16 hex>.tmp") of any process. */
bool store_is_temporary(const char *name);

/* True for one that another process has left behind. */
bool store_is_left_behind(const char *name);

#endif
