/*
 * conditions.h: what --where and --exclude ask of a sample: "ttft_ms>3000",
 * "tags.user=ann*", "status!=ok", "model=~^openai/", "cost_usd=" (it has none).
 */
#ifndef ORBUS_ORTAIL_CONDITIONS_H
#define ORBUS_ORTAIL_CONDITIONS_H

#include "base/options.h"
#include "orbus.h"

#include <stdbool.h>

struct condition;

struct conditions {
	struct condition *items;
	size_t count;
};

/* Reads them; returns CLI_PROCEED, or the status to exit with, after a message. */
int conditions_make(struct conditions *c, const struct cli_program *program, const char *option,
    const struct cli_list *list);
void conditions_free(struct conditions *c);

/* Whether all conditions hold, and whether any does. */
bool conditions_all(const struct conditions *c, const struct orbus_sample *s);
bool conditions_any(const struct conditions *c, const struct orbus_sample *s);

#endif
