/*
 * print_json.h: reports as JSON, with the keys of the agent's files.
 */
#ifndef ORBUS_ORREPORT_PRINT_JSON_H
#define ORBUS_ORREPORT_PRINT_JSON_H

#include "common/advice/advice.h"
#include "rows.h"

/*
 * A row as the document of its period: what a file would hold that was written for it. Each makes a
 * new value; NULL: out of memory.
 */
json_t *row_to_json(const struct report *r, const struct report_row *row);

/* {"from", "to", "files", "complete", "periods": [...], "total": {...}, "advice", "notes"} */
json_t *report_to_json(const struct report *r, const struct advice *advice);

json_t *notes_to_json(const struct report_notes *n);

#endif
