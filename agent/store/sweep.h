/*
 * sweep.h: one step of removing many files.
 */
#ifndef ORBUS_AGENT_STORE_SWEEP_H
#define ORBUS_AGENT_STORE_SWEEP_H

#include "op.h"

/* Carries out one step of a sweep. */
void store_sweep_execute(int dirfd, struct store_op *op);

/* Closes what a sweep that was not carried to its end holds. */
void store_sweep_end(struct store_sweep *sweep);

#endif
