/*
 * tags_block.h: the block of orbus.tags(), and what holds within.
 */
#ifndef ORBUS_PYTHON_EXT_TAGS_BLOCK_H
#define ORBUS_PYTHON_EXT_TAGS_BLOCK_H

#include "state.h"

extern PyType_Spec tags_block_spec;

/*
 * The tags of orbus.tags() that hold here: a dict or None, a new reference; NULL: an exception is
 * set.
 */
PyObject *tags_around(const struct module_state *state);

#endif
