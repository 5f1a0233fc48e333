/*
 * finding.c: what all rules of advice use: subjects to judge, and findings in the making.
 */
#include "common/print.h"
#include "common/stats_lookup.h"
#include "internal.h"
#include "stats/exact_sum.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* --- Whom to judge ---------------------------------------------------------------------------- */

bool advice_is_named(const char *name)
{
	return name[0] != '\0' && name[0] != '(';
}

struct advice_subject advice_subject_of(const char *name, const json_t *stats)
{
	return (struct advice_subject){.name = name,
	    .stats = stats,
	    .requests = count_at(stats, "requests", NULL),
	    .ok = count_at(stats, "ok", NULL),
	    .streaming = count_at(stats, "streaming", NULL),
	    .prompt_tokens = count_at(stats, "tokens", "prompt_tokens"),
	    .completion_tokens = count_at(stats, "tokens", "completion_tokens")};
}

bool advice_is_enough(const struct advice_subject *s, const char *summary)
{
	return count_at(s->stats, summary, "count") >= ADVICE_REQUESTS_MIN;
}

/* Models that are judged one by one. */
static bool is_judged(const struct advice_case *c, const char *name, const char *summary)
{
	for (size_t i = 0; i < c->model_count; i++)
		if (strcmp(c->models[i].name, name) == 0)
			return advice_is_enough(&c->models[i], summary);
	return false;
}

/* Adds a model to a group: the average is exact, the percentile the least, which all have reached.
 */
struct group_sum {
	struct advice_subject s;
	uint64_t models, count;
	struct exact_sum sum;
	double p50, p95, p99, min, max;
};

static void group_add(struct group_sum *g, const struct advice_subject *m, const char *summary)
{
	uint64_t n = count_at(m->stats, summary, "count");
	double avg = number_at(m->stats, summary, "avg");

	if (n == 0 || isnan(avg))
		return;
	g->models++;
	g->count += n;
	exact_add(&g->sum, exact_of((double)n * avg));
	g->min = fmin(g->min, number_at(m->stats, summary, "min"));
	g->p50 = fmin(g->p50, number_at(m->stats, summary, "p50"));
	g->p95 = fmin(g->p95, number_at(m->stats, summary, "p95"));
	g->p99 = fmin(g->p99, number_at(m->stats, summary, "p99"));
	g->max = fmax(g->max, number_at(m->stats, summary, "max"));
	g->s.requests += m->requests;
	g->s.ok += m->ok;
	g->s.streaming += m->streaming;
	g->s.prompt_tokens += m->prompt_tokens;
	g->s.completion_tokens += m->completion_tokens;
}

static json_t *group_summary(const struct group_sum *g, const char *summary)
{
	const struct {
		const char *key;
		double value;
	} stats[] = {{"avg", exact_mean(g->sum, (struct exact_sum){0}, g->count, 0, INFINITY)},
	    {"min", g->min}, {"p50", g->p50}, {"p95", g->p95}, {"p99", g->p99}, {"max", g->max}};
	json_t *o = json_pack("{s:{s:I}}", summary, "count", (json_int_t)g->count);
	int err = o ? 0 : -1;

	/* A document of other origin may lack some: they stay unknown. */
	for (size_t i = 0; !err && i < sizeof(stats) / sizeof(stats[0]); i++)
		if (isfinite(stats[i].value))
			err = json_object_set_new(
			    json_object_get(o, summary), stats[i].key, json_real(stats[i].value));
	if (!err)
		return o;
	json_decref(o);
	return NULL;
}

/* Many models with a few requests each may be slow together, beside one that is fast. */
static void judge_the_others(struct advice_case *c, const char *summary,
    void (*judge)(struct advice_case *c, const struct advice_subject *s))
{
	json_t *all = json_object_get(c->document, "by_model"), *stats, *sum;
	struct group_sum g = {
	    .min = INFINITY, .p50 = INFINITY, .p95 = INFINITY, .p99 = INFINITY, .s.is_group = true};
	const char *name;
	char title[80];

	json_object_foreach(all, name, stats)
	{
		struct advice_subject model = advice_subject_of(name, stats);

		if (!is_judged(c, name, summary))
			group_add(&g, &model, summary);
	}
	if (g.count < ADVICE_REQUESTS_MIN || !isfinite(g.p95))
		return;
	sum = group_summary(&g, summary);
	if (!sum) {
		c->error = -ENOMEM;
		return;
	}
	snprintf(
	    title, sizeof(title), "(%llu other models together)", (unsigned long long)g.models);
	g.s.name = title;
	g.s.stats = sum;
	judge(c, &g.s);
	json_decref(sum);
}

