/*
 * origin.h: where a sample was read.
 */
#ifndef ORBUS_RING_ORIGIN_H
#define ORBUS_RING_ORIGIN_H

#include <stdbool.h>
#include <stdint.h>

/* Where a sample was read. `epoch` tells the lane's owners apart. */
struct sample_origin {
	uint32_t lane;
	uint32_t epoch;
	uint64_t record; /* its number in the lane */
	bool replayed;   /* it lies before the position set by reader_set_position() */
	bool is_removed; /* it lies in a bus that was removed, whose lanes are others than now */
};

#endif
