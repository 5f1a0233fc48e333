/*
 * lying_lanes.c: which lanes say what cannot be: their writers are broken or hostile. What that
 * costs is their own samples (libbus/ring/ring_view.c); here it is only said.
 */
#include "lying_lanes.h"
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
static struct lying_lanes *lanes_of_bus(struct lying_lanes *said, const struct orbus_reader *reader)
{
	uint32_t count = reader_lane_count(reader);
	const uint8_t *bus_id = reader_bus_id(reader);

	if (said && memcmp(said->bus_id, bus_id, sizeof(said->bus_id)) == 0)
		return said;
	free(said);
	said = calloc(1, sizeof(*said) + count * sizeof(said->lanes[0]));
	if (said) {
		said->count = count;
		memcpy(said->bus_id, bus_id, sizeof(said->bus_id));
	}
	return said;
}

void lying_lanes_report(struct lying_lanes **said, struct orbus_reader *reader, const char *bus,
    struct log *log, uint64_t monotonic_ns)
{
	struct lying_lanes *l = *said = lanes_of_bus(*said, reader);
	char raw[BOT_BYTES], bot[4 * BOT_BYTES];

	for (uint32_t i = 0; l && i < l->count; i++) {
		struct liar *liar = &l->lanes[i];
		uint64_t lies = reader_lane_lies(reader, i);

		if (lies == liar->said || monotonic_ns < liar->next_ns)
			continue;
		reader_lane_bot(reader, i, raw, sizeof(raw));
		text_sanitise(bot, sizeof(bot), raw);
		log_warning(log,
		    "lane %" PRIu32 " of bus '%s' claims samples that nobody can have published "
		    "(%" PRIu64 " times): its writer%s%s is broken, or somebody scribbles over it",
		    i, bus, lies - liar->said, *bot ? ", the last one was bot " : "", bot);
		liar->said = lies;
		liar->next_ns = monotonic_ns + SAY_EVERY_NS;
	}
}
