/*
 * inflight.h: requests that have begun and not ended, and which of them died with their process.
 *
 * A begin is paired with the request of the same lane and owner (epoch) whose begin_id, or else
 * request_id, is the begin's. A request whose owner is gone will never end: it is orphaned.
 */
#ifndef ORBUS_INFLIGHT_H
#define ORBUS_INFLIGHT_H

#include "orbus.h"
#include "reader.h"
#include "writer.h"

#include <jansson.h>

/* More than this many at once are not followed. */
#define INFLIGHT_MAX 16384

/* Lanes are numbered below this. */
#define ORBUS_LANES_LIMIT 4096

struct inflight;

struct inflight *inflight_new(void);
void inflight_free(struct inflight *f);

/* Follows a begin or an end. False: out of memory. */
bool inflight_note(
    struct inflight *f, const struct sample_origin *origin, const struct orbus_sample *s);

uint64_t inflight_count(const struct inflight *f);

/*
 * The begin of a request that ended, looked for before its end is noted: false where none is known.
 * A begin is given as a sample of what is kept of it: ts, request_id, bot, requested_model,
 * provider, stream. Its texts live as long as it is in flight.
 */
bool inflight_begin_of(struct inflight *f, const struct sample_origin *origin,
    const struct orbus_sample *end, struct orbus_sample *begin);

/* Calls `each` with every begin in flight, in no order; it must not change what is in flight. */
typedef void inflight_each_fn(
    void *context, const struct sample_origin *origin, const struct orbus_sample *begin);
void inflight_each(const struct inflight *f, inflight_each_fn *each, void *context);

/*
 * Takes out requests of `lane` whose owner was of an epoch before `epoch`, calling `orphan` with a
 * sample of status orphaned (ts 0) for each; the sample lives during the call.
 */
typedef void inflight_orphan_fn(void *context, const struct orbus_sample *orphan);
void inflight_reap(
    struct inflight *f, uint32_t lane, uint32_t epoch, inflight_orphan_fn *orphan, void *context);

/* True when a request of the lane is in flight. */
bool inflight_in_lane(const struct inflight *f, uint32_t lane);

/*
 * Forgets a lane's requests without a verdict: some samples of the lane were lost, and their ends
 * may have been among them.
 */
void inflight_forget_lane(struct inflight *f, uint32_t lane);

/* Forgets everything: the bus is another one. */
void inflight_clear(struct inflight *f);

/* What is in flight: [{lane, epoch, request_id, ts, bot, model, ...}], and back (untrusted). */
void inflight_write(const struct inflight *f, struct writer *w, const char *key);
int inflight_from_json(struct inflight *f, const json_t *array);

#endif
