/*
 * periods.h: the hours and days that are being counted, each with its file.
 *
 * A period that a sample belongs to is open. Opening one that has a file already starts with what
 * that file holds, which comes later (period_set_base()); it is written only after that. It is
 * closed when it is over, its file says so, and no sample has come for a while: opening it again
 * would read its file.
 *
 * The current hour and day, those before them and those to come always have a place. All others
 * are late, and bounded by number and by memory, so that no flood of old samples takes the place of
 * current ones (periods_admit()).
 */
#ifndef ORBUS_AGENT_AGGREGATE_PERIODS_H
#define ORBUS_AGENT_AGGREGATE_PERIODS_H

#include "doc/document.h"
#include "period_index.h"
#include "stats/aggregate.h"

/*
 * Late periods that are open at once, and the memory that they take: 90 days by the hour of a few
 * models each fit (2,160 hours and 90 days).
 */
#define PERIODS_LATE_MAX       4096
#define PERIODS_LATE_BYTES_MAX ((size_t)64 << 20)

struct period {
	struct period *next;
	struct period_span span;
	bool unindexed; /* it overlaps another: nothing more comes for it (periods_restore()) */
	struct aggregate sum;
	/*
	 * While a save reads `sum`, perhaps in another thread, nothing may change it: what comes is
	 * added to `news`, and to `sum` when the save has done with it (period_thaw()).
	 */
	bool frozen;
	struct aggregate *news;     /* NULL: none */
	struct trends trends;       /* its own record of the hours before its end */
	bool has_base;              /* its file's content, if any, is in `sum` */
	bool base_asked;            /* the file is being read */
	bool leaving;               /* its place is needed: written at the next save, then closed */
	bool in_pending_checkpoint; /* with its base, to the last checkpoint that was made */
	bool in_checkpoint;         /* with its base, by the last checkpoint that was stored */
	uint64_t version;           /* grows with every change of `sum` */
	uint64_t written_version;   /* that the file holds */
	bool written_complete;      /* the file says that the period is over */
	size_t bytes;               /* that `sum` takes, where the period is late */
	/* CLOCK_MONOTONIC. */
	uint64_t touched_ns;    /* the last change */
	uint64_t file_due_ns;   /* once it is over: its file is not written again before */
	uint64_t file_pause_ns; /* from a writing to the next */
	/* As the last checkpoint has it (agent/persist/checkpoint_section.h); NULL: it has not. */
	char *section;
	size_t section_size;
	uint64_t section_version;
	bool section_complete, section_has_base;
	bool sealed; /* what it held when it was restored is in `section` alone, not in `sum` */
};

struct periods {
	struct calendar calendar;
	struct period_index index[PERIOD_KINDS]; /* of those that are open or have files */
	bool indexed; /* the checkpoint had it, or it was made of the files */
	struct period *first;
	size_t count, unindexed;
	uint32_t revision; /* of the entry that was opened or closed last */
	/* Of late ones, as of the last periods_survey() and what has come since. */
	size_t late_count, late_bytes;
	bool crowded; /* late samples found no room, or little is left */
};

void periods_init(struct periods *p, const struct calendar *calendar);

/* The bounds and the name of the period that holds a moment, or is to be made for it. */
void periods_span(
    const struct periods *p, enum period_kind kind, uint64_t ts_ns, struct period_span *out);

/* The open period that holds a moment, NULL where it is not open. */
struct period *periods_find(const struct periods *p, enum period_kind kind, uint64_t ts_ns);

/* The same, opened if need be, and the day of an hour with it. NULL: out of memory. */
struct period *periods_at(struct periods *p, enum period_kind kind, uint64_t ts_ns);

/*
 * Opens the hour and the day of a moment, where there is room for both, so that samples of it can
 * be counted: 1; 0 where there is none, -ENOMEM.
 */
int periods_admit(struct periods *p, uint64_t ts_ns, uint64_t now_ns);

/*
 * Opens a period that an earlier agent had open, with its bounds and its name. That agent's
 * calendar may have been another one. 0; -EEXIST where one of that name is open already; -ENOMEM.
 */
int periods_restore(struct periods *p, const struct period_span *span, struct period **out);

/* Its name is that of a file of another period: it gets another one. */
void periods_rename(struct periods *p, struct period *one);

/* Forgets which closed periods have labels of days before this one: their files are gone. */
void periods_forget(struct periods *p, int64_t before_day);

/* The open period of that file name, NULL where there is none. */
struct period *periods_named(const struct periods *p, const char *name);

/* What is to be changed in place of `sum`: that, or news. NULL: out of memory. */
struct aggregate *period_target(struct period *p);

/* Adds the news, if any, to the sum. False: out of memory. */
bool period_thaw(struct period *p);

/* It has changed, and grown by so many bytes. */
void periods_touch(struct periods *p, struct period *one, size_t grown, uint64_t now_ns);

/* Adds what the file held (NULL: there was no file). False: out of memory. */
bool period_set_base(struct period *p, const struct aggregate *base, const struct trends *trends);

/* False: it is sealed, and something has come for it. */
bool period_is_whole(const struct period *p);

bool period_is_over(const struct period *p, uint64_t now_ns);

/* Neither current nor the one before: its place depends on the room that there is. */
bool period_is_late(const struct period *p, uint64_t now_ns);

/* True when the file does not hold what it should. */
bool period_needs_writing(const struct period *p, uint64_t now_ns);

/*
 * The same, and it is time to write it. The file of a period that goes on, or has just ended, is
 * written with every save. What comes later is collected: the file is written again after 2 s, and
 * then every 64 s; at once every 64 s where the period was over when it was opened. `monotonic_ns`:
 * UINT64_MAX where nothing is to wait.
 */
bool period_file_is_due(const struct period *p, uint64_t now_ns, uint64_t monotonic_ns);

/* The file holds that version. */
void period_written(struct period *p, uint64_t version, bool complete);

/* Counts again what late periods there are and what they take; once a second will do. */
void periods_survey(struct periods *p, uint64_t now_ns);

/* Where it is crowded: names the late periods that have waited longest as those that leave. */
void periods_make_room(struct periods *p, uint64_t now_ns);

/* Closes the periods that are over, whose files say all of it, and that nobody adds to. */
void periods_close_finished(struct periods *p, uint64_t now_ns);

/* When the next open period ends, UINT64_MAX if none. */
uint64_t periods_next_end(const struct periods *p, uint64_t now_ns);

void periods_free(struct periods *p);

#endif
