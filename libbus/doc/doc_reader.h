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

/* active_stats, cache_stats, service_metrics. */
#define SHOWN_PARTS 3

struct doc_reader {
	struct doc_source source;
	/* To a snapshot; NULL: to an aggregate, and all that follows. */
	struct snapshot *view;
	const char *window; /* of the board: the one that is wanted */
	bool has_window;
	struct aggregate *out;
	struct document_period *period;
	struct trends *trends;
	/* Where counts are shown, for a file without `counts`: just before each. */
	struct {
		const struct doc_field *field;
		struct doc_source source;
	} shown[SHOWN_PARTS];
	unsigned shown_count;
	/* The minutes, which wait for the period; NULL: none. */
	struct {
		const struct doc_field *field;
		struct doc_source source;
	} minutes;
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

/* To a snapshot: reads the next value if it is an object (true), else passes over it (false). */
bool doc_show_object(struct doc_reader *r, const struct doc_object *o, void *base);

/* To a snapshot: an object of such by name, added to a list. */
void doc_show_each(struct doc_reader *r, const struct doc_field *f, void *list);

/* Takes each member of an object by its name, cut as name tables do; no more than such a table has.
 */
typedef void doc_take_named_fn(struct doc_reader *r, const struct doc_field *f, const char *name);
void doc_take_each(struct doc_reader *r, const struct doc_field *f, doc_take_named_fn *take);

/* A time. False: it is none. */
bool doc_take_time(struct doc_reader *r, uint64_t *ns);

/* Whether a name of the next members can be taken: it is text, which is cut as name tables do. */
bool doc_take_name(struct doc_reader *r, const struct doc_text *key, char name[NAME_BYTES]);

#endif
