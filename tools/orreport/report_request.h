/*
 * report_request.h: what merge.c makes a report of: a folder, a range, rows, and parts of files.
 */
#ifndef ORBUS_ORREPORT_REPORT_REQUEST_H
#define ORBUS_ORREPORT_REPORT_REQUEST_H

#include "files.h"
#include "rows.h"

struct report_request {
	const struct report_folder *folder;
	struct calendar calendar; /* its hours are 1 */
	struct time_span span;
	enum period_kind per;
	uint64_t now_ns;
	unsigned parts;     /* enum document_parts: what the total has */
	unsigned row_parts; /* of those, what each row has too */
};

#endif
