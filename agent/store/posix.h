/*
 * posix.h: an operation by plain system calls.
 */
#ifndef ORBUS_AGENT_STORE_POSIX_H
#define ORBUS_AGENT_STORE_POSIX_H

#include "op.h"

/* Carries out an operation by plain system calls; the outcome is in the operation. */
void store_posix_execute(int dirfd, struct store_op *op);

#endif
