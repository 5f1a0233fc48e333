/*
 * silent.c: advice on models that have fallen silent within a range.
 *
 * Sums over the range show nothing of it: an outage that ends all requests leaves no failures. So
 * the last quarter of the range is looked at by itself. A model is silent where it has 20 requests
 * in the range, none in its last quarter, and where that would happen by chance in fewer than 1 %
 * of the ranges, shared out among the models, if its requests came as those of all others do: of n
 * requests none is in a part that has the share s of the others' with a chance of (1 - s)^n. Of all
 * requests together, s is the share of the hours; since most people sleep, that is no more than
 * info.
 */
#include "silent.h"
#include "common/print.h"
#include "common/stats_rate.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define ROWS_MIN  4
#define PART      4
#define TOLD_MOST 5

bool silent_span(const struct report *r, struct time_span *out)
{
	if (r->count < ROWS_MIN)
		return false;
	*out = r->rows[r->count - r->count / PART].span;
	out->end_ns = r->rows[r->count - 1].span.end_ns;
	return true;
}

static uint64_t requests_of(const struct report *r, const char *model)
{
	const struct request_stats *f = name_table_find(&r->total.sum.by_model, model);

	return f ? f->total : 0;
}

static bool is_silent(const struct report *r, const struct report *tail, const char *model)
{
	uint64_t n = requests_of(r, model);
	double others = (double)r->total.sum.requests.total - (double)n;
	double share = others > 0 ? (double)tail->total.sum.requests.total / others : 0;
	double level = STATS_LEVEL / (double)r->total.sum.by_model.count;

	return model[0] != '(' && n >= ADVICE_REQUESTS_MIN && requests_of(tail, model) == 0 &&
	       pow(1 - share, (double)n) < level;
}

static int add(
    struct advice *advice, const struct report *r, const struct report *tail, const char *model)
{
	char since[TIME_NAME_BYTES], count[COUNT_TEXT_BYTES], *evidence = NULL, *remedy = NULL;
	int err;

	time_name(&tail->calendar, &tail->span, since);
	format_count(requests_of(r, model), count);
	if (asprintf(&evidence,
		"It had %s requests in the range and none in its last part (%s), in which the "
		"others went on.",
		count, since) < 0)
		evidence = NULL;
	if (asprintf(&remedy, "If that is not meant, look whether the bot that used it still runs, "
			      "and what it was told last: ortail --model NAME -n 20.") < 0)
		remedy = NULL;
	err = evidence && remedy ? advice_add(advice, "silent", "a model has fallen silent",
				       ADVICE_WARNING, model, evidence, remedy)
	                         : -ENOMEM;
	free(evidence);
	free(remedy);
	return err;
}

/* All of them: the hours that files cover tell that an agent was there to see requests. */
static int advise_on_all(const struct report *r, const struct report *tail, struct advice *advice)
{
	uint64_t n = r->total.sum.requests.total;
	double share = row_hours(&tail->total) / row_hours(&r->total);
	char since[TIME_NAME_BYTES], evidence[128 + TIME_NAME_BYTES];

	if (n < ADVICE_REQUESTS_MIN || tail->total.sum.requests.total > 0 ||
	    !(pow(1 - share, (double)n) < STATS_LEVEL))
		return 0;
	time_name(&tail->calendar, &tail->span, since);
	snprintf(evidence, sizeof(evidence),
	    "No request has ended in the last part of the range (%s), though an agent ran.", since);
	return advice_add(advice, "silent", "no requests any more", ADVICE_INFO, NULL, evidence,
	    "If that is not meant, look whether the bots run, and on which bus: orstat --watch.");
}

int silent_advise(const struct report *r, const struct report *tail, struct advice *advice)
{
	const struct name_table_entry **models = series_sorted(&r->total.sum.by_model);
	unsigned told = 0;
	int err = models ? advise_on_all(r, tail, advice) : -ENOMEM;

	for (uint32_t i = 0; !err && i < r->total.sum.by_model.count && told < TOLD_MOST; i++)
		if (is_silent(r, tail, models[i]->name)) {
			err = add(advice, r, tail, models[i]->name);
			told++;
		}
	free(models);
	return err;
}
