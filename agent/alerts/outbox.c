/*
 * outbox.c: changes of state on their way: stored, then posted, then forgotten.
 */
#include "outbox.h"
#include "agent/store/store.h"
#include "base/clock.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STORE_PATIENCE_NS (5 * NS_PER_SECOND)
#define BACKOFF_MAX_S     60
#define CHECKPOINT_MODE   0600

void alerts_touch(struct alerts *s)
{
	s->version++;
	if (s->dirty_ns == 0)
		s->dirty_ns = clock_monotonic_ns();
}

/* --- Posting -------------------------------------------------------------------------------- */

static void hand_over(struct alerts *s, struct alert_post *p)
{
	uint64_t now_ns = clock_realtime_ns();
	uint64_t age_ns = now_ns > p->at_ns ? now_ns - p->at_ns : 0;

	p->handed = true;
	for (size_t i = 0; i < p->owed_count; i++) {
		const struct alert_target *t = alert_rules_target(&s->rules, p->owed[i]);
		char *body = t ? alert_render(p->payload, t->format) : NULL;

		if (t && (!body || webhook_post(s->webhook, p->number, t->key, t->shown, t->url,
				       body, age_ns) < 0))
			log_error(
			    s->log, "an alert could not be posted to %s: out of memory", t->shown);
		free(body);
	}
}

/* What is stored, or waits for a disk that fails, goes out. */
void alerts_hand_over(struct alerts *s)
{
	bool impatient = s->dirty_ns && (clock_monotonic_ns() - s->dirty_ns > STORE_PATIENCE_NS ||
					    s->backoff_seconds > 0);

	for (struct alert_post *p = s->queue.first; s->webhook && p; p = p->next)
		if (!p->handed && (p->version <= s->stored_version || impatient))
			hand_over(s, p);
}

void alerts_take_results(struct alerts *s)
{
	struct webhook_result r;

	while (s->webhook && webhook_take_result(s->webhook, &r)) {
		alert_queue_settle(&s->queue, r.post, r.key);
		alerts_touch(s);
		s->changed = true;
	}
}

static void make_room(struct alerts *s)
{
	if (s->queue.count < ALERT_POSTS_MAX)
		return;
	log_error(s->log, "too many alerts wait to be posted: the oldest is dropped");
	if (s->queue.first->handed)
		webhook_forget_post(s->webhook, s->queue.first->number);
	alert_queue_drop_oldest(&s->queue);
}

void alerts_post(struct alerts *s, const struct alert_change *c)
{
	struct alert_post *p;

	if (s->rules.target_count == 0)
		return;
	make_room(s);
	p = alert_queue_append(&s->queue, alert_payload(c), c->at_ns);
	if (!p) {
		log_error(s->log, "an alert could not be posted: out of memory");
		return;
	}
	p->version = s->version;
	for (size_t i = 0; i < s->rules.target_count; i++)
		alert_post_owe(p, s->rules.targets[i].key);
}

/* --- Storing -------------------------------------------------------------------------------- */

static void stored(void *context, const struct store_result *result)
{
	struct alerts *s = context;

	log_once(s->log, &s->last_error, ALERTS_NAME, store_step_name(result->step), result->error);
	s->storing = false;
	if (result->error) {
		s->backoff_seconds = s->backoff_seconds ? 2 * s->backoff_seconds : 1;
		if (s->backoff_seconds > BACKOFF_MAX_S)
			s->backoff_seconds = BACKOFF_MAX_S;
		s->store_next_ns = clock_monotonic_ns() + s->backoff_seconds * NS_PER_SECOND;
		return;
	}
	s->backoff_seconds = 0;
	s->stored_version = s->storing_version;
	s->dirty_ns = s->version == s->stored_version ? 0 : clock_monotonic_ns();
}

void alerts_store(struct alerts *s)
{
	struct store_result trouble = {.step = STORE_STEP_CREATE, .name = ALERTS_NAME};
	json_t *state;
	char *text;

	if (!*s->store || s->storing || s->dirty_ns == 0 || clock_monotonic_ns() < s->store_next_ns)
		return;
	state = alert_state_encode(s);
	text = state ? json_dumps(state, JSON_COMPACT) : NULL;
	json_decref(state);
	s->storing = true;
	s->storing_version = s->version;
	trouble.error = -ENOMEM;
	if (text)
		trouble.error = store_put(
		    *s->store, ALERTS_NAME, text, strlen(text), CHECKPOINT_MODE, stored, s);
	if (trouble.error)
		stored(s, &trouble);
}
