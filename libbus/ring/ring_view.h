/*
 * ring_view.h: one incarnation of a bus as a reader sees it, with the place reached in each lane.
 * For reader.c, which may have two of them for a moment.
 */
#ifndef ORBUS_RING_RING_VIEW_H
#define ORBUS_RING_RING_VIEW_H

#include "lane_belief.h"
#include "lane_view.h"

/* Maps the bus; begins with the oldest records that it still holds. `clock` NULL: CLOCK_BOOTTIME.
 */
int ring_view_open(struct ring_view *s, const struct bus_paths *paths, ring_view_clock *clock);
void ring_view_close(struct ring_view *s);

/* Whether any lane has moved since its records were taken; those put aside are passed over. */
bool ring_view_has_news(struct ring_view *s);

/* When the first of the lanes that are put aside is due again; UINT64_MAX: none is put aside. */
uint64_t ring_view_next_due_ns(struct ring_view *s);

/* As reader_set_position() has it. */
bool ring_view_set_position(
    struct ring_view *s, uint32_t lane, uint64_t position, uint64_t count_id);

/* Passes over everything that is there. */
void ring_view_skip(struct ring_view *s);

/* Records overwritten before they were taken. */
uint64_t ring_view_lost(const struct ring_view *s);

#endif
