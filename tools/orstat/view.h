/*
 * view.h: statistics as a person reads them, in 80 columns.
 */
#ifndef ORBUS_ORSTAT_VIEW_H
#define ORBUS_ORSTAT_VIEW_H

#include "board/current.h"
#include "options.h"

#include <stdio.h>

void view_print(
    FILE *out, const struct orstat_settings *settings, const struct snapshot *s, bool colour);

/* All that the bus has to tell as one JSON document, with jansson's flags: 0 or -ENOMEM. */
int view_print_json(FILE *out, const struct statistics *s, size_t flags);

#endif
