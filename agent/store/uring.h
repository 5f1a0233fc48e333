/*
 * uring.h: chains of io_uring requests, one operation (put, write or remove) at a time.
 */
#ifndef ORBUS_AGENT_STORE_URING_H
#define ORBUS_AGENT_STORE_URING_H

#include "op.h"

struct store_uring;
/* 0, or the error for which io_uring is refused. */
int store_uring_new(int dirfd, int lock_fd, struct store_uring **out);
void store_uring_start(struct store_uring *u, struct store_op *op);
bool store_uring_finished(struct store_uring *u);
/* Waits for the operation under way. */
void store_uring_free(struct store_uring *u);

#endif
