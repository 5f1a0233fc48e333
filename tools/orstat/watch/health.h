/*
 * health.h: the agent's state, as the live screen has seen it change.
 */
#ifndef ORBUS_ORSTAT_WATCH_HEALTH_H
#define ORBUS_ORSTAT_WATCH_HEALTH_H

#include "board/board.h"

enum agent_state {
	AGENT_NONE, /* there has been none */
	AGENT_LIVE,
	AGENT_LOST, /* its heartbeat is stale, or its board is gone */
};

struct health {
	enum agent_state state;
	int32_t pid; /* of the present agent, or of the last one */
	uint64_t heartbeat_ns;
	uint64_t uptime_seconds;
	uint64_t restarted_ns; /* when another one was first seen in its place; 0: never */
};

/*
 * Notes a look at the board: what board_read() returned and filled in. True where the agent came,
 * went or was replaced by it.
 */
bool health_note(struct health *h, int error, const struct board_snapshot *board, uint64_t now_ns);

/*
 * Notes the agent's uptime. A shorter one than before is another agent's, which in a container may
 * have the same process id.
 */
void health_note_uptime(struct health *h, uint64_t seconds, uint64_t now_ns);

#endif
