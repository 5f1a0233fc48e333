/*
 * lane_levels.c: lanes by how many requests they have in flight.
 */
#include "lane_levels.h"

void lane_levels_set(struct lane_levels *l, uint32_t index, uint32_t count)
{
	struct lane_level *lane = &l->lanes[index];
	uint16_t name = (uint16_t)(index + 1);

	if (lane->next)
		l->lanes[lane->next - 1].previous = lane->previous;
	if (lane->previous)
		l->lanes[lane->previous - 1].next = lane->next;
	else if (lane->count)
		l->first[lane->count] = lane->next;
	lane->previous = lane->next = 0;
	lane->count = count;
	if (count) {
		lane->next = l->first[count];
		if (lane->next)
			l->lanes[lane->next - 1].previous = name;
		l->first[count] = name;
		l->used[index / 64] |= UINT64_C(1) << (index % 64);
	} else {
		l->used[index / 64] &= ~(UINT64_C(1) << (index % 64));
	}
	if (count > l->fullest)
		l->fullest = count;
	/* One step at most: counts change by one, so a lane that left it is on the next. */
	while (l->fullest > 0 && !l->first[l->fullest])
		l->fullest--;
}

uint32_t lane_levels_next(const struct lane_levels *l, uint32_t lane)
{
	while (lane < ORBUS_LANES_MAX) {
		uint64_t word = l->used[lane / 64] >> (lane % 64);

		if (word)
			return lane + (uint32_t)__builtin_ctzll(word);
		lane = (lane / 64 + 1) * 64;
	}
	return ORBUS_LANES_MAX;
}
