/*
 * outages.c: advice on what is wrong as a whole, for all requests or for one model or bot,
 * though no kind of failure stands out: nothing was answered, nothing ended, much was cancelled.
 */
#include "internal.h"

#include <stdlib.h>

#define FAILED_SHARE    25.0
#define CANCELLED_SHARE 50.0
/* At most so many names get findings of their own: more failing at once have one common cause. */
#define OUTAGES_SHOWN 5

/* What became of the requests of one model, bot or group. */
struct fates {
	const char *name;
	uint64_t requests, ok, failed, members;
};

static struct fates fates_of(const struct stats_row *row)
{
	return (struct fates){row->name, row->requests, row->ok, row->failed, 1};
}

static bool is_outage(const struct fates *f)
{
	return f->requests >= ADVICE_REQUESTS_MIN &&
	       (f->ok == 0 || advice_is_share(f->failed, f->requests, FAILED_SHARE));
}

/*
 * Where as large a share of all requests fails, other rules report it; a name would be picked by
 * chance.
 */
static bool is_of_the_whole(const struct advice_case *c, const struct fates *f)
{
	if (f->requests >= c->all->requests)
		return true;
	return f->ok > 0 && (double)c->all->failed * (double)f->requests >
	                        0.5 * (double)f->failed * (double)c->all->requests;
}

static void add_outage(struct advice_case *c, const struct fates *f, const char *what)
{
	struct advice_draft d;

	if (!advice_draft_open(c, &d))
		return;
	if (f->ok == 0)
		fprintf(d.evidence, "None of ");
	else
		fprintf(d.evidence, "%llu of ", (unsigned long long)f->failed);
	advice_write_count(d.evidence, f->requests, "request", "requests");
	fprintf(d.evidence, " of %s %s %s %s", what, f->name,
	    f->ok == 0 ? "was answered" : "failed", c->span);
	if (f->ok == 0 && f->failed < f->requests)
		fprintf(d.evidence, " (%llu failed, the others were cancelled)",
		    (unsigned long long)f->failed);
	fprintf(d.evidence, "; of all, %.1f %% failed.",
	    100 * (double)c->all->failed / (double)c->all->requests);
	fputs("See what they say with ortail --status error. Use another model or provider until "
	      "it is over; see " ADVICE_STATUS_PAGE ".",
	    d.remedy);
	advice_draft_add(c, &d, "outage", "an outage of a part",
	    f->ok == 0 ? ADVICE_CRITICAL : ADVICE_WARNING, f->name);
}

/* Judges each name by itself, and names with few requests together. */
static void judge_parts(struct advice_case *c, enum dimension by, const char *what)
{
	const struct stats_rows *parts = &c->snapshot->by[by];
	struct fates few = {0};
	unsigned shown = 0;
	char title[80];

	for (uint32_t i = 0; i < parts->count; i++) {
		struct fates f = fates_of(&parts->rows[i]);

		if (f.requests > 0 && f.requests < ADVICE_REQUESTS_MIN) {
			few.requests += f.requests;
			few.ok += f.ok;
			few.failed += f.failed;
			few.members++;
		} else if (is_outage(&f) && !is_of_the_whole(c, &f) && shown++ < OUTAGES_SHOWN) {
			add_outage(c, &f, what);
		}
	}
	snprintf(title, sizeof(title), "(%llu with few requests together)",
	    (unsigned long long)few.members);
	few.name = title;
	if (is_outage(&few) && !is_of_the_whole(c, &few))
		add_outage(c, &few, what);
}

static void judge_nothing_answered(struct advice_case *c)
{
	struct advice_draft d;

	if (c->all->requests < ADVICE_REQUESTS_MIN || c->all->ok > 0 || !advice_draft_open(c, &d))
		return;
	fputs("None of ", d.evidence);
	advice_write_count(d.evidence, c->all->requests, "request", "requests");
	fprintf(d.evidence, " was answered %s: %llu failed, %llu were cancelled.", c->span,
	    (unsigned long long)c->all->failed, (unsigned long long)c->all->cancelled);
	fputs("Look at the last ones with ortail -n 20, and see " ADVICE_STATUS_PAGE ". Where all "
	      "were cancelled, see whether the bot's own time limit is too short.",
	    d.remedy);
	advice_draft_add(c, &d, "nothing_answered", "nothing was answered", ADVICE_CRITICAL, NULL);
}

static void judge_cancelled(struct advice_case *c)
{
	uint64_t n = c->all->cancelled;
	struct advice_draft d;

	if (c->all->requests < ADVICE_REQUESTS_MIN || c->all->ok == 0 ||
	    !advice_is_share(n, c->all->requests, CANCELLED_SHARE) || !advice_draft_open(c, &d))
		return;
	advice_write_share(d.evidence, n, c->all->requests);
	fprintf(d.evidence, " were cancelled by the program %s.", c->span);
	fputs("Users who leave look like that, and so do time limits of the bot's own: what is "
	      "cancelled is paid for, too.",
	    d.remedy);
	advice_draft_add(c, &d, "cancelled", "many cancelled requests", ADVICE_WARNING, NULL);
}

/* In a window in which none has ended. */
static void judge_no_end(struct advice_case *c)
{
	uint64_t n = c->snapshot->in_flight;
	struct advice_draft d;

	if (c->all->requests > 0 || n < ADVICE_REQUESTS_MIN || !advice_draft_open(c, &d))
		return;
	advice_write_count(d.evidence, n, "request is", "requests are");
	fprintf(d.evidence, " in flight, and none has ended %s.", c->span);
	fputs("Look at them with orstat --watch: they wait for an API that does not answer, or "
	      "the bot begins requests and does not end them.",
	    d.remedy);
	advice_draft_add(c, &d, "no_end", "requests that do not end", ADVICE_WARNING, NULL);
}

void advice_on_outages(struct advice_case *c)
{
	judge_nothing_answered(c);
	judge_cancelled(c);
	judge_no_end(c);
	judge_parts(c, DIMENSION_MODEL, "model");
	judge_parts(c, DIMENSION_BOT, "bot");
}
