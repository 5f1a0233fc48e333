/*
 * bases.c: what the files of newly opened periods already hold.
 *
 * A period is opened by its first sample, long after its file was finished perhaps; the sample
 * waits in the period while the store fetches the file. No save is made meanwhile, so that a
 * checkpoint never holds half of a period.
 *
 * A file is set aside when it was read to its end and is not what it should be, or is no file of
 * ours at all (a link, a folder: it would be in the way of ours, and moving it destroys nothing).
 * An error of reading says nothing about the content: the samples wait in memory, added up, and in
 * the ring, and reading is tried again, ever less often.
 */
#include "agent.h"
#include "clock.h"
#include "memory.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>

#define BACKOFF_MAX_S 60

static int merge_text(struct period *p, const struct store_result *r)
{
	struct aggregate base;
	struct trends trends;
	json_t *document;
	int err = -EBADMSG;

	(void)memory_ran_out();
	document = json_loadb(r->bytes, r->length, JSON_REJECT_DUPLICATES, NULL);
	aggregate_init(&base);
	if (document)
		err = document_to_aggregate(document, &base, &trends);
	if (!err && !period_set_base(p, &base, &trends))
		err = -ENOMEM;
	aggregate_free(&base);
	json_decref(document);
	return memory_ran_out() ? -ENOMEM : err;
}

/* Once for all that was asked for at one time. */
static void bases_back_off(struct agent *a)
{
	uint64_t now_ns = clock_monotonic_ns();

	if (now_ns < a->base_next_ns)
		return;
	a->base_backoff_seconds = a->base_backoff_seconds ? 2 * a->base_backoff_seconds : 1;
	if (a->base_backoff_seconds > BACKOFF_MAX_S)
		a->base_backoff_seconds = BACKOFF_MAX_S;
	a->base_next_ns = now_ns + a->base_backoff_seconds * NS_PER_SECOND;
}

static void set_aside(struct agent *a, struct period *p, const char *name, const char *why)
{
	if (saver_set_aside(a, name, why) == 0)
		(void)period_set_base(p, NULL, NULL);
	else
		bases_back_off(a);
}

static void got_file(void *context, const struct store_result *r)
{
	struct agent *a = context;
	struct period *p = periods_named(&a->ledger.periods, r->name);
	bool foreign = store_is_foreign(r->error);
	int err;

	if (!p)
		return;
	p->base_asked = false;
	complain(a->log, &a->base_complaint, r->name,
	    r->error == -ENOENT || foreign ? &(struct store_result){.name = r->name} : r);
	if (r->error == -ENOENT) {
		(void)period_set_base(p, NULL, NULL);
	} else if (foreign) {
		set_aside(a, p, r->name, store_foreign_text(r->error));
	} else if (r->error) {
		bases_back_off(a);
	} else {
		a->base_backoff_seconds = 0;
		err = merge_text(p, r);
		if (err == -ENOMEM)
			a->ledger.out_of_memory = true; /* what was merged, was in part */
		else if (err)
			set_aside(a, p, r->name, "is damaged or not ours");
	}
}

void bases_ask(struct agent *a)
{
	if (a->base_backoff_seconds && clock_monotonic_ns() < a->base_next_ns)
		return;
	for (struct period *p = a->ledger.periods.first; p; p = p->next) {
		if (p->has_base || p->base_asked)
			continue;
		p->base_asked = store_get(a->store, p->span.name, got_file, a) == 0;
	}
}

bool bases_missing(const struct agent *a)
{
	for (const struct period *p = a->ledger.periods.first; p; p = p->next)
		if (!p->has_base)
			return true;
	return false;
}
