/*
 * orreport_html.h: a report as one page that needs nothing else.
 */
#ifndef ORBUS_ORREPORT_HTML_H
#define ORBUS_ORREPORT_HTML_H

#include "advice.h"
#include "orreport_rows.h"

#include <stdio.h>

/*
 * Prints the page: figures, plots, tables, advice and notes; of models, or what `by` names.
 *
 * Names come from samples, and whoever can publish can name a model "<script>". All text is escaped
 * where it is written; and the page's policy lets only the scripts run that bear a random number of
 * this very page, and lets nothing be loaded from anywhere. False: out of memory.
 */
bool html_print(FILE *out, const struct report *r, int by, const struct advice *advice);

/* What the page's script draws: {"labels", "plots": [...]}. NULL: out of memory. */
json_t *html_plots(const struct report *r, int by);

#endif
