/*
 * queue.c: changes of alerts that are still to be posted.
 */
#include "queue.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct alert_post *alert_queue_append(struct alert_queue *q, json_t *payload, uint64_t at_ns)
{
	struct alert_post **end = &q->first, *p = calloc(1, sizeof(*p));

	if (!p || !payload) {
		json_decref(payload);
		free(p);
		return NULL;
	}
	while (*end)
		end = &(*end)->next;
	p->payload = payload;
	p->at_ns = at_ns;
	p->number = q->next_number++;
	*end = p;
	q->count++;
	return p;
}

void alert_post_owe(struct alert_post *p, const char *key)
{
	if (p->owed_count < ALERT_TARGETS_MAX)
		snprintf(p->owed[p->owed_count++], sizeof(p->owed[0]), "%s", key);
}

static void drop(struct alert_queue *q, struct alert_post **at)
{
	struct alert_post *p = *at;

	*at = p->next;
	q->count--;
	json_decref(p->payload);
	free(p);
}

void alert_queue_drop_oldest(struct alert_queue *q)
{
	if (q->first)
		drop(q, &q->first);
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

void alert_queue_settle(struct alert_queue *q, uint64_t number, const char *key)
{
	for (struct alert_post **at = &q->first; *at; at = &(*at)->next) {
		if ((*at)->number != number)
			continue;
		settle(*at, key);
		if ((*at)->owed_count == 0)
			drop(q, at);
		return;
	}
}

void alert_queue_clear(struct alert_queue *q)
{
	while (q->first)
		alert_queue_drop_oldest(q);
}
