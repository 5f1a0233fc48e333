/*
 * run_time.h: how long the agent has run, whether it was told to stop, and how long it may still
 * take then. It is not for other signals (agent.h).
 */
#ifndef ORBUS_AGENT_COMMON_RUN_TIME_H
#define ORBUS_AGENT_COMMON_RUN_TIME_H

#include "base/clock.h"

#include <signal.h>

/* How often the agent was told to stop; the second time it ends at once. Set by signal handlers. */
extern volatile sig_atomic_t agent_stop;

/* --once alone: how long it may take to get everything onto the disk. */
#define RUN_TIME_FINAL_NS (30 * NS_PER_SECOND)

struct run_time {
	uint64_t started_ns;  /* CLOCK_MONOTONIC */
	uint64_t stopping_ns; /* when it was told to stop, 0: it was not */
	uint64_t stop_ns;     /* how long it has from then on */
	/* The longest time between two drains, since the start: what the loop was held up for. */
	uint64_t longest_pause_ns;
};

uint64_t run_time_uptime_seconds(const struct run_time *t);

/* How long the agent may still take to end, once it was told to. */
int run_time_left_ms(const struct run_time *t);

#endif
