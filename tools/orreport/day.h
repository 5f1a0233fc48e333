/*
 * day.h: what the files of one date hold, for merge.c, which puts days together.
 *
 * Each date is read by one thread, into a result of its own.
 */
#ifndef ORBUS_ORREPORT_DAY_H
#define ORBUS_ORREPORT_DAY_H

#include "merge.h"

/* Days that labels of other zones may be off by. */
#define SLACK_DAYS 2

/* What files add to a row. */
struct part {
	size_t row;
	uint64_t files, covered_ns;
	bool incomplete;
	struct aggregate sum;
};

/* What lies in the time of one day's file, or, in the first of a date, in that of none. */
struct day_group {
	struct time_span span;
	const char *name; /* of the day's file; NULL: there is none */
	bool can_stand;   /* all of the day is asked for */
	struct part day;  /* what its file holds, as long as that is more than its hours */
	struct part *parts;
	size_t part_count;
	struct part total;
	bool left_out; /* an hourly file, which covers more than was asked for */
};

/* An hour that lies in no day of its date. */
struct stray {
	uint64_t start_ns;
	struct part part;
};

struct day_result {
	const struct report_day *day;
	bool is_asked_for; /* not just looked into for another time zone's sake */
	struct day_group *groups;
	size_t group_count;
	struct stray *strays;
	size_t stray_count;
	struct seed_snapshot *seeds;
	size_t seed_count;
	struct report_notes notes;
	bool out_of_memory;
};

/* What days are read for; no thread changes it. */
struct day_task {
	const struct report_request *q;
	const struct report *report; /* its rows and its span */
};

/* Reads the files of d->day into *d, which is empty but for what the caller knows of the date. */
void day_read(const struct day_task *t, struct day_result *d, struct file_buffer *b);
void day_free(struct day_result *d);

/* The day of this date whose file holds a moment, or else the first group, which is of none. */
struct day_group *day_group_at(struct day_result *d, uint64_t ns);

/* --- Parts (day_parts.c) ---------------------------------------------------------------------- */

void part_init(struct part *p, size_t row);

/* A file's sum as a part of its row. `f` is empty afterwards. */
void part_take(const struct report_request *q, struct report_file *f, size_t row, struct part *out);

/* False: out of memory. */
bool part_add(struct part *to, const struct part *p);

/* Adds what was read to the total of its day and to its row. `p` is empty afterwards. */
bool group_add(const struct report_request *q, struct day_group *g, struct part *p);

void group_drop_parts(struct day_group *g);

/* Moves a sum to where none is yet: there is nothing to add it to. */
void sum_move(struct aggregate *to, struct aggregate *from);

#endif
