/*
 * distribution.h: histograms as curves to draw over each other.
 */
#ifndef ORBUS_ORREPORT_PAGE_DISTRIBUTION_H
#define ORBUS_ORREPORT_PAGE_DISTRIBUTION_H

#include "stats/histogram.h"

#include <jansson.h>

struct distribution_curve {
	const char *name;
	const struct histogram *histogram;
};

/*
 * {"title", "unit", "at": [the value at each point], "series": [{"name", "p50", "values": [percent
 * of the requests at each point]}]}. Points are at equal distances on a logarithmic scale. NULL:
 * out of memory.
 */
json_t *distribution_to_json(
    const char *title, const char *unit, const struct distribution_curve *curves, size_t count);

#endif
