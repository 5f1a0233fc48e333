/*
 * run_time.c: how long the agent has run, and how long it may still take to end.
 */
#include "run_time.h"

/* Of the time for stopping so much is left for ending the process. */
#define LAST_PART 10

volatile sig_atomic_t agent_stop;

uint64_t run_time_uptime_seconds(const struct run_time *t)
{
	return (clock_monotonic_ns() - t->started_ns) / NS_PER_SECOND;
}

int run_time_left_ms(const struct run_time *t)
{
	uint64_t now_ns = clock_monotonic_ns();
	uint64_t until_ns = t->stopping_ns ? t->stopping_ns + t->stop_ns - t->stop_ns / LAST_PART
	                                   : now_ns + RUN_TIME_FINAL_NS;

	return now_ns < until_ns && agent_stop < 2 ? (int)((until_ns - now_ns) / 1000000) : 0;
}
