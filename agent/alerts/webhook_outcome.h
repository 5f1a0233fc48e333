/*
 * webhook_outcome.h: how a post to a webhook ended.
 */
#ifndef ORBUS_AGENT_ALERTS_WEBHOOK_OUTCOME_H
#define ORBUS_AGENT_ALERTS_WEBHOOK_OUTCOME_H

enum webhook_outcome {
	WEBHOOK_TAKEN,   /* HTTP 2xx */
	WEBHOOK_REFUSED, /* another answer that trying again does not change, such as 404 */
	WEBHOOK_EXPIRED, /* given up after a day */
};

#endif
