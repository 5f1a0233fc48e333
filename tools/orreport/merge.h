/*
 * merge.h: the files of a stretch of time, read on all cores, as a report.
 *
 * Every sample is in exactly one hourly file and in exactly one daily file, and an hourly file
 * covers time of one daily file only. So hourly files of any length add up. A day's file takes the
 * place of all hourly files within its time, by what they cover and not by their names, or of none:
 * it does where they hold fewer requests than it, because some are missing or damaged.
 */
#ifndef ORBUS_ORREPORT_MERGE_H
#define ORBUS_ORREPORT_MERGE_H

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

/*
 * Fills in *out, to be freed with report_free() in any case. 0, -ENOENT where no file is of that
 * time, or -ENOMEM. What was wrong with files is in its notes.
 */
int report_read(const struct report_request *q, struct report *out);

#endif
