/*
 * compress.h: one step of compressing a file.
 */
#ifndef ORBUS_AGENT_STORE_COMPRESS_H
#define ORBUS_AGENT_STORE_COMPRESS_H

#include "op.h"

/* Carries out one step of compressing. */
void store_compress_execute(int dirfd, struct store_op *op);

#endif
