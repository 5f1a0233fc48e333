/*
 * row_stats.c: a row's figures, one function each.
 */
#include "row_stats.h"

#include <math.h>

/* Without a file nothing is known, not even that there was nothing. */
static double count(const struct report_row *row, uint64_t n)
{
	return row->files ? (double)n : NAN;
}

double figure_requests(const struct report_row *row)
{
	return count(row, row_requests(row));
}

double figure_answered(const struct report_row *row)
{
	return count(row, row->sum.requests.ok + row->unmerged.answered);
}

double figure_cancelled(const struct report_row *row)
{
	return count(row, row->sum.requests.cancelled);
}

double figure_failed(const struct report_row *row)
{
	return count(row, row_failed(row));
}

double figure_tokens(const struct report_row *row)
{
	return count(row, row_tokens(row));
}

double figure_cost(const struct report_row *row)
{
	return row_cost(row);
}

double figure_response_p50(const struct report_row *row)
{
	return histogram_quantile(&row->sum.requests.response_ms, 0.5) / 1000;
}

double figure_response_p95(const struct report_row *row)
{
	return histogram_quantile(&row->sum.requests.response_ms, 0.95) / 1000;
}

double figure_response_p99(const struct report_row *row)
{
	return histogram_quantile(&row->sum.requests.response_ms, 0.99) / 1000;
}

double figure_ttft_p50(const struct report_row *row)
{
	return histogram_quantile(&row->sum.requests.ttft_ms, 0.5) / 1000;
}

double figure_ttft_p95(const struct report_row *row)
{
	return histogram_quantile(&row->sum.requests.ttft_ms, 0.95) / 1000;
}

double figure_tps_p50(const struct report_row *row)
{
	return histogram_quantile(&row->sum.requests.tps, 0.5);
}

double figure_tps_p5(const struct report_row *row)
{
	return histogram_quantile(&row->sum.requests.tps, 0.05);
}

double figure_tps(const struct report_row *row)
{
	return histogram_mean(&row->sum.requests.tps);
}
