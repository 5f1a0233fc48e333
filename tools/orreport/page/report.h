/*
 * report.h: a report as one page that needs nothing else.
 */
#ifndef ORBUS_ORREPORT_PAGE_REPORT_H
#define ORBUS_ORREPORT_PAGE_REPORT_H

#include "common/advice/advice.h"
#include "orreport/rows.h"

#include <stdio.h>

/*
 * Prints the page: figures, plots, tables, advice and notes; of models, or what `by` names. False:
 * out of memory. How names are kept from doing harm is said in frame.h.
 */
bool html_print(FILE *out, const struct report *r, int by, const struct advice *advice);

/* Prints two reports compared; with `by`, one name after another. False: out of memory. */
bool html_print_comparison(FILE *out, const struct report *a, const struct report *b, int by);

/* What the pages' scripts draw: {"labels", "plots": [...]}. NULL: out of memory. */
json_t *html_plots(const struct report *r, int by);
json_t *html_comparison_plots(const struct report *a, const struct report *b);

#endif
