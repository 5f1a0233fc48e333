/*
 * lying_lanes.c: which lanes say what cannot be: their writers are broken or hostile. What that
 * costs is their own samples (libbus/ring/ring_view.c); here it is only said.
 */
#include "agent.h"
#include "base/text_safe.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define SAY_EVERY_NS UINT64_C(60000000000)
#define BOT_BYTES    65

struct liar {
	uint64_t said; /* of the lane's lies */
	uint64_t next_ns;
};

struct lying_lanes {
	uint8_t bus_id[16];
	uint32_t count;
	struct liar lanes[];
};

/* Those of the bus that is served now. NULL: out of memory, and nothing is said for now. */
static struct lying_lanes *lying_lanes_of_bus(struct agent *a)
{
	uint32_t count = reader_lane_count(a->reader);
	const uint8_t *bus_id = reader_bus_id(a->reader);

	if (a->lying_lanes &&
	    memcmp(a->lying_lanes->bus_id, bus_id, sizeof(a->lying_lanes->bus_id)) == 0)
		return a->lying_lanes;
	free(a->lying_lanes);
	a->lying_lanes =
	    calloc(1, sizeof(*a->lying_lanes) + count * sizeof(a->lying_lanes->lanes[0]));
	if (a->lying_lanes) {
		a->lying_lanes->count = count;
		memcpy(a->lying_lanes->bus_id, bus_id, sizeof(a->lying_lanes->bus_id));
	}
	return a->lying_lanes;
}

void lying_lanes_report(struct agent *a, uint64_t monotonic_ns)
{
	struct lying_lanes *lying_lanes = lying_lanes_of_bus(a);
	char raw[BOT_BYTES], bot[4 * BOT_BYTES];

	for (uint32_t i = 0; lying_lanes && i < lying_lanes->count; i++) {
		struct liar *liar = &lying_lanes->lanes[i];
		uint64_t lies = reader_lane_lies(a->reader, i);

		if (lies == liar->said || monotonic_ns < liar->next_ns)
			continue;
		reader_lane_bot(a->reader, i, raw, sizeof(raw));
		text_sanitise(bot, sizeof(bot), raw);
		log_warning(a->log,
		    "lane %" PRIu32 " of bus '%s' claims samples that nobody can have published "
		    "(%" PRIu64 " times): its writer%s%s is broken, or somebody scribbles over it",
		    i, a->paths.name, lies - liar->said, *bot ? ", the last one was bot " : "",
		    bot);
		liar->said = lies;
		liar->next_ns = monotonic_ns + SAY_EVERY_NS;
	}
}
