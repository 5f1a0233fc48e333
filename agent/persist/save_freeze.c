/*
 * save_freeze.c: all that was counted, as of one instant, while a save renders it.
 */
#include "save_freeze.h"
#include "base/clock.h"

/* More than that is rendered beside the loop: some milliseconds of work. */
#define RENDER_AT_ONCE_NAMES 256
#define THAW_NS              2000000

void save_freeze_begin(struct save_freeze *f, const struct document_sources *documents,
    const struct drain *drain, struct journal *journal, uint64_t now_ns)
{
	struct checkpoint_bus bus;
	int err = drain_positions(drain, &bus);

	f->draft = (struct checkpoint_draft){0};
	if (!err)
		err = journal_freeze(journal, &bus);
	if (!err)
		err = checkpoint_draft_begin(
		    &f->draft, documents->aggregator, &bus, now_ns, documents);
	checkpoint_bus_free(&bus);
	for (size_t i = 0; !err && i < f->draft.count; i++)
		f->draft.periods[i].period->frozen =
		    checkpoint_period_is_read(&f->draft.periods[i]);
	f->draft.error = err;
}

static void render(void *draft)
{
	checkpoint_draft_render(draft);
}

void save_freeze_render(struct save_freeze *f, struct worker *worker)
{
	if (checkpoint_draft_names(&f->draft) <= RENDER_AT_ONCE_NAMES ||
	    worker_start(worker, render, &f->draft) < 0)
		render(&f->draft);
}

void save_freeze_end(struct save_freeze *f, bool ok)
{
	for (size_t i = 0; i < f->draft.count; i++) {
		struct period *p = f->draft.periods[i].period;

		p->frozen = false;
		p->in_pending_checkpoint = ok && f->draft.periods[i].has_base;
	}
	f->thawing = true;
	checkpoint_draft_free(&f->draft);
}

void save_freeze_thaw(struct save_freeze *f, struct aggregator *aggregator)
{
	uint64_t started_ns = clock_monotonic_ns();

	for (struct period *p = aggregator->periods.first; p; p = p->next) {
		if (!p->news)
			continue;
		if (!period_thaw(p))
			aggregator->out_of_memory = true;
		if (clock_monotonic_ns() - started_ns > THAW_NS)
			return;
	}
	f->thawing = false;
}
