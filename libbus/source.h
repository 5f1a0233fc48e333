/*
 * source.h: one incarnation of a bus as a reader sees it, with the place reached in each lane. For
 * reader.c, which may have two of them for a moment.
 */
#ifndef ORBUS_SOURCE_H
#define ORBUS_SOURCE_H

#include "segment.h"
#include "slot.h"

struct cursor {
	uint64_t next;    /* record to take next */
	uint64_t head;    /* as last looked at */
	uint64_t counted; /* records below were counted by an earlier process */
	uint64_t lost;
};

/* One incarnation of the bus, with the place reached in each of its lanes. */
struct source {
	struct segment segment;
	struct cursor *cursors;
};

/* Maps the bus; begins with the oldest records that it still holds. */
int source_open(struct source *s, const char *path);
void source_close(struct source *s);

const struct lane_header *source_lane(const struct source *s, uint32_t lane);
const struct slot *source_slot(const struct source *s, uint32_t lane, uint64_t record);

/* True once the lane's memory is reserved: no other lane is ever touched. */
bool source_lane_in_use(const struct source *s, uint32_t lane);

/* Records ever published in a lane, as its owner says. */
uint64_t source_head(const struct source *s, uint32_t lane);

/* Takes a fresh look at a lane. False: nothing to take there. */
bool source_look(const struct source *s, struct cursor *c, uint32_t lane);

/* Whether any lane has moved since its records were taken. */
bool source_has_news(const struct source *s);

/* Passes over everything that is there. */
void source_skip(struct source *s);

/* Records overwritten before they were taken. */
uint64_t source_lost(const struct source *s);

#endif
