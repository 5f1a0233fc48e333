/*
 * make.c: findings out of statistics. The rules are in speed.c, failures.c, outages.c
 * and data_quality.c.
 */
#include "internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int by_requests(const void *a, const void *b)
{
	const struct advice_subject *x = a, *y = b;

	if (x->stats->requests != y->stats->requests)
		return x->stats->requests < y->stats->requests ? 1 : -1;
	return strcmp(x->name, y->name);
}

static int find_models(struct advice_case *c)
{
	const struct stats_rows *models = &c->snapshot->by[DIMENSION_MODEL];

	c->models = calloc(models->count + 1, sizeof(*c->models));
	if (!c->models)
		return -ENOMEM;
	for (uint32_t i = 0; i < models->count; i++)
		if (advice_is_named(models->rows[i].name))
			c->models[c->model_count++] = (struct advice_subject){
			    .name = models->rows[i].name, .stats = &models->rows[i]};
	qsort(c->models, c->model_count, sizeof(*c->models), by_requests);
	return 0;
}

static const char *only_bot(const struct snapshot *s)
{
	const struct stats_rows *bots = &s->by[DIMENSION_BOT];

	return bots->count == 1 && advice_is_named(bots->rows[0].name) ? bots->rows[0].name : NULL;
}

static int fall_silent(struct advice_case *c)
{
	uint64_t failed = c->all->failed, in_flight = c->snapshot->in_flight;
	char *text = NULL;
	int n;

	if (c->all->requests == 0 && in_flight > 0)
		n = asprintf(&text, "no request ended %s, %llu in flight", c->span,
		    (unsigned long long)in_flight);
	else if (c->all->requests == 0)
		n = asprintf(&text, "no requests %s", c->span);
	else if (c->all->requests < ADVICE_REQUESTS_MIN && failed > 0)
		n = asprintf(&text, "too few requests %s: %llu (%llu failed), judged from %d on",
		    c->span, (unsigned long long)c->all->requests, (unsigned long long)failed,
		    ADVICE_REQUESTS_MIN);
	else if (c->all->requests < ADVICE_REQUESTS_MIN)
		n = asprintf(&text, "too few requests %s: %llu, judged from %d on", c->span,
		    (unsigned long long)c->all->requests, ADVICE_REQUESTS_MIN);
	else
		n = asprintf(&text, "all is well %s", c->span);
	if (n < 0)
		return -ENOMEM;
	c->out->silence = text;
	return 0;
}

int advice_make(const struct snapshot *snapshot, const char *span, struct advice *out)
{
	struct advice_case c = {.snapshot = snapshot,
	    .span = span,
	    .all = &snapshot->all,
	    .only_bot = only_bot(snapshot),
	    .out = out};

	*out = (struct advice){.requests = c.all->requests};
	c.error = find_models(&c);
	if (!c.error) {
		advice_on_failures(&c);
		advice_on_outages(&c);
		advice_on_speed(&c);
		advice_on_data_quality(&c);
	}
	if (!c.error && out->count == 0)
		c.error = fall_silent(&c);
	free(c.models);
	return c.error;
}
