/*
 * checkpoint.h: the checkpoint: the aggregator and the place reached in every lane, in one file.
 *
 * It is made in two steps. checkpoint_draft_begin() takes down, at one instant, all but the
 * periods' sums; checkpoint_draft_render() makes the file's bytes. The second may run in another
 * thread (save.c), which must find the sums as they were.
 */
#ifndef ORBUS_AGENT_PERSIST_CHECKPOINT_H
#define ORBUS_AGENT_PERSIST_CHECKPOINT_H

#include "agent/aggregate/document_context.h"
#include "doc/checkpoint_file.h"

/* A period as it goes into a checkpoint. */
struct checkpoint_period {
	struct period *period;
	uint64_t version; /* at that instant */
	bool complete, has_base;
	bool is_new;    /* rendered now; else `section` is the period's own */
	bool has_delta; /* what has come since it was sealed (agent/aggregate/periods.h) follows */
	struct document_context context; /* of the document that its file gets */
	struct trends shown, own;        /* in the document, and the period's own record */
	char *section;
	size_t size;
	size_t bytes; /* that the sum takes */
};

struct checkpoint_draft {
	char *bus, *rest; /* documents */
	size_t bus_length, rest_length;
	struct aggregate lifetime;
	struct checkpoint_period *periods;
	size_t count;
	bool has_marks; /* of labels (base/calendar.h) */
	int error;      /* of rendering */
	struct buffer file;
};

/*
 * The aggregator's deltas must have been folded. What documents say beside their sums is taken from
 * `documents`; NULL: they say nothing beside them. 0 or -ENOMEM; free the draft in any case.
 */
int checkpoint_draft_begin(struct checkpoint_draft *d, const struct aggregator *l,
    const struct checkpoint_bus *bus, uint64_t now_ns, const struct document_sources *documents);

/* Whether rendering reads the period's sum. */
bool checkpoint_period_is_read(const struct checkpoint_period *s);

/* How much there is to render: the names in periods that have changed. */
size_t checkpoint_draft_names(const struct checkpoint_draft *d);

/* Sets d->error: 0, -ENOMEM, -EFBIG; d->file is the bytes. */
void checkpoint_draft_render(struct checkpoint_draft *d);

/* Gives the periods what was rendered of them, so that it need not be rendered again. */
void checkpoint_draft_give_back(struct checkpoint_draft *d);

void checkpoint_draft_free(struct checkpoint_draft *d);

/* The text of a period's file, of the section that is in the checkpoint: malloc'ed; NULL: out of
 * memory. */
char *checkpoint_file_text(const char *section, size_t size, size_t *length, bool *too_large);

/* All at once, with plain documents. The file's bytes, malloc'ed: 0, -ENOMEM, -EFBIG. */
int checkpoint_encode(const struct aggregator *l, const struct checkpoint_bus *bus, uint64_t now_ns,
    char **bytes, size_t *length);

/*
 * Restores an aggregator (initialised, empty) and the positions. Untrusted bytes: -EBADMSG where
 * they are damaged, -EPROTONOSUPPORT a newer version, -ENOMEM. Free *bus in any case.
 */
int checkpoint_decode(
    const void *bytes, size_t length, struct aggregator *l, struct checkpoint_bus *bus);

/* The same, but late periods stay sealed (agent/aggregate/periods.h): however many there are, it is
 * soon done. */
int checkpoint_restore(const void *bytes, size_t length, uint64_t now_ns, struct aggregator *l,
    struct checkpoint_bus *bus);

/* What a period's section holds, into an aggregate (initialised, empty): 0, -EBADMSG, -ENOMEM. */
int checkpoint_section_read(
    const char *section, size_t size, struct aggregate *sum, struct trends *trends);

#endif
