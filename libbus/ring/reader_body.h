/*
 * reader_body.h: what a reader consists of, for the two files that implement it: reader.c, what
 * orbus.h has, and reader_lanes.c, what reader.h has.
 */
#ifndef ORBUS_RING_READER_BODY_H
#define ORBUS_RING_READER_BODY_H

#include "origin.h"
#include "ring_view.h"
#include "sample/sample.h"

/* How often a reader looks whether the bus's name still means the bus that it reads. */
#define IDENTITY_EVERY_NS UINT64_C(1000000000)

/* What a struct orbus_reader * stands for. */
struct reader {
	struct ring_view now;
	struct ring_view before; /* a removed bus that may still be published to for a moment */
	uint64_t before_until_ns;
	uint64_t next_identity_ns;
	uint64_t last_sample_ns;
	uint32_t bell;
	bool drained; /* the last round found nothing more */
	uint32_t poll_live_ms;
	uint32_t lane;  /* being worked off */
	uint32_t batch; /* records still to take from it in this turn */
	uint32_t idle;  /* lanes found empty in a row */
	uint64_t lost_before;
	uint64_t rejected;
	/* A call is under way. Not wiped in a forked child, unlike the handle's word. */
	bool is_inside;
	int locks_fd; /* -1 unless asked for */
	int locks_error;
	uint64_t locks_retry_ns;
	ring_view_clock *clock;
	struct sample_origin origin;
	struct sample_storage storage;
	uint64_t *payload;
	uint32_t payload_bytes;
	struct bus_paths paths;
};

/* A new call: what time it is has not been asked yet. */
static inline void reader_forget_time(struct reader *r)
{
	r->now.now_ns = r->before.now_ns = 0;
}

#endif
