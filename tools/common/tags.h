/*
 * tags.h: tags given as "key=value".
 */
#ifndef ORBUS_COMMON_TAGS_H
#define ORBUS_COMMON_TAGS_H

#include "base/options.h"
#include "orbus.h"

struct cli_tags {
	struct orbus_tag items[ORBUS_TAGS_MAX];
	size_t count;
};

/*
 * Cuts each text of --tag in two; values point into the list. Returns CLI_PROCEED, or the status to
 * exit with, after a message. Free it either way.
 */
int cli_tags_make(
    struct cli_tags *t, const struct cli_program *program, const struct cli_list *list);
void cli_tags_free(struct cli_tags *t);

#endif
