/*
 * document_figures.h: the parts of a document that are figures, for document.c alone. Each makes a
 * new JSON value, NULL when memory runs out.
 */
#ifndef ORBUS_DOCUMENT_FIGURES_H
#define ORBUS_DOCUMENT_FIGURES_H

#include "aggregate.h"
#include "json_build.h"

/* `avg`, `min`, `max`, percentiles, `count`. */
json_t *figures_summary(const struct histogram *h);

/* `total_tokens` and so on, into an object. */
void figures_set_tokens(struct json_build *o, const struct token_sums *t);

/* US dollars, null where no cost was reported. */
json_t *figures_cost(const struct request_figures *f);

/* Counts by outcome. */
json_t *figures_requests(const struct request_figures *f, uint64_t in_flight);

/* What one model, bot or provider has. */
json_t *figures_series(const struct request_figures *f);

/* An object with a value for each name of a series. */
json_t *figures_by_name(const struct series *s, json_t *(*body)(const struct request_figures *));

/* With `all`, those by model, bot and provider too. */
json_t *figures_histograms(const struct aggregate *a, bool all);

json_t *figures_sketches(const struct aggregate *a);
json_t *figures_gauges(const struct aggregate *a);

#endif
