/*
 * drain.h: from the ring into the aggregator: samples, what was lost, requests whose producers have
 * died. The bus is made where it is missing, and its agent lock is held.
 *
 * It is not for the board (board_writer.h), nor for the journal, which the aggregator calls.
 */
#ifndef ORBUS_AGENT_AGGREGATE_DRAIN_H
#define ORBUS_AGENT_AGGREGATE_DRAIN_H

#include "agent/common/config.h"
#include "aggregator.h"
#include "doc/checkpoint_bus.h"
#include "ring/reader.h"
#include "ring/shm_object.h"

struct drain;

/*
 * Opens the bus, made where it is missing, and takes its agent lock. What is given is borrowed;
 * `boot_id` is this boot of the machine. Logs what goes wrong. Close it in any case.
 */
int drain_open(const struct config *config, const char *boot_id, struct aggregator *aggregator,
    struct log *log, struct drain **out);
void drain_close(struct drain *d);

const struct bus_paths *drain_paths(const struct drain *d);

/* The reader, until drain_reopen(); for waiting, and for asking how far it is. */
struct orbus_reader *drain_reader(const struct drain *d);

/* Reads the bus anew, from nothing on. An error leaves everything as it is. */
int drain_reopen(struct drain *d);

/* Takes over the positions of a checkpoint, NULL: none. `skip`: pass over what the ring holds. */
void drain_resume(struct drain *d, const struct checkpoint_bus *saved, bool skip);

/* Whether a checkpoint is of the ring that is served now, in this boot. */
bool drain_is_same_bus(const struct drain *d, const struct checkpoint_bus *saved);

/* The reader has gone to another bus that bears the name now. Before each drain_ring(). */
bool drain_follow(struct drain *d);

/* Counts what there is, for a few milliseconds at most. True: there may be more. */
bool drain_ring(struct drain *d, uint64_t now_ns);

/*
 * Counts requests as orphaned whose producers have died. A step of a millisecond or two each turn;
 * `at_once`: looks at all producers now.
 */
void drain_reap(struct drain *d, uint64_t now_ns, bool at_once);

/* When the next step is due (CLOCK_MONOTONIC); whether dead producers' requests are left. */
uint64_t drain_reap_due_ns(const struct drain *d);
bool drain_has_to_reap(const struct drain *d);

/* Once a second: is the bus still there? Logs what was lost or forgotten, now and then. */
void drain_look_after(struct drain *d);

/* The bus's lock is another agent's: the board is left to that one. */
bool drain_is_served_by_another(const struct drain *d);

/* Logs what was lost or forgotten and not told of yet. */
void drain_say_rest(struct drain *d);

/* The place reached in every lane. -ENOMEM. */
int drain_positions(const struct drain *d, struct checkpoint_bus *out);

#endif
