/*
 * notes.h: notes on a report: files that were skipped, figures that could not be merged.
 */
#ifndef ORBUS_ORREPORT_NOTES_H
#define ORBUS_ORREPORT_NOTES_H

#include <stdbool.h>
#include <stddef.h>

struct report_note {
	char *text;
	bool wrong; /* something is wrong: the exit status is 1 */
};

struct report_notes {
	struct report_note *items;
	size_t count;
	bool out_of_memory; /* some may be missing */
};

/* Adds a note, once. Names of files in it may hold anything: print it sanitised. */
__attribute__((format(printf, 3, 4))) void notes_add(
    struct report_notes *n, bool wrong, const char *format, ...);

/* Moves all of `from` to the end of `to`. */
void notes_move(struct report_notes *to, struct report_notes *from);

bool notes_are_wrong(const struct report_notes *n);
void notes_free(struct report_notes *n);

#endif
