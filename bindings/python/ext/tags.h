/*
 * tags.h: tags as they are gathered for one sample.
 */
#ifndef ORBUS_PYTHON_EXT_TAGS_H
#define ORBUS_PYTHON_EXT_TAGS_H

#include "objects.h"

/* A tag that comes first stays; after ORBUS_TAGS_MAX no more are taken. */
struct tag_list {
	struct orbus_tag *tags; /* room for ORBUS_TAGS_MAX */
	size_t count;
	PyObject *keep; /* a list: the texts live as long as it; NULL: nothing is kept */
};

/*
 * Adds a dictionary of tags; None and NULL add none. A tag whose str() raises an Exception is left
 * out, and counted. False: an exception is set.
 */
bool add_tags(struct producer *p, struct tag_list *list, PyObject *dictionary);

/* Adds those of orbus.tags(), if this is within one. */
bool add_tags_around(struct producer *p, struct tag_list *list);

/* Adds tags whose texts `keep` holds. */
bool add_known_tags(
    struct tag_list *list, const struct orbus_tag *tags, size_t count, PyObject *keep);

#endif