void advice_each(struct advice_case *c, const char *summary,
    void (*judge)(struct advice_case *c, const struct advice_subject *s))
{
	bool any = false;

	for (size_t i = 0; i < c->model_count; i++) {
		if (!advice_is_enough(&c->models[i], summary))
			continue;
		judge(c, &c->models[i]);
		any = true;
	}
	if (any)
		judge_the_others(c, summary, judge);
	else if (advice_is_enough(&c->all, summary))
		judge(c, &c->all);
}

const char *advice_foremost(
    const json_t *document, const char *by, const char *key, uint64_t *count)
{
	json_t *all = json_object_get(document, by), *stats;
	const char *name, *foremost = NULL;

	*count = 0;
	json_object_foreach(all, name, stats)
	{
		uint64_t n = count_at(stats, key, NULL);

		if (n <= *count || !advice_is_named(name))
			continue;
		foremost = name;
		*count = n;
	}
	return foremost;
}

/* --- What was found --------------------------------------------------------------------------- */

bool advice_draft_open(struct advice_case *c, struct advice_draft *d)
{
	*d = (struct advice_draft){0};
	d->evidence = open_memstream(&d->finding.evidence, &d->lengths[0]);
	d->remedy = d->evidence ? open_memstream(&d->finding.remedy, &d->lengths[1]) : NULL;
	if (d->remedy)
		return true;
	if (d->evidence)
		fclose(d->evidence);
	free(d->finding.evidence);
	c->error = -ENOMEM;
	return false;
}

static void finding_free(struct advice_finding *f)
{
	free(f->subject);
	free(f->evidence);
	free(f->remedy);
}

/* Behind those that are as severe. */
static int insert(struct advice *a, const struct advice_finding *f)
{
	struct advice_finding *more = realloc(a->findings, (a->count + 1) * sizeof(*a->findings));
	size_t at = a->count;

	if (!more)
		return -ENOMEM;
	a->findings = more;
	while (at > 0 && more[at - 1].severity < f->severity)
		at--;
	memmove(&more[at + 1], &more[at], (a->count - at) * sizeof(*more));
	more[at] = *f;
	a->count++;
	return 0;
}

void advice_draft_add(struct advice_case *c, struct advice_draft *d, const char *rule,
    const char *title, enum advice_severity severity, const char *subject)
{
	struct advice_finding *f = &d->finding;
	bool failed = fclose(d->evidence) != 0;

	failed |= fclose(d->remedy) != 0;
	f->rule = rule;
	f->title = title;
	f->severity = severity;
	f->subject = subject ? strdup(subject) : NULL;
	if (!failed && (f->subject || !subject) && insert(c->out, f) == 0)
		return;
	finding_free(f);
	c->error = -ENOMEM;
}

int advice_add(struct advice *a, const char *rule, const char *title, enum advice_severity severity,
    const char *subject, const char *evidence, const char *remedy)
{
	struct advice_finding f = {rule, title, severity, subject ? strdup(subject) : NULL,
	    strdup(evidence), strdup(remedy)};

	if ((f.subject || !subject) && f.evidence && f.remedy && insert(a, &f) == 0) {
		free(a->silence);
		a->silence = NULL;
		return 0;
	}
	finding_free(&f);
	return -ENOMEM;
}

bool advice_is_share(uint64_t part, uint64_t whole, double percent)
{
	return whole > 0 && 100 * (double)part >= percent * (double)whole;
}

enum advice_severity advice_share_severity(
    uint64_t part, uint64_t whole, double critical, enum advice_severity below)
{
	return advice_is_share(part, whole, critical) ? ADVICE_CRITICAL : below;
}

void advice_write_count(FILE *out, uint64_t n, const char *one, const char *many)
{
	char text[COUNT_TEXT_BYTES];

	format_count(n, text);
	fprintf(out, "%s %s", text, n == 1 ? one : many);
}

void advice_write_share(FILE *out, uint64_t part, uint64_t whole)
{
	char text[COUNT_TEXT_BYTES];

	format_count(part, text);
	fprintf(out, "%s of ", text);
	advice_write_count(out, whole, "request", "requests");
	if (whole > 0)
		fprintf(out, " (%.1f %%)", 100 * (double)part / (double)whole);
}

void advice_free(struct advice *a)
{
	for (size_t i = 0; i < a->count; i++)
		finding_free(&a->findings[i]);
	free(a->findings);
	free(a->silence);
	*a = (struct advice){0};
}
