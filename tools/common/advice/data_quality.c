/*
 * data_quality.c: advice on figures that are not what they could be: costs that are not known,
 * samples that were lost or not taken.
 */
#include "internal.h"

/* Answers without a cost, in percent, from which the sum of costs misleads. */
#define UNPRICED_SHARE 10.0

static void judge_costs(struct advice_case *c)
{
	uint64_t priced = c->all->priced, ok = c->all->ok;
	struct advice_draft d;

	/* Documents of other origin do not say. */
	if (!c->snapshot->has.priced || ok < ADVICE_REQUESTS_MIN || priced >= ok ||
	    !advice_is_share(ok - priced, ok, UNPRICED_SHARE) || !advice_draft_open(c, &d))
		return;
	if (priced == 0) {
		fprintf(d.evidence, "None of ");
		advice_write_count(d.evidence, ok, "answer", "answers");
		fprintf(d.evidence, " said what it cost %s.", c->span);
	} else {
		advice_write_count(d.evidence, ok - priced, "answer", "answers");
		fprintf(d.evidence,
		    " of %llu did not say what they cost %s: the sum is of the "
		    "others alone.",
		    (unsigned long long)ok, c->span);
	}
	fputs("Let the bot publish cost_usd; OpenRouter reports it in the answer's usage "
	      "(of a stream: stream_options {\"include_usage\": true}).",
	    d.remedy);
	advice_draft_add(c, &d, "unknown_cost", "unknown costs", ADVICE_INFO, NULL);
}

/* Answers without token counts: neither their cost nor their speed can be judged. */
static void judge_usage(struct advice_case *c)
{
	struct advice_draft d;

	/* Documents of other origin do not say, or count some answers alone. */
	if (!c->snapshot->has.ok || !c->snapshot->has.tokens || c->all->ok < ADVICE_REQUESTS_MIN ||
	    c->all->tokens.total > 0 || !advice_draft_open(c, &d))
		return;
	fprintf(d.evidence, "None of ");
	advice_write_count(d.evidence, c->all->ok, "answer", "answers");
	fprintf(d.evidence, " said how many tokens it has %s.", c->span);
	fputs("Let the bot publish prompt_tokens and completion_tokens; APIs report them in the "
	      "answer's usage (of a stream: stream_options {\"include_usage\": true}).",
	    d.remedy);
	advice_draft_add(c, &d, "unknown_usage", "unknown tokens", ADVICE_INFO, NULL);
}

static void judge_samples(struct advice_case *c, uint64_t n, const char *rule, const char *title,
    enum advice_severity severity, const char *what, const char *remedy)
{
	struct advice_draft d;

	if (n == 0 || !advice_draft_open(c, &d))
		return;
	advice_write_count(d.evidence, n, "sample", "samples");
	fprintf(d.evidence, " %s %s %s.", n == 1 ? "was" : "were", what, c->span);
	fputs(remedy, d.remedy);
	advice_draft_add(c, &d, rule, title, severity, NULL);
}

void advice_on_data_quality(struct advice_case *c)
{
	judge_samples(c, c->snapshot->lost, "lost_samples", "lost samples", ADVICE_WARNING,
	    "overwritten before anyone counted them",
	    "Keep an agent running at all times. If it does, give a new bus larger lanes (oragent "
	    "--slots), and see whether the agent gets the processor time that it needs.");
	judge_samples(c, c->snapshot->rejected, "rejected_samples", "rejected samples",
	    ADVICE_WARNING, "not valid, or older than what is kept, and not counted",
	    "Find the bot that publishes them: orpub names what is wrong with a sample, and an old "
	    "version of a library may publish what this one does not take.");
	judge_samples(c, c->snapshot->skewed, "skewed_samples", "samples from the future",
	    ADVICE_INFO, "stamped more than a minute in the future, and counted as of now",
	    "Set the clock (timedatectl set-ntp true), and let the bots leave ts to the library.");
	judge_costs(c);
	judge_usage(c);
}
