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
void stats_put_summaries(struct writer *w, const struct request_stats *f);

/* `total_tokens` and so on, into the object that is open. */
void stats_put_tokens(struct writer *w, const struct token_sums *t);

/* US dollars, null where no cost was reported. */
void stats_put_cost(struct writer *w, const char *key, const struct request_stats *f);

/* Counts by outcome. */
void stats_put_requests(
    struct writer *w, const char *key, const struct request_stats *f, uint64_t in_flight);

/* An object with what each model, bot or provider has. */
void stats_put_name_table(struct writer *w, const char *key, const struct name_table *s);

/* With `all`, those by model, bot and provider too. */
void stats_put_histograms(struct writer *w, const char *key, const struct aggregate *a, bool all);

void stats_put_sketches(struct writer *w, const char *key, const struct aggregate *a);
void stats_put_gauges(struct writer *w, const char *key, const struct aggregate *a);

#endif
