/*
 * save_freeze.h: all that was counted, as of one instant, while a save renders it.
 *
 * To freeze takes down all but the periods' sums, and freezes those that are rendered: until the
 * save has done so nothing changes them, what comes goes to the periods' news
 * (agent/aggregate/periods.h). So the rendering may take long, in another thread, and is of one
 * instant all the same. After it the news are added to the sums, a few at a time.
 */
#ifndef ORBUS_AGENT_PERSIST_SAVE_FREEZE_H
#define ORBUS_AGENT_PERSIST_SAVE_FREEZE_H

#include "agent/aggregate/drain.h"
#include "agent/common/worker.h"
#include "agent/journal/journal.h"
#include "checkpoint_draft.h"

struct save_freeze {
	struct checkpoint_draft draft; /* the worker's, while it is being rendered */
	bool thawing;                  /* news are left to be added */
};

/* Takes all down. draft.error: 0 or -ENOMEM; in any case save_freeze_end() must follow. */
void save_freeze_begin(struct save_freeze *f, const struct document_sources *documents,
    const struct drain *drain, struct journal *journal, uint64_t now_ns);

/* Renders the checkpoint's bytes. Small ones at once, which is cheaper than waking a thread; else
 * the worker does, where a thread can be had. */
void save_freeze_render(struct save_freeze *f, struct worker *worker);

/* The sums change again. `ok`: the checkpoint is to be stored. */
void save_freeze_end(struct save_freeze *f, bool ok);

/* Adds news to sums, for some milliseconds. */
void save_freeze_thaw(struct save_freeze *f, struct aggregator *aggregator);

#endif
