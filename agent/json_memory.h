/*
 * json_memory.h: whether reading a document failed for want of memory: jansson does not say, and a
 * file that could not be read for that is not damaged.
 */
#ifndef ORBUS_AGENT_JSON_MEMORY_H
#define ORBUS_AGENT_JSON_MEMORY_H

#include <stdbool.h>

/* Has jansson, in this whole process, allocate where it is seen. Once, before its first use. */
void memory_watch(void);

/* Whether jansson was refused memory since the last call. For one thread. */
bool memory_ran_out(void);

#endif
