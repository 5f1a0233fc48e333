/*
 * doc_tables.h: the tables that the writing or reading of something begins with.
 */
#ifndef ORBUS_DOC_DOC_TABLES_H
#define ORBUS_DOC_DOC_TABLES_H

#include "schema.h"

extern const struct doc_object doc_document, doc_lifetime, doc_stats, doc_trends, doc_board;

#endif
