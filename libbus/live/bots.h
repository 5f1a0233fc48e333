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
#include "orbus.h"
#include "ring/reader.h"

#include <stdbool.h>
#include <stdint.h>

/* Bots that are known at once, and producers of each. */
#define BOTS_MAX          NAME_TABLE_MAX
#define BOT_PRODUCERS_MAX 8

/* An owner of a lane: all zero where there is none. */
struct bot_producer {
	uint64_t since_ns; /* the time of its first sample */
	uint32_t lane, epoch;
};

struct bot_known {
	char name[ORBUS_TEXT_MAX + 1];
	uint64_t last_seen_ns;    /* its newest sample of any kind */
	uint64_t last_request_ns; /* the end of its newest request; 0: none */
	unsigned producers;       /* the first of the following are there, as far as is known */
	struct bot_producer producer[BOT_PRODUCERS_MAX]; /* that which was heard of last is first */
};

/* Since when a bot is connected; 0: it is not. */
uint64_t bot_connected_since(const struct bot_known *bot);

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

/* The known bots, in no order. */
uint32_t bots_count(const struct bots *b);
const struct bot_known *bots_at(const struct bots *b, uint32_t i);
const struct bot_known *bots_find(const struct bots *b, const char *name);

/* What an earlier process knew of a bot. Its producers are looked at like others. */
void bots_restore(struct bots *b, const struct bot_known *known);

#endif
