/*
 * document_tree.h: for tests that change a document as a tree: the aggregate of it. The programs
 * read text and msgpack alone.
 */
#ifndef ORBUS_TESTS_SUPPORT_DOCUMENT_TREE_H
#define ORBUS_TESTS_SUPPORT_DOCUMENT_TREE_H

#include "doc/doc_read.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>

static inline int document_to_aggregate(
    const json_t *document, struct aggregate *out, struct trends *trends)
{
	struct msgpack_writer m;
	size_t length;
	char *bytes;
	int err;

	msgpack_writer_init(&m);
	writer_json(&m.writer, NULL, document);
	bytes = msgpack_writer_take(&m, &length);
	if (!bytes)
		return -ENOMEM;
	err = document_from_msgpack(bytes, length, DOCUMENT_ALL, NULL, trends, out);
	free(bytes);
	return err;
}

#endif
