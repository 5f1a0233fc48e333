/*
 * make.c: findings out of a statistics document. The rules are in speed.c, failures.c, outages.c
 * and data_quality.c.
 */
#include "common/stats_lookup.h"
#include "internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The agent keeps no more models apart; a document of other origin may name more. */
#define MODELS_MAX 256

/* Documents of the system before orbus count only responses and errors. */
static struct advice_subject all_requests(const json_t *document)
{
	const json_t *r = json_object_get(document, "requests");
	uint64_t responses = count_at(document, "response_times", "count");
	uint64_t failed = count_at(document, "errors", "total_errors");
	bool known = json_is_object(r);

	return (struct advice_subject){.stats = document,
	    .requests = known ? count_at(r, "total", NULL) : responses + failed,
	    .ok = known ? count_at(r, "ok", NULL) : responses,
	    .streaming = count_at(r, "streaming", NULL),
	    .prompt_tokens = count_at(document, "token_usage", "prompt_tokens"),
	    .completion_tokens = count_at(document, "token_usage", "completion_tokens")};
}

static int by_requests(const void *a, const void *b)
{
	const struct advice_subject *x = a, *y = b;

	if (x->requests != y->requests)
		return x->requests < y->requests ? 1 : -1;
	return strcmp(x->name, y->name);
}

static int find_models(struct advice_case *c)
{
	json_t *all = json_object_get(c->document, "by_model"), *stats;
	const char *name;

	c->models = calloc(json_object_size(all) + 1, sizeof(*c->models));
	if (!c->models)
		return -ENOMEM;
	json_object_foreach(all, name, stats)
	{
		if (advice_is_named(name))
			c->models[c->model_count++] = advice_subject_of(name, stats);
	}
	qsort(c->models, c->model_count, sizeof(*c->models), by_requests);
	if (c->model_count > MODELS_MAX)
		c->model_count = MODELS_MAX;
	return 0;
}

static const char *only_bot(const json_t *document)
{
	json_t *bots = json_object_get(document, "by_bot");
	const char *name = json_object_iter_key(json_object_iter(bots));

	return json_object_size(bots) == 1 && advice_is_named(name) ? name : NULL;
}

static int fall_silent(struct advice_case *c)
{
	uint64_t failed = failed_requests(c->document);
	uint64_t in_flight = count_at(c->document, "requests", "in_flight");
	char *text = NULL;
	int n;

	if (c->all.requests == 0 && in_flight > 0)
		n = asprintf(&text, "no request ended %s, %llu in flight", c->span,
		    (unsigned long long)in_flight);
	else if (c->all.requests == 0)
		n = asprintf(&text, "no requests %s", c->span);
	else if (c->all.requests < ADVICE_REQUESTS_MIN && failed > 0)
		n = asprintf(&text, "too few requests %s: %llu (%llu failed), judged from %d on",
		    c->span, (unsigned long long)c->all.requests, (unsigned long long)failed,
		    ADVICE_REQUESTS_MIN);
	else if (c->all.requests < ADVICE_REQUESTS_MIN)
		n = asprintf(&text, "too few requests %s: %llu, judged from %d on", c->span,
		    (unsigned long long)c->all.requests, ADVICE_REQUESTS_MIN);
	else
		n = asprintf(&text, "all is well %s", c->span);
	if (n < 0)
		return -ENOMEM;
	c->out->silence = text;
	return 0;
}

int advice_make(const json_t *document, const char *span, struct advice *out)
{
	struct advice_case c = {.document = document,
	    .span = span,
	    .all = all_requests(document),
	    .only_bot = only_bot(document),
	    .out = out};

	*out = (struct advice){.requests = c.all.requests};
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
