/*
 * seed_files.h: files of the system that orbus grew from, a Python bot that saved its figures
 * every hour and at midnight.
 *
 * Such a file holds totals since its bot was started, so an hour is the difference of two. It has
 * no histograms: average, counts and tokens can be told for the hour; percentiles, minimum and
 * maximum cannot, and are left out.
 */
#ifndef ORBUS_ORREPORT_SEED_FILES_H
#define ORBUS_ORREPORT_SEED_FILES_H

#include "rows.h"
#include "stats/snapshot.h"

struct seed_snapshot {
	uint64_t saved_ns, started_ns; /* of the bot: what it counts from */
	uint64_t answered, failed;
	double sum_ms; /* NaN: no average */
	struct token_sums tokens;
};

/* True if a file's statistics are of such a one; then fills in *out. `saved_at` has no zone: `utc`
 * tells. */
bool seed_read(const struct snapshot *file, bool utc, struct seed_snapshot *out);

/* Adds what the snapshots tell to the rows and the total of a report. Sorts them. */
void seed_add(struct report *r, struct seed_snapshot *snapshots, size_t count);

#endif
