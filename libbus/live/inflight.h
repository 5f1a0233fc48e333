/*
 * inflight.h: requests that have begun and not ended.
 *
 * A begin is paired with the request of the same lane and owner (epoch) whose begin_id, or else
 * request_id, is the begin's. reaper.h finds those that died with their process. A
 * request that ends is counted by its end, also when its begin was forgotten here: only orphans and
 * the number in flight depend on what is kept.
 *
 * Bounds. A lane has at most INFLIGHT_LANE_MAX in flight: its oldest gives way. All lanes together
 * have at most INFLIGHT_MAX: then the oldest of the fullest lane gives way, so that a bot that
 * begins and never ends loses its own and not those of others. A begin is forgotten after
 * INFLIGHT_AGE_NS. Of each text INFLIGHT_TEXT_BYTES are kept at most. So it never takes more than
 * 20 MB (32,768 entries of 80 bytes and four texts), of real samples 7 MB, beside 0.3 MB of tables.
 * Every operation costs at most the work of one lane.
 */
#ifndef ORBUS_LIVE_INFLIGHT_H
#define ORBUS_LIVE_INFLIGHT_H

#include "base/data_limits.h"
#include "base/now.h"
#include "doc/doc_source.h"
#include "doc/writer.h"
#include "inflight_text.h"
#include "lane_levels.h"
#include "orbus.h"
#include "ring/reader.h"

#define INFLIGHT_LANE_MAX LANE_LEVEL_MAX
#define INFLIGHT_MAX      32768
#define INFLIGHT_AGE_NS   (24 * 3600 * NS_PER_SECOND)

struct inflight;

struct inflight *inflight_new(void);
void inflight_free(struct inflight *f);

/* Follows a begin or an end. False: out of memory. */
bool inflight_note(
    struct inflight *f, const struct sample_origin *origin, const struct orbus_sample *s);

uint64_t inflight_count(const struct inflight *f);

/* Begins that were noted so far, those that have ended since among them. */
uint64_t inflight_noted(const struct inflight *f);

/* Another number after inflight_clear(), and for another table: what was known is void. */
uint64_t inflight_incarnation(const struct inflight *f);

/*
 * The begin of a request that ended, looked for before its end is noted: false where none is known.
 * A begin is given as a sample of what is kept of it: ts, request_id, bot, requested_model,
 * provider, stream. Its texts live as long as it is in flight. An id that is too long to be kept
 * is cut, with a hash of the whole at its end.
 */
bool inflight_begin_of(struct inflight *f, const struct sample_origin *origin,
    const struct orbus_sample *end, struct orbus_sample *begin);

/*
 * Calls `each` with every begin in flight, lane by lane, the oldest first; it must not change what
 * is in flight.
 */
typedef void inflight_each_fn(
    void *context, const struct sample_origin *origin, const struct orbus_sample *begin);
void inflight_each(const struct inflight *f, inflight_each_fn *each, void *context);

/* Called with a begin that is taken out; the sample lives during the call. */
typedef void inflight_gone_fn(void *context, const struct orbus_sample *begin);

/* Which of a lane's requests are dead; reaper.c says why. */
struct inflight_outcome {
	uint32_t epoch;  /* the owner that the lane's header named */
	bool is_dead;    /* that owner itself is gone */
	uint64_t before; /* inflight_noted() then: of other owners, begins from here on may live */
};

/* Takes out a lane's requests that are dead, calling `gone` (may be NULL) with each. */
void inflight_reap(struct inflight *f, uint32_t lane, const struct inflight_outcome *outcome,
    inflight_gone_fn *gone, void *context);

/* True when a request of the lane is in flight. */
bool inflight_in_lane(const struct inflight *f, uint32_t lane);

/* True when the last request that the lane began and has not ended is of that owner. */
bool inflight_newest_is_of(const struct inflight *f, uint32_t lane, uint32_t epoch);

/*
 * Forgets a lane's requests without an outcome: some samples of the lane were lost, and their ends
 * may have been among them. Calls `gone` (may be NULL) with each.
 */
void inflight_forget_lane(struct inflight *f, uint32_t lane, inflight_gone_fn *gone, void *context);

/* Forgets everything: the bus is another one. */
void inflight_clear(struct inflight *f);

/*
 * Sets the time (CLOCK_BOOTTIME, which no change of the date moves) for begins that come, and
 * forgets those of the lane that are too old.
 */
void inflight_expire(struct inflight *f, uint32_t lane, uint64_t boot_ns);

/* What was forgotten without an outcome, since the table was made. */
struct inflight_forgotten {
	uint64_t limit;   /* there were too many of its lane, or of all */
	uint64_t expired; /* they began too long ago */
	uint64_t lost;    /* their ends may be among lost samples, or on a bus that is gone */
};
const struct inflight_forgotten *inflight_forgotten(const struct inflight *f);

/* What was forgotten by limit or age, and the lane that had the most of it, with one's bot. */
struct inflight_worst {
	uint64_t in_all, in_lane;
	uint32_t lane;
	char bot[INFLIGHT_TEXT_BYTES];
};

/* What was forgotten since the last call. False: nothing was. */
bool inflight_worst(struct inflight *f, struct inflight_worst *out);

/*
 * What is in flight: [{lane, epoch, request_id, ts, bot, model, ...}], and back (untrusted). What
 * is beyond the bounds is forgotten, and counted. -EBADMSG, -ENOMEM.
 */
void inflight_write(const struct inflight *f, struct msgpack_writer *m, const char *key);
int inflight_read(struct inflight *f, struct doc_source *s);

#endif
