/*
 * data.h: what a page's script shows, as JSON.
 *
 * A period, a total and a name's figures have the keys of orreport --json, of which they are the
 * part that the page shows: all of it would make a page of a month's hours 30 MB. Beside those
 * keys:
 *
 *   kind      "report", "comparison" or "nothing"
 *   created   when the page was made (RFC 3339), and `version` by which orbus
 *   name      what the time is called, and `utc` whether its hours and days are those of UTC
 *   ratings   the scales of base/ratings.h: {"tps": {"higher_is_better", "steps": [...]}, ...}
 *
 * Of a report: `per` and `by` ("hour", "model"), `periods` with a `label` each, `total`, `advice`,
 * `notes`, `names` [{"name", the figures, "p95": [one for each period]}], `distributions`, and
 * `before`: the period before, as {"name", "total", "figures"}, null where there are no files of
 * it. Where files without histograms are among a row's, its counts include them and `partial` says
 * so. Of a comparison: `a`, `b`, `figures`, `names` [{"name", "figures"}], `notes` and
 * `distributions`. Of nothing: `why`, `remedy`, `notes`.
 */
#ifndef ORBUS_ORREPORT_PAGE_DATA_H
#define ORBUS_ORREPORT_PAGE_DATA_H

#include "common/advice/advice.h"
#include "orreport/rows.h"

struct page_report {
	const struct report *report;
	const struct report *before; /* NULL: there are no files of the period before */
	int by;                      /* enum report_by, not BY_NOTHING */
	const struct advice *advice;
	uint64_t now_ns;
};

/* Each makes a new value; NULL: out of memory. */
json_t *page_report_data(const struct page_report *p);

/* With `by` not BY_NOTHING, one name after another too. */
json_t *page_comparison_data(
    const struct report *a, const struct report *b, int by, uint64_t now_ns);

/* There is nothing to report: why, and what helps. Texts may hold anything. */
json_t *page_nothing_data(const struct calendar *c, uint64_t now_ns, const char *why,
    const char *remedy, const struct report_notes *notes);

#endif
