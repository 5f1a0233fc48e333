/*
 * period_files.h: the files of hours, days and hosts, read back and added up. For tools and
 * bindings; the agent reads its own through its store.
 */
#ifndef ORBUS_PERIOD_FILES_H
#define ORBUS_PERIOD_FILES_H

#include <jansson.h>
#include <stddef.h>

/* The largest file that is read. */
#define PERIOD_FILE_MAX (64 << 20)

/*
 * Reads one file as a JSON object, a new reference: 0; a negative errno of the file system; -EFBIG;
 * -EISDIR or -ESPIPE where it is no plain file; -EBADMSG where it is no JSON object.
 */
int period_file_read(const char *path, json_t **out);

/*
 * Adds up period files (any of hours, days and hosts; one that is named twice counts twice) into
 * one document with their keys: sums and counts are exact, percentiles come of the added
 * histograms. Its `period` is of the kind "merged", from the first start to the last end, and
 * complete where all are. 0, or a negative errno as above (-EBADMSG also where a file lacks what
 * adding up needs) with *failed the index of the file; *failed is `count` where it is none's.
 */
int period_files_merge(const char *const *paths, size_t count, json_t **out, size_t *failed);

#endif
