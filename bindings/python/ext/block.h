/*
 * block.h: the block of a Request, `with producer.request():`, and the calls that are made in it.
 *
 * While a block runs a context variable refers to its request, weakly.
 */
#ifndef ORBUS_PYTHON_EXT_BLOCK_H
#define ORBUS_PYTHON_EXT_BLOCK_H

#include "objects.h"

/*
 * The request whose block a call of this producer is made in, if it is for the call: a new
 * reference, or NULL. What ended in the block before is published by then, which may leave an
 * exception set that is no Exception.
 */
struct request *request_around(struct producer *p);

void block_enter(struct request *r);
void block_leave(struct request *r);

#endif
