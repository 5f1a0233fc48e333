/*
 * producer.h: what the library's own parts need of a producer beyond orbus.h.
 */
#ifndef ORBUS_PRODUCER_H
#define ORBUS_PRODUCER_H

#include "orbus.h"

/* An id for a request of this producer: unlike any other's, in all likelihood. */
uint64_t producer_next_id(struct orbus_producer *p);

#endif
