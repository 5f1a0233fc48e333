/*
 * doc_reader.h: reads an object by its table: to what restores an aggregate, strictly, or to a
 * snapshot, which takes what there is. doc_read.h and snapshot_read.h are for those who read
 * documents.
 */
#ifndef ORBUS_DOC_DOC_READER_H
#define ORBUS_DOC_DOC_READER_H

#include "doc_source.h"
#include "schema.h"
#include "stats/snapshot.h"

#include <errno.h>

#define NAME_BYTES (ORBUS_TEXT_MAX + 1)

/* Of a name in a table of figures by name: which of its two objects were there. */
enum { HAS_STATS = 1, HAS_HISTOGRAMS = 2, HAS_BOTH = 3 };

enum shown { SHOWN_ACTIVE, SHOWN_CACHES, SHOWN_SERVICES, SHOWN_PARTS };

struct doc_reader {
	struct doc_source source;
	/* To a snapshot; NULL: to an aggregate, and all that follows. */
	struct snapshot *view;
	const char *window; /* of the board: the one that is wanted */
	bool has_window;
	struct aggregate *out;
	struct document_period *period;
	struct trends *trends;
	/* Where counts are shown: what a file without `counts` has. */
	struct {
		bool is_there;
		struct doc_source source; /* just before it */
	} shown[SHOWN_PARTS];
	struct name_table rests; /* of int64_t, by name: what `counts` leaves out of its sums */
	unsigned parts;
	bool has_counts;
	uint8_t has[DIMENSIONS][NAME_TABLE_NAMES_MAX]; /* by entry */
	int error;                                     /* of what the source cannot know */
};

static inline bool failed(const struct doc_reader *r)
{
	return r->error || doc_failed(&r->source);
}

static inline void refuse(struct doc_reader *r, int error)
{
	if (!r->error)
		r->error = error;
	doc_fail(&r->source);
}

/*
 * Reads an object, whose places are from `base`. To an aggregate: what must be there and is not, or
 * is of another type, refuses the document. To a snapshot: that stays as it was. A key that is
 * there twice refuses it in both cases.
 */
void doc_read_object(struct doc_reader *r, const struct doc_object *o, void *base);

/* To a snapshot: the same of whatever comes next, which is passed over where it is no object. */
bool doc_show_object(struct doc_reader *r, const struct doc_object *o, void *base);

/* Whether a name of the next members can be taken: it is text, which is cut as name tables do. */
bool doc_take_name(struct doc_reader *r, const struct doc_text *key, char name[NAME_BYTES]);

#endif
