/*
 * webhook.h: posts JSON to webhooks in a thread of its own, again and again until they take it.
 *
 * Nothing here blocks the caller but webhook_close(), for as long as it is told. Posts to one
 * target are made in order, one after the other; no target holds up another. What a target answers
 * is never kept: only its status counts. Redirects are not followed. It is not for knowing what the
 * JSON means, nor for outliving the process: the caller does that.
 */
#ifndef ORBUS_AGENT_ALERTS_WEBHOOK_H
#define ORBUS_AGENT_ALERTS_WEBHOOK_H

#include "agent/common/log.h"
#include "webhook_outcome.h"

#include <stdbool.h>
#include <stdint.h>

struct webhook;

struct webhook_result {
	uint64_t post; /* as it was given */
	char key[17];
	enum webhook_outcome outcome;
};

/* 0, -ENOMEM, -EAGAIN, -ENOSYS where there is no libcurl. The log must outlive it. */
int webhook_open(struct log *log, struct webhook **out);

/*
 * Queues a post. `key` tells targets apart, `shown` names one in the log; `age_ns` is how long ago
 * the caller first wanted to post it. All texts are copied. 0 or -ENOMEM.
 */
int webhook_post(struct webhook *w, uint64_t post, const char *key, const char *shown,
    const char *url, const char *body, uint64_t age_ns);

/* Forgets what is queued for a target, or one post to all. What is under way may still land. */
void webhook_forget_target(struct webhook *w, const char *key);
void webhook_forget_post(struct webhook *w, uint64_t post);

/* Takes the next post that has come to its end. False: none has. */
bool webhook_take_result(struct webhook *w, struct webhook_result *out);

/* Gives what is under way at most so long, then ends the thread. NULL is allowed. */
void webhook_close(struct webhook *w, unsigned grace_ms);

#endif
