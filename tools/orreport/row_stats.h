/*
 * row_stats.h: a row's figures, one function each, for what is drawn of them: sparklines,
 * pictures and plots. Times are in seconds; NaN where nothing is known.
 */
#ifndef ORBUS_ORREPORT_ROW_STATS_H
#define ORBUS_ORREPORT_ROW_STATS_H

#include "rows.h"

typedef double (*row_figure)(const struct report_row *row);

double figure_requests(const struct report_row *row);
double figure_answered(const struct report_row *row);
double figure_cancelled(const struct report_row *row);
double figure_failed(const struct report_row *row);
double figure_tokens(const struct report_row *row);
double figure_cost(const struct report_row *row);

double figure_response_p50(const struct report_row *row);
double figure_response_p95(const struct report_row *row);
double figure_response_p99(const struct report_row *row);
double figure_ttft_p50(const struct report_row *row);
double figure_ttft_p95(const struct report_row *row);

double figure_tps(const struct report_row *row);
double figure_tps_p50(const struct report_row *row);
double figure_tps_p5(const struct report_row *row);

#endif
