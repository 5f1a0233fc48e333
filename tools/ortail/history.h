/*
 * history.h: --since and --until: what the journal holds, and how the ring goes on from it.
 *
 * The checkpoint names the length of each of the journal's files together with the place in every
 * lane that these lines reach to. So what is read from the files up to there, and from the ring
 * from there on, is every request once: neither gap nor repeat.
 */
#ifndef ORBUS_ORTAIL_HISTORY_H
#define ORBUS_ORTAIL_HISTORY_H

#include "options.h"
#include "orbus.h"

struct history;

/*
 * Reads the options and opens the journal; *out is NULL where neither --since nor --until was
 * given. Returns CLI_PROCEED, or the status to exit with, after a message.
 */
int history_open(const struct ortail_settings *settings, struct history **out);

/* The journal's next request: 1, 0 after the last, or the status to exit with after a message as
 * a negative number. The sample lives until the next call. */
int history_next(struct history *h, struct orbus_sample *out);

/*
 * To be called after the last: from here on the reader counts as lost only what the journal lacks.
 */
void history_attach(struct history *h, struct orbus_reader *reader);

/* Whether what was just read from the ring is to be shown: asked for, and not in the journal. */
bool history_wants(
    const struct history *h, const struct orbus_reader *reader, const struct orbus_sample *s);

/* Whether the past is to be shown, also without -n. */
bool history_is_asked_for(const struct history *h);

/* The milliseconds until --until has come, `most` at most; 0: it has. NULL is allowed for h. */
int history_left_ms(const struct history *h, int most);

/* NULL is allowed. */
void history_close(struct history *h);

#endif
