/*
 * ring_mark.c: how far every lane had been published at one instant.
 */
#include "ring_mark.h"

#include <stdlib.h>
#include <string.h>

struct ring_mark {
	uint8_t bus_id[16];
	uint32_t lanes;
	uint32_t passed; /* the lanes below were found passed: they stay so */
	uint64_t heads[];
};

struct ring_mark *ring_mark_take(const struct orbus_reader *r)
{
	uint32_t lanes = reader_lane_count(r);
	struct ring_mark *m = calloc(1, sizeof(*m) + lanes * sizeof(m->heads[0]));

	if (!m)
		return NULL;
	memcpy(m->bus_id, reader_bus_id(r), sizeof(m->bus_id));
	m->lanes = lanes;
	for (uint32_t i = 0; i < lanes; i++)
		m->heads[i] = reader_lane_in_use(r, i) ? reader_lane_head(r, i) : 0;
	return m;
}

void ring_mark_free(struct ring_mark *m)
{
	free(m);
}

bool ring_mark_is_passed(struct ring_mark *m, const struct orbus_reader *r)
{
	if (memcmp(m->bus_id, reader_bus_id(r), sizeof(m->bus_id)) != 0)
		return true;
	for (; m->passed < m->lanes; m->passed++) {
		uint64_t head = m->heads[m->passed];

		if (reader_position(r, m->passed) < head && reader_lane_head(r, m->passed) >= head)
			return false;
	}
	return true;
}
