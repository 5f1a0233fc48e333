/*
 * agent.h: the persistence agent, for main.c alone: it runs until a signal tells it to stop.
 */
#ifndef ORBUS_AGENT_H
#define ORBUS_AGENT_H

#include "agent/common/config.h"
#include "agent/common/run_time.h"

/* Set by signal handlers, as agent_stop is (run_time.h). */
extern volatile sig_atomic_t agent_snapshot, agent_reload;

/* The exit status, should the time for stopping run out: 1 until the last checkpoint is stored. */
extern volatile sig_atomic_t agent_status;

/* Runs until told to stop, or once: the exit status. */
int agent_run(const struct config *config, struct log *log);

#endif
