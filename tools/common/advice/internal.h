/*
 * internal.h: what the rules of advice share. Only for the files of this folder.
 */
#ifndef ORBUS_COMMON_ADVICE_INTERNAL_H
#define ORBUS_COMMON_ADVICE_INTERNAL_H

#include "advice.h"

#define ADVICE_STATUS_PAGE "https://status.openrouter.ai"

/* One model, a group of them, or all requests. */
struct advice_subject {
	const char *name; /* NULL: all requests */
	const struct stats_row *stats;
	bool is_group; /* of models, whose percentiles are lower bounds */
};

struct advice_case {
	const struct snapshot *snapshot;
	const char *span;
	const struct stats_row *all;   /* the snapshot's */
	struct advice_subject *models; /* those with a name, the most used first */
	size_t model_count;
	uint64_t explained;   /* failed requests that findings speak of */
	const char *only_bot; /* the one that made all requests; NULL: there are several */
	struct advice *out;
	int error;
};

/* A finding in the making: the rule writes its texts. */
struct advice_draft {
	FILE *evidence, *remedy;
	struct advice_finding finding;
	size_t lengths[2];
};

/* --- finding.c ------------------------------------------------------------------------------- */

/*
 * False for "(other)", "(unknown)" and the like: they are sums over several names, and no advice
 * names them.
 */
bool advice_is_named(const char *name);

/* Opens the two texts. False: out of memory, which the case remembers. */
bool advice_draft_open(struct advice_case *c, struct advice_draft *d);

/* Closes the texts and adds the finding. `subject` may be NULL. */
void advice_draft_add(struct advice_case *c, struct advice_draft *d, const char *rule,
    const char *title, enum advice_severity severity, const char *subject);

/* Enough values to be judged. */
bool advice_is_enough(const struct advice_subject *s, enum summary_kind kind);

/*
 * Calls `judge` for every model with enough values, and for the others together where they have
 * enough; or, where no model has, for all requests.
 */
void advice_each(struct advice_case *c, enum summary_kind kind,
    void (*judge)(struct advice_case *c, const struct advice_subject *s));

/*
 * Whether the values of `better` are significantly lower than those of `than` (with `sign` -1:
 * higher), where the best of so many candidates is chosen.
 */
bool advice_is_certain(const struct advice_subject *than, const struct advice_subject *better,
    enum summary_kind kind, int sign, size_t candidates); /* compare.c */

/* "128 of 19,366 requests (0.7 %)" */
void advice_write_share(FILE *out, uint64_t part, uint64_t whole);

/* "1 sample", "1,234 samples" */
void advice_write_count(FILE *out, uint64_t n, const char *one, const char *many);

/* `part` is at least `percent` of `whole`. */
bool advice_is_share(uint64_t part, uint64_t whole, double percent);

/* The severity of a share: critical from `critical` percent on, else `below`. */
enum advice_severity advice_share_severity(
    uint64_t part, uint64_t whole, double critical, enum advice_severity below);

/* The name with the largest of the counts at an offset in struct stats_row, and that count; NULL:
 * none. */
const char *advice_foremost(const struct stats_rows *r, size_t count_offset, uint64_t *count);

/* The rules, by what they look at. */
void advice_on_speed(struct advice_case *c);        /* speed.c */
void advice_on_failures(struct advice_case *c);     /* failures.c */
void advice_on_data_quality(struct advice_case *c); /* data_quality.c */
void advice_on_outages(struct advice_case *c);      /* outages.c, after the failures */

#endif
