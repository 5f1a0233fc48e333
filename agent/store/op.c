/*
 * op.c: what all who carry out an operation of the store share.
 */
#include "op.h"

#include <stdlib.h>

int store_op_fail(struct store_op *op, enum store_step step, int error)
{
	op->step = step;
	op->error = error;
	return error;
}

void store_op_free(struct store_op *op)
{
	for (size_t i = 0; i < STORE_SWEPT_NAMES; i++)
		free(op->names[i]);
	if (!op->borrowed)
		free(op->bytes);
	free(op);
}
