/*
 * period_file.h: the files of hours, days and hosts, read back and added up. For tools and
 * bindings; the agent reads its own through its store.
 */
#ifndef ORBUS_DOC_PERIOD_FILE_H
#define ORBUS_DOC_PERIOD_FILE_H

#include "document.h"
#include "stats/aggregate.h"

#include <jansson.h>
#include <stddef.h>

/*
 * Reads one file as a JSON object, a new reference: 0; a negative errno of the file system; -EFBIG;
 * -EISDIR or -ESPIPE where it is no plain file; -EBADMSG where it is no JSON object.
 */
int period_file_read(const char *path, json_t **out);

/*
 * Documents of periods (any of hours, days and hosts; one that is added twice counts twice) added
 * up: sums and counts are exact, percentiles come of the added histograms.
 */
struct period_sum {
	struct aggregate stats;
	struct document_context context;
};

void period_sum_init(struct period_sum *sum);
/* A file's text. 0; -EBADMSG: it lacks what adding up needs, or is damaged; -ENOMEM. */
int period_sum_add(struct period_sum *sum, const char *text, size_t length);
/*
 * The sum of one document or more, a new reference, with the keys of the files: its `period` is of
 * the kind "merged", from the first start to the last end, and complete where all are. NULL: out
 * of memory.
 */
json_t *period_sum_document(struct period_sum *sum);
void period_sum_free(struct period_sum *sum);

/*
 * The sum of files. 0, or a negative errno as above with *failed the index of the file; *failed is
 * `count` where it is none's.
 */
int period_files_merge(const char *const *paths, size_t count, json_t **out, size_t *failed);

#endif
