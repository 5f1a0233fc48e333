/*
 * snapshot_walk.h: going through a document's msgpack by tables of keys and places. Only for
 * snapshot_read.c.
 */
#ifndef ORBUS_DOC_SNAPSHOT_WALK_H
#define ORBUS_DOC_SNAPSHOT_WALK_H

#include "base/msgpack_in.h"
#include "stats/snapshot.h"

struct reading {
	struct mp_reader in;
	struct snapshot *s;
	const char *window; /* of the board: the one that is wanted */
	bool found;         /* it is there */
	uint64_t total_errors;
	int error; /* -EBADMSG or -ENOMEM, beside in.failed */
};

struct field;
struct object {
	const struct field *fields;
	size_t count;
};

/* Reads the next value to `at`. False: it is of another type, and was passed over. */
typedef bool take_fn(struct reading *r, const struct field *f, void *at);

struct field {
	const char *key;
	take_fn *take;
	size_t offset;           /* of its place, in what the object is read to */
	size_t size;             /* of a text's place */
	const struct object *of; /* of an object's value */
	size_t has;              /* in the snapshot: what is then true; 0: nothing */
};

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))
#define OBJECT_OF(table)             \
	{                            \
		table, LENGTH(table) \
	}
#define HAS(member) .has = offsetof(struct snapshot, member)

/* --- The next value --------------------------------------------------------------------------- */

void walk_fail(struct reading *r, int error);

/* Nothing has failed yet. */
bool walk_goes_on(const struct reading *r);
void walk_skip(struct reading *r);

/* The head of the next value, where it is of that type. False: it was passed over, or failed. */
bool walk_begin(struct reading *r, enum mp_type type, struct mp_value *v);
/* The next key of a map. False: the walk has failed. */
bool walk_key(struct reading *r, struct mp_value *key);

/* The members of a map, each to its place; those that no field names are passed over. */
bool walk_map(struct reading *r, const struct object *o, void *base);

/* Where a text goes, cut on a character. */
void walk_copy(struct reading *r, const struct mp_value *v, char *out, size_t bytes);

/*
 * `count` zeroed elements for what a document lists, which it may do once: `before` is what was
 * read of the list before. NULL: the walk has failed.
 */
void *walk_list(struct reading *r, const void *before, uint32_t count, uint32_t most, size_t bytes);

/* --- For fields ------------------------------------------------------------------------------- */

bool walk_count(struct reading *r, const struct field *f, void *at);
bool walk_figure(struct reading *r, const struct field *f, void *at);
bool walk_text(struct reading *r, const struct field *f, void *at);
bool walk_object(struct reading *r, const struct field *f, void *at);

#endif
