/*
 * grid.h: the rows of a report as stretches of time: made, found, trimmed.
 */
#ifndef ORBUS_ORREPORT_GRID_H
#define ORBUS_ORREPORT_GRID_H

#include "rows.h"

/* Gives a report a row for every hour or day of the span. False: out of memory. */
bool grid_make(struct report *r, const struct time_span *span);

/*
 * The row that a file belongs to. A file longer than a row belongs to the row of its start; another
 * one (an hour of a zone that is half an hour off, a day of UTC) to the row of its middle.
 * r->count: none.
 */
size_t grid_place(const struct report *r, const struct document_period *p);

/* Leaves out the empty rows before the first with a file and behind the last. */
void grid_trim(struct report *r);

#endif
