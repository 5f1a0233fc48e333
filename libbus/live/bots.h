/*
 * bots.h: which bots there are: connected since when, when last heard of, gone silent.
 *
 * A bot is connected while a producer lives that has published a sample of its name. It may have
 * several producers: the last BOT_PRODUCERS_MAX are known. They are asked for in turn, each about
 * once a second. A bot that is gone stays known with its times, until BOTS_MAX others were heard of
 * after it.
 *
 * It is for one thread, and for one ring at a time: bots_disconnect() when the reader has gone to
 * another bus.
 */
#ifndef ORBUS_LIVE_BOTS_H
#define ORBUS_LIVE_BOTS_H

#include "base/data_limits.h"
#include "doc/doc_source.h"
#include "doc/writer.h"
#include "orbus.h"
#include "ring/reader.h"
#include "stats/bot_stats.h"

#include <stdbool.h>
#include <stdint.h>

struct bots;

struct bots *bots_new(void);
void bots_free(struct bots *b);

/* Follows a sample, whose time is known (`ts` is not 0). */
void bots_note(struct bots *b, const struct sample_origin *origin, const struct orbus_sample *s);

/*
 * Looks which producers still live, for `budget_ns` at most and then
 * not again for 40 times as long; UINT64_MAX: all of them, at once. True: something has changed.
 */
bool bots_look(struct bots *b, struct orbus_reader *r, uint64_t budget_ns);

/* No bot is connected any more, as far as is known. */
void bots_disconnect(struct bots *b);

/* The known bots, in no order, and how many; valid until the next call that changes them. */
const struct bot_known *bots_known(const struct bots *b, uint32_t *count);

/* A copy of them, malloc'ed, for another thread or a later time. NULL: out of memory. */
struct bot_known *bots_copy(const struct bots *b, uint32_t *count);
const struct bot_known *bots_find(const struct bots *b, const char *name);

/* What an earlier process knew of a bot. Its producers are looked at like others. */
void bots_restore(struct bots *b, const struct bot_known *known);

/* For the checkpoint; and back (untrusted): 0, -EBADMSG. */
void bots_write(const struct bots *b, struct writer *w, const char *key);
int bots_read(struct bots *b, struct doc_source *s);

#endif
