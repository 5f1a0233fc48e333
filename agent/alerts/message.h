/*
 * message.h: an alert as it is logged and posted.
 */
#ifndef ORBUS_AGENT_ALERTS_MESSAGE_H
#define ORBUS_AGENT_ALERTS_MESSAGE_H

#include "evaluate.h"

#include <jansson.h>

/* Why an alert is over. */
enum alert_end { ALERT_FIRES, ALERT_IS_BACK, ALERT_HAS_NO_DATA, ALERT_BEGINS_ANEW };

/* One change of an alert's state. */
struct alert_change {
	const struct alert_rule *rule;
	enum alert_end what;
	struct alert_reading reading;
	uint64_t at_ns;    /* now */
	uint64_t since_ns; /* when it was raised */
	const char *bot;   /* of ALERT_SILENT: the one that is silent, and how many others are */
	unsigned others;
	bool utc;
	const char *host, *bus;
};

#define ALERT_SENTENCE_BYTES 2048

/* "cost today is 5.12 USD, over 5 USD" */
void alert_sentence(const struct alert_change *c, char out[ALERT_SENTENCE_BYTES]);

/* What a webhook gets. NULL: out of memory. */
json_t *alert_payload(const struct alert_change *c);

/* A payload as the text that a target of that format takes. malloc'ed; NULL: out of memory. */
char *alert_render(const json_t *payload, enum alert_format format);

/* A figure with its unit: "5.12 USD", "41"; "unknown" for NaN. */
void alert_format_value(enum alert_figure figure, double value, char *out, size_t bytes);

#endif
