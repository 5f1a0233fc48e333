/*
 * silent.h: advice on models that have fallen silent within a range.
 */
#ifndef ORBUS_ORREPORT_SILENT_H
#define ORBUS_ORREPORT_SILENT_H

#include "common/advice/advice.h"
#include "rows.h"

/* The last part of a report's range that is looked at. False: it is too short to have one. */
bool silent_span(const struct report *r, struct time_span *out);

/*
 * Adds a finding for each model with requests in the range and none in its last part, `tail`, where
 * chance would not have it so. Both must have been read with their models. 0 or -ENOMEM.
 */
int silent_advise(const struct report *r, const struct report *tail, struct advice *advice);

#endif
