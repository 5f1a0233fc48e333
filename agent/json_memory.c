/*
 * json_memory.c: whether reading a document failed for want of memory.
 */
#include "json_memory.h"

#include <jansson.h>
#include <stdlib.h>

/* By thread: the worker of the store has no part in what the agent's thread reads. */
static _Thread_local bool refused;

static void *allocate(size_t size)
{
	void *memory = malloc(size);

	refused |= !memory;
	return memory;
}

void memory_watch(void)
{
	json_set_alloc_funcs(allocate, free);
}

bool memory_ran_out(void)
{
	bool was = refused;

	refused = false;
	return was;
}
