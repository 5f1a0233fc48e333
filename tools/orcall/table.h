/*
 * table.h: models compared: response time, TTFT and tokens per second.
 */
#ifndef ORBUS_ORCALL_TABLE_H
#define ORBUS_ORCALL_TABLE_H

#include "stats/aggregate.h"

#include <stdbool.h>
#include <stdio.h>

/* The figures of these models, in this order, in 80 columns. One of which none came is left out. */
void orcall_table_print(FILE *out, bool colour, const struct aggregate *stats, char *const models[],
    size_t model_count);

#endif
