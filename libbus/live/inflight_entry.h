/*
 * inflight_entry.h: one request in flight, as the table keeps it. For inflight.c, which owns it,
 * and inflight_checkpoint.c, which writes all of them while the ring waits.
 */
#ifndef ORBUS_LIVE_INFLIGHT_ENTRY_H
#define ORBUS_LIVE_INFLIGHT_ENTRY_H

#include "inflight_text.h"

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct inflight;
struct orbus_sample;
struct sample_origin;

struct inflight_entry {
	struct inflight_entry *chain;         /* the next of the same hash */
	struct inflight_entry *older, *newer; /* in its lane */
	uint64_t hash;
	uint64_t number; /* of the begins noted before it */
	uint64_t ts;
	uint32_t since_s; /* CLOCK_BOOTTIME, when it was noted */
	uint32_t lane, epoch;
	/* Where its texts are, the id's at 0; 0: absent. */
	uint16_t bot, model, provider;
	bool stream;
	char texts[];
};
/* inflight.h states the memory that all of them take. */
static_assert(offsetof(struct inflight_entry, texts) <= 80, "an entry has grown");
static_assert(4 * INFLIGHT_TEXT_BYTES <= UINT16_MAX, "texts are found by 16 bits");

static inline const char *inflight_entry_text(const struct inflight_entry *e, uint16_t at)
{
	return at ? e->texts + at : NULL;
}

/* Lane by lane, the oldest first; NULL: there is none, or no more. */
const struct inflight_entry *inflight_first(const struct inflight *f);
const struct inflight_entry *inflight_next(
    const struct inflight *f, const struct inflight_entry *e);

/* inflight_note() of a begin that was noted at a time of CLOCK_BOOTTIME, or now where that is
 * later. False: out of memory. */
bool inflight_note_since(struct inflight *f, const struct sample_origin *origin,
    const struct orbus_sample *s, uint64_t since_s);

#endif
