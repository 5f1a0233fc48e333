/*
 * health.c: the agent's state, as the live screen has seen it change.
 */
#include "health.h"

static void note_replacement(struct health *h, uint64_t now_ns)
{
	h->restarted_ns = now_ns;
	h->uptime_seconds = 0;
}

bool health_note(struct health *h, int error, const struct board_snapshot *board, uint64_t now_ns)
{
	enum agent_state before = h->state;
	bool replaced;

	if (error || !board->is_live) {
		/* A stale board still holds the last agent's process id. */
		if (!error) {
			h->pid = board->pid;
			h->heartbeat_ns = board->heartbeat_ns;
		}
		if (!error || before != AGENT_NONE)
			h->state = AGENT_LOST;
		return h->state != before;
	}
	replaced = before != AGENT_NONE && board->pid != h->pid;
	if (replaced)
		note_replacement(h, now_ns);
	h->state = AGENT_LIVE;
	h->pid = board->pid;
	h->heartbeat_ns = board->heartbeat_ns;
	return replaced || before != AGENT_LIVE;
}

void health_note_uptime(struct health *h, uint64_t seconds, uint64_t now_ns)
{
	if (seconds < h->uptime_seconds)
		note_replacement(h, now_ns);
	h->uptime_seconds = seconds;
}
