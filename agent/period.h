/*
 * period.h: the hours and days that are being counted, each with its file.
 *
 * A period that a sample belongs to is open. Opening one that has a file already starts with what
 * that file holds, which comes later (period_set_base()); it is written only after that. It is
 * closed when it is over and its file says so.
 */
#ifndef ORBUS_AGENT_PERIOD_H
#define ORBUS_AGENT_PERIOD_H

#include "aggregate.h"
#include "calendar.h"
#include "document.h"

/* More than this many at once are not opened. */
#define PERIODS_MAX 1024

struct period {
	struct period *next;
	struct period_span span;
	struct aggregate sum;
	struct trends trends;     /* its own record of the hours before its end */
	bool has_base;            /* its file's content, if any, is in `sum` */
	bool base_asked;          /* the file is being read */
	bool offered;             /* to the last checkpoint that was made */
	bool held;                /* by the last checkpoint that was stored */
	uint64_t version;         /* grows with every change of `sum` */
	uint64_t written_version; /* that the file holds */
	bool written_complete;    /* the file says that the period is over */
	char *document;           /* msgpack, as of the save that is being made, else NULL */
	size_t document_length;
};

struct periods {
	struct calendar calendar;
	struct period *first;
	size_t count;
};

/* The open period that holds a moment, opened if need be. NULL: too many, or out of memory. */
struct period *periods_at(struct periods *p, enum period_kind kind, uint64_t ts_ns);

/*
 * Opens a period that an earlier agent had open. Where that one had another calendar (--utc,
 * --snapshot-every, the time zone), the period keeps its own bounds and file. NULL: it is open
 * already, too many, or out of memory.
 */
struct period *periods_restore(
    struct periods *p, enum period_kind kind, uint32_t label, uint64_t start_ns, uint64_t end_ns);

/* The open period of that file name, NULL where there is none. */
struct period *periods_named(const struct periods *p, const char *name);

void period_touch(struct period *p);

/* Adds what the file held (NULL: there was no file). False: out of memory. */
bool period_set_base(struct period *p, const struct aggregate *base, const struct trends *trends);

bool period_is_over(const struct period *p, uint64_t now_ns);

/* True when the file does not hold what it should. */
bool period_needs_writing(const struct period *p, uint64_t now_ns);

/* Closes the periods that are over and whose files say all of it. */
void periods_close_finished(struct periods *p, uint64_t now_ns);

/* When the next open period ends, UINT64_MAX if none. */
uint64_t periods_next_end(const struct periods *p, uint64_t now_ns);

void periods_free(struct periods *p);

#endif
