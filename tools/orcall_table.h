/*
 * orcall_table.h: models compared: response time, TTFT and tokens per second.
 */
#ifndef ORBUS_ORCALL_TABLE_H
#define ORBUS_ORCALL_TABLE_H

#include "aggregate.h"

#include <stdbool.h>
#include <stdio.h>

/* The figures by model, in the order in which the models first answered, in 80 columns. */
void orcall_table_print(FILE *out, bool colour, const struct aggregate *figures);

#endif
