/*
 * bases.c: what the files of newly opened periods already hold.
 *
 * A period is opened by its first sample, long after its file was finished perhaps; the sample
 * waits in the period while the store fetches the file. A save waits for a moment too; then the
 * checkpoint says that it holds the period without what its file has (saver.c).
 */
#include "agent.h"
#include "memory.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>

#define FAILURES_MAX 3
#define ASKED_MAX    8

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

static void got_file(void *context, const struct store_result *r)
{
	struct agent *a = context;
	struct period *p = periods_named(&a->ledger.periods, r->name);
	int err = r->error;

	if (!p)
		return;
	p->base_asked = false;
	complain(a->log, &a->base_complaint, r->name,
	    err == -ENOENT ? &(struct store_result){.name = r->name} : r);
	if (!err)
		err = merge_text(p, r);
	if (err == -ENOMEM) {
		a->ledger.out_of_memory = true; /* what was merged, was in part */
	} else if (err == -ENOENT) {
		(void)period_set_base(p, NULL, NULL);
	} else if (err == -EBADMSG || err == -ELOOP || err == -EFBIG || err == -EISDIR ||
		   (err && ++p->base_failures >= FAILURES_MAX)) {
		if (saver_set_aside(a, r->name,
			err == -EBADMSG ? "is damaged or not ours" : strerror(-err)) == 0)
			(void)period_set_base(p, NULL, NULL);
	}
}

/* A few at once: other things are to be stored in between, and each takes memory. */
void bases_ask(struct agent *a)
{
	size_t asked = 0;

	for (struct period *p = a->ledger.periods.first; p; p = p->next)
		asked += p->base_asked;
	for (struct period *p = a->ledger.periods.first; p && asked < ASKED_MAX; p = p->next) {
		if (p->has_base || p->base_asked)
			continue;
		p->base_asked = store_get(a->store, p->span.name, got_file, a) == 0;
		asked += p->base_asked;
	}
}

bool bases_missing(const struct agent *a, uint64_t now_ns, bool all)
{
	for (const struct period *p = a->ledger.periods.first; p; p = p->next)
		if (!p->has_base && (all || !period_is_late(p, now_ns)))
			return true;
	return false;
}
