/*
 * lane_belief.h: what a reader believes of a lane, and which of its records are due.
 */
#ifndef ORBUS_RING_LANE_BELIEF_H
#define ORBUS_RING_LANE_BELIEF_H

#include "lane_view.h"

/* Takes a fresh look at a lane. False: nothing to take there now. */
bool lane_belief_look(struct ring_view *s, uint32_t lane);

/*
 * Notes whose the record before `next` was, and with that the count that the place goes by: that of
 * its owner, where his claim was seen.
 */
void lane_belief_note_taken(struct ring_view *s, uint32_t lane, uint64_t epoch);

/*
 * Notes what became of the record before `next`: a sample, not a valid one, or not there:
 * overwritten, or never written at all.
 */
void lane_belief_note_sample(struct ring_view *s, uint32_t lane);
void lane_belief_note_rejected(struct ring_view *s, uint32_t lane);
void lane_belief_note_missing(struct ring_view *s, uint32_t lane);

/* Whether the lane is put aside: not looked at before a time. */
bool lane_belief_is_aside(struct ring_view *s, const struct cursor *c);

#endif
