/*
 * document_stats.h: the parts of a document that are figures: summaries, series, histograms.
 */
#ifndef ORBUS_DOC_DOCUMENT_STATS_H
#define ORBUS_DOC_DOCUMENT_STATS_H

#include "stats/aggregate.h"
#include "writer.h"

/*
 * Response times, times to the first token and rates, each with `avg`, `min`, `max`, percentiles
 * and `count`, into the object that is open.
 */
void figures_put_summaries(struct writer *w, const struct request_figures *f);

/* `total_tokens` and so on, into the object that is open. */
void figures_put_tokens(struct writer *w, const struct token_sums *t);

/* US dollars, null where no cost was reported. */
void figures_put_cost(struct writer *w, const char *key, const struct request_figures *f);

/* Counts by outcome. */
void figures_put_requests(
    struct writer *w, const char *key, const struct request_figures *f, uint64_t in_flight);

/* An object with what each model, bot or provider has. */
void figures_put_series(struct writer *w, const char *key, const struct series *s);

/* With `all`, those by model, bot and provider too. */
void figures_put_histograms(struct writer *w, const char *key, const struct aggregate *a, bool all);

void figures_put_sketches(struct writer *w, const char *key, const struct aggregate *a);
void figures_put_gauges(struct writer *w, const char *key, const struct aggregate *a);

#endif
