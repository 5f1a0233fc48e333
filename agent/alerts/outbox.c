/*
 * outbox.c: changes of state on their way: stored, then posted, then forgotten.
 */
#include "agent/agent.h"
#include "alerts.h"
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

/* --- The list ------------------------------------------------------------------------------------
 */

struct alert_post *alert_post_append(struct alerts *s, json_t *payload, uint64_t at_ns)
{
	struct alert_post **end = &s->posts, *p = calloc(1, sizeof(*p));

	if (!p || !payload) {
		json_decref(payload);
		free(p);
		return NULL;
	}
	while (*end)
		end = &(*end)->next;
	p->payload = payload;
	p->at_ns = at_ns;
	p->number = s->next_number++;
	*end = p;
	s->post_count++;
	return p;
}

void alert_post_owe(struct alert_post *p, const char *key)
{
	if (p->owed_count < ALERT_TARGETS_MAX)
		snprintf(p->owed[p->owed_count++], sizeof(p->owed[0]), "%s", key);
}

static void drop(struct alerts *s, struct alert_post **at)
{
	struct alert_post *p = *at;

	*at = p->next;
	s->post_count--;
	json_decref(p->payload);
	free(p);
}

void alert_post_drop_oldest(struct alerts *s)
{
	if (s->posts)
		drop(s, &s->posts);
}

static void settle(struct alert_post *p, const char *key)
{
	for (size_t i = 0; i < p->owed_count; i++) {
		if (strcmp(p->owed[i], key) != 0)
			continue;
		p->owed_count--;
		memmove(p->owed[i], p->owed[i + 1], (p->owed_count - i) * sizeof(p->owed[0]));
		return;
	}
}

void alert_post_settle(struct alerts *s, uint64_t number, const char *key)
{
	for (struct alert_post **at = &s->posts; *at; at = &(*at)->next) {
		if ((*at)->number != number)
			continue;
		settle(*at, key);
		if ((*at)->owed_count == 0)
			drop(s, at);
		return;
	}
}

/* --- Posting -------------------------------------------------------------------------------- */

const struct alert_target *alert_target_of(const struct alerts *s, const char *key)
{
	for (size_t i = 0; i < s->rules.target_count; i++)
		if (strcmp(s->rules.targets[i].key, key) == 0)
			return &s->rules.targets[i];
	return NULL;
}

static void hand_over(struct agent *a, struct alert_post *p)
{
	struct alerts *s = a->alerts;
	uint64_t now_ns = clock_realtime_ns();
	uint64_t age_ns = now_ns > p->at_ns ? now_ns - p->at_ns : 0;

	p->handed = true;
	for (size_t i = 0; i < p->owed_count; i++) {
		const struct alert_target *t = alert_target_of(s, p->owed[i]);
		char *body = t ? alert_render(p->payload, t->format) : NULL;

		if (t && (!body || webhook_post(s->webhook, p->number, t->key, t->shown, t->url,
				       body, age_ns) < 0))
			log_error(
			    a->log, "an alert could not be posted to %s: out of memory", t->shown);
		free(body);
	}
}

/* What is stored, or waits for a disk that fails, goes out. */
void alerts_hand_over(struct agent *a)
{
	struct alerts *s = a->alerts;
	bool impatient = s->dirty_ns && (clock_monotonic_ns() - s->dirty_ns > STORE_PATIENCE_NS ||
					    s->backoff_seconds > 0);

	for (struct alert_post *p = s->posts; s->webhook && p; p = p->next)
		if (!p->handed && (p->version <= s->stored_version || impatient))
			hand_over(a, p);
}

void alerts_take_results(struct agent *a)
{
	struct alerts *s = a->alerts;
	struct webhook_result r;

	while (s->webhook && webhook_take_result(s->webhook, &r)) {
		alert_post_settle(s, r.post, r.key);
		alerts_touch(s);
		s->changed = true;
	}
}

static void make_room(struct agent *a)
{
	struct alerts *s = a->alerts;

	if (s->post_count < ALERT_POSTS_MAX)
		return;
	log_error(a->log, "too many alerts wait to be posted: the oldest is dropped");
	if (s->posts->handed)
		webhook_forget_post(s->webhook, s->posts->number);
	alert_post_drop_oldest(s);
}

void alerts_post(struct agent *a, const struct alert_change *c)
{
	struct alerts *s = a->alerts;
	struct alert_post *p;

	if (s->rules.target_count == 0)
		return;
	make_room(a);
	p = alert_post_append(s, alert_payload(c), c->at_ns);
	if (!p) {
		log_error(a->log, "an alert could not be posted: out of memory");
		return;
	}
	p->version = s->version;
	for (size_t i = 0; i < s->rules.target_count; i++)
		alert_post_owe(p, s->rules.targets[i].key);
}

/* --- Storing -------------------------------------------------------------------------------- */

static void stored(void *context, const struct store_result *result)
{
	struct agent *a = context;
	struct alerts *s = a->alerts;

	log_once(a->log, &s->last_error, ALERTS_NAME, store_step_name(result->step), result->error);
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

void alerts_store(struct agent *a)
{
	struct alerts *s = a->alerts;
	struct store_result trouble = {.step = STORE_STEP_CREATE, .name = ALERTS_NAME};
	json_t *state;
	char *text;

	if (!a->store || s->storing || s->dirty_ns == 0 || clock_monotonic_ns() < s->store_next_ns)
		return;
	state = alert_state_encode(s);
	text = state ? json_dumps(state, JSON_COMPACT) : NULL;
	json_decref(state);
	s->storing = true;
	s->storing_version = s->version;
	trouble.error = -ENOMEM;
	if (text)
		trouble.error = store_put(
		    a->store, ALERTS_NAME, text, strlen(text), CHECKPOINT_MODE, stored, a);
	if (trouble.error)
		stored(a, &trouble);
}
