/*
 * outbox.h: changes of alerts on their way: stored, then posted, then forgotten.
 */
#ifndef ORBUS_AGENT_ALERTS_OUTBOX_H
#define ORBUS_AGENT_ALERTS_OUTBOX_H

#include "message.h"
#include "state.h"

/* There is something to store. */
void alerts_touch(struct alerts *s);

/* Queues a change for all targets. */
void alerts_post(struct alerts *s, const struct alert_change *c);

/* Stores the state if there is need; hands over what may go out; learns what has arrived. */
void alerts_store(struct alerts *s);
void alerts_hand_over(struct alerts *s);
void alerts_take_results(struct alerts *s);

#endif
