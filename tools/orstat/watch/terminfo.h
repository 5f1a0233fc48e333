/*
 * terminfo.h: what the terminal of standard output can do, by its description. Apart
 * from terminal.c, since the system's term.h takes many common words for macros.
 */
#ifndef ORBUS_ORSTAT_WATCH_TERMINFO_H
#define ORBUS_ORSTAT_WATCH_TERMINFO_H

#include <stdbool.h>
#include <stddef.h>

struct terminfo {
	/* What gives it back: plain colours and keys, the text that was there before, a cursor. */
	char restore[512];
	size_t restore_length;
};

/* False where it is no terminal, or one whose cursor cannot go anywhere. */
bool terminfo_read(struct terminfo *out);

#endif
