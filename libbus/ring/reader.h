/*
 * reader.h: what the agent and the tools need of a reader beyond orbus.h: positions that can be
 * saved, which lane a sample came from, and which lanes' owners live.
 */
#ifndef ORBUS_RING_READER_H
#define ORBUS_RING_READER_H

#include "orbus.h"
#include "origin.h"

/* After a 0 of orbus_reader_next(): whether there was nothing more but in lanes that are put aside.
 */
bool reader_is_drained(const struct orbus_reader *r);

/* How often to look while samples come, instead of every 5 ms. */
void reader_set_poll_ms(struct orbus_reader *r, uint32_t live_ms);

/* Origin of what orbus_reader_next() last returned. */
const struct sample_origin *reader_origin(const struct orbus_reader *r);

/* The bus that is read; changes when the bus was removed and made anew. */
const uint8_t *reader_bus_id(const struct orbus_reader *r);
uint32_t reader_lane_count(const struct orbus_reader *r);
uint32_t reader_slots_per_lane(const struct orbus_reader *r);

/* The memory of the lanes that are reserved: what the ring can hold. */
uint64_t reader_ring_bytes(const struct orbus_reader *r);

/* Lanes whose memory is reserved: only those can hold samples. */
bool reader_lane_in_use(const struct orbus_reader *r, uint32_t lane);

/*
 * The number of the next record to read in a lane. Setting it says that everything before was
 * counted by an earlier process: what the lane still holds of that is returned first, marked
 * `replayed`; what it no longer holds from there on is lost.
 *
 * A position goes with the id of the count in which it was reached (layout.h; 0: not known, as in
 * checkpoints of before 1.1). False: the lane counts anew since then; all of that is due.
 */
uint64_t reader_position(const struct orbus_reader *r, uint32_t lane);
uint64_t reader_position_count(const struct orbus_reader *r, uint32_t lane);
bool reader_set_position(
    struct orbus_reader *r, uint32_t lane, uint64_t position, uint64_t count_id);

/* The owner that the lane's header names now. */
uint32_t reader_lane_epoch(const struct orbus_reader *r, uint32_t lane);

/* Records ever published in a lane in use, as its owner says; it may say anything. */
uint64_t reader_lane_head(const struct orbus_reader *r, uint32_t lane);

/*
 * Whether a lane has a living owner: 1, 0, or a negative errno (-EACCES for one who may only read
 * the bus). Asking costs a system call.
 */
int reader_lane_is_owned(struct orbus_reader *r, uint32_t lane);

/* Samples lost in one lane so far. */
uint64_t reader_lane_lost(const struct orbus_reader *r, uint32_t lane);

/*
 * Times that a lane's header was wrong: a head that is too high to have been reached, or whose
 * records are not there, or that goes back. Its writer is broken, or another process writes over
 * the lane.
 */
uint64_t reader_lane_lies(const struct orbus_reader *r, uint32_t lane);

/* The bot of some sample that the lane holds, for messages: "" where it holds none. */
void reader_lane_bot(struct orbus_reader *r, uint32_t lane, char *out, size_t bytes);

/* Another CLOCK_BOOTTIME, for tests that need time to pass. Before the first orbus_reader_next().
 */
void reader_set_clock(struct orbus_reader *r, uint64_t (*boottime_ns)(void));

#endif
