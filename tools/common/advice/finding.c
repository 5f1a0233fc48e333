/*
 * finding.c: what all rules of advice use: subjects to judge, and findings in the making.
 */
#include "common/print.h"
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

bool advice_is_enough(const struct advice_subject *s, enum summary_kind kind)
{
	return s->stats->of[kind].count >= ADVICE_REQUESTS_MIN;
}

/* Models that are judged one by one. */
static bool is_judged(const struct advice_case *c, const char *name, enum summary_kind kind)
{
	for (size_t i = 0; i < c->model_count; i++)
		if (strcmp(c->models[i].name, name) == 0)
			return advice_is_enough(&c->models[i], kind);
	return false;
}

/* A group in the making. */
struct group_sum {
	struct stats_row row;
	uint64_t models;
	struct exact_sum sum;
};

/* Adds a model: the group's average stays exact; its percentile is the lowest of its models'. */
static void group_add(struct group_sum *g, const struct stats_row *m, enum summary_kind kind)
{
	const struct summary *from = &m->of[kind];
	struct summary *to = &g->row.of[kind];

	if (from->count == 0 || isnan(from->avg))
		return;
	g->models++;
	to->count += from->count;
	exact_add(&g->sum, exact_of((double)from->count * from->avg));
	/* A document of another system may lack some: a number is preferred to NaN. */
	to->min = fmin(to->min, from->min);
	to->p50 = fmin(to->p50, from->p50);
	to->p95 = fmin(to->p95, from->p95);
	to->p99 = fmin(to->p99, from->p99);
	to->max = fmax(to->max, from->max);
	g->row.requests += m->requests;
	g->row.ok += m->ok;
	g->row.streaming += m->streaming;
	g->row.tokens.prompt += m->tokens.prompt;
	g->row.tokens.completion += m->tokens.completion;
}

/* Many models with a few requests each may be slow together, beside one that is fast. */
static void judge_the_others(struct advice_case *c, enum summary_kind kind,
    void (*judge)(struct advice_case *c, const struct advice_subject *s))
{
	const struct stats_rows *models = &c->snapshot->by[DIMENSION_MODEL];
	struct group_sum g = {.row = snapshot_empty.all};
	struct summary *sum = &g.row.of[kind];
	char title[80];

	for (uint32_t i = 0; i < models->count; i++)
		if (!is_judged(c, models->rows[i].name, kind))
			group_add(&g, &models->rows[i], kind);
	if (sum->count < ADVICE_REQUESTS_MIN || !isfinite(sum->p95))
		return;
	sum->avg = exact_mean(g.sum, (struct exact_sum){0}, sum->count, 0, INFINITY);
	snprintf(
	    title, sizeof(title), "(%llu other models together)", (unsigned long long)g.models);
	judge(c, &(struct advice_subject){.name = title, .stats = &g.row, .is_group = true});
}

void advice_each(struct advice_case *c, enum summary_kind kind,
    void (*judge)(struct advice_case *c, const struct advice_subject *s))
{
	const struct advice_subject all = {.stats = c->all};
	bool any = false;

	for (size_t i = 0; i < c->model_count; i++) {
		if (!advice_is_enough(&c->models[i], kind))
			continue;
		judge(c, &c->models[i]);
		any = true;
	}
	if (any)
		judge_the_others(c, kind, judge);
	else if (advice_is_enough(&all, kind))
		judge(c, &all);
}

const char *advice_foremost(const struct stats_rows *r, size_t count_offset, uint64_t *count)
{
	const char *foremost = NULL;

	*count = 0;
	for (uint32_t i = 0; i < r->count; i++) {
		const char *row = (const char *)&r->rows[i];
		uint64_t n = *(const uint64_t *)(const void *)(row + count_offset);

		if (n <= *count || !advice_is_named(r->rows[i].name))
			continue;
		foremost = r->rows[i].name;
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

/* Inserts it behind the findings of equal severity. */
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
