/*
 * checkpoint_draft.h: a checkpoint in the making: the aggregator and the place reached in every
 * lane.
 *
 * It is made in two steps. checkpoint_draft_begin() takes down, at one instant, all but the
 * periods' sums; checkpoint_draft_render() makes the file's bytes. The second may run in another
 * thread (save.c), which must find the sums as they were. It is not for reading one
 * (checkpoint_restore.h).
 */
#ifndef ORBUS_AGENT_PERSIST_CHECKPOINT_DRAFT_H
#define ORBUS_AGENT_PERSIST_CHECKPOINT_DRAFT_H

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
	struct bot_known *bots; /* as of then */
	uint32_t bot_count;
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

/* The file's bytes, malloc'ed, where there was no error. */
char *checkpoint_draft_take(struct checkpoint_draft *d, size_t *length);

/* Gives the periods what was rendered of them, so that it need not be rendered again. */
void checkpoint_draft_give_back(struct checkpoint_draft *d);

void checkpoint_draft_free(struct checkpoint_draft *d);

#endif
