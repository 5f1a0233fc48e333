/*
 * producer.h: what the library's own parts need of a producer beyond orbus.h.
 */
#ifndef ORBUS_RING_PRODUCER_H
#define ORBUS_RING_PRODUCER_H

#include "orbus.h"

/* The bytes of a producer's name, the bot, at most. */
#define PRODUCER_BOT_MAX 64

/*
 * An id for a request of this producer: unlike any other's, in all likelihood. False: the handle is
 * none that is open.
 */
bool producer_next_id(const struct orbus_producer *p, uint64_t *id);

#endif
