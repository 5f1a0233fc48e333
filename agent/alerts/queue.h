/*
 * queue.h: changes of alerts that are still to be posted. In memory alone: outbox.c stores
 * and posts them.
 */
#ifndef ORBUS_AGENT_ALERTS_QUEUE_H
#define ORBUS_AGENT_ALERTS_QUEUE_H

#include "rules.h"

#include <jansson.h>

/* Changes that no target has taken yet; beyond them the oldest are dropped, which is logged. */
#define ALERT_POSTS_MAX 64

/* A change that is to be posted. */
struct alert_post {
	struct alert_post *next;
	uint64_t number;
	uint64_t at_ns;
	json_t *payload;
	char owed[ALERT_TARGETS_MAX][17]; /* keys of the targets that have not taken it */
	size_t owed_count;
	uint64_t version; /* of the state that holds it */
	bool handed;      /* to the webhooks' thread */
};

struct alert_queue {
	struct alert_post *first; /* the oldest */
	size_t count;
	uint64_t next_number;
};

/* A post at the end, without a target; NULL: out of memory. Takes over the payload. */
struct alert_post *alert_queue_append(struct alert_queue *q, json_t *payload, uint64_t at_ns);

/* Adds a target that is to take it. */
void alert_post_owe(struct alert_post *p, const char *key);

/* The target has taken the post, or is no more; after the last target the post is removed. */
void alert_queue_settle(struct alert_queue *q, uint64_t number, const char *key);

void alert_queue_drop_oldest(struct alert_queue *q);
void alert_queue_clear(struct alert_queue *q);

#endif
