/*
 * worker.h: one thread that carries out operations by plain system calls.
 */
#ifndef ORBUS_AGENT_STORE_WORKER_H
#define ORBUS_AGENT_STORE_WORKER_H

#include "op.h"

/* A thread that carries out one operation at a time. It is started by the first. */
struct store_worker;
struct store_worker *store_worker_new(int dirfd);
void store_worker_start(struct store_worker *w, struct store_op *op);
/* True when the operation that was started has ended, once. */
bool store_worker_finished(struct store_worker *w);
/* Waits for the operation under way. */
void store_worker_free(struct store_worker *w);

#endif
