/*
 * lying_lanes.h: logs which lanes say what cannot be.
 */
#ifndef ORBUS_AGENT_AGGREGATE_LYING_LANES_H
#define ORBUS_AGENT_AGGREGATE_LYING_LANES_H

#include "agent/common/log.h"
#include "ring/reader.h"

struct lying_lanes;

/*
 * Logs which lanes of the reader's bus say what cannot be, each at most once a minute. *said is
 * what was logged before, NULL at first; free() it.
 */
void lying_lanes_report(struct lying_lanes **said, struct orbus_reader *reader, const char *bus,
    struct log *log, uint64_t monotonic_ns);

#endif
