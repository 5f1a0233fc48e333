/*
 * dup.h: a copy of a sample that outlives the reader whose strings it points to.
 */
#ifndef ORBUS_SAMPLE_DUP_H
#define ORBUS_SAMPLE_DUP_H

#include "orbus.h"

/* The sample with its strings and tags in one piece of memory: free() it. NULL: out of memory. */
struct orbus_sample *sample_dup(const struct orbus_sample *s);

#endif
