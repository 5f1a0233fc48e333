/*
 * state.c: what was raised and who is still to be told, as the file "alerts" of the data
 * folder holds it. Targets are told apart by a hash: no URL is in it.
 */
#include "state.h"
#include "doc/json_build.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#define ALERTS_VERSION 1

/* --- Writing ---------------------------------------------------------------------------------- */

static json_t *alert_to_json(const struct alert_rule *r, const struct alert *a)
{
	struct json_build o = json_build_object();

	json_build_set(&o, "rule", json_string(r->text));
	json_build_set(&o, "firing", json_boolean(a->firing));
	json_build_set(&o, "since_ns", json_count(a->since_ns));
	json_build_set(&o, "back_ns", json_count(a->back_ns));
	json_build_set(&o, "fired_day", json_integer(a->fired_day));
	json_build_set(&o, "seen_ns", json_count(a->seen_ns));
	if (*a->bot)
		json_build_set(&o, "bot", json_string(a->bot));
	return json_build_take(&o);
}

static json_t *post_to_json(const struct alert_post *p)
{
	struct json_build o = json_build_object(), owed = json_build_array();

	for (size_t i = 0; i < p->owed_count; i++)
		json_build_append(&owed, json_string(p->owed[i]));
	json_build_set(&o, "at_ns", json_count(p->at_ns));
	json_build_set(&o, "payload", json_incref(p->payload));
	json_build_set(&o, "owed", json_build_take(&owed));
	return json_build_take(&o);
}

json_t *alert_state_encode(const struct alerts *s)
{
	struct json_build o = json_build_object(), states = json_build_array(),
			  posts = json_build_array();

	for (size_t i = 0; i < s->rules.rule_count; i++)
		json_build_append(&states, alert_to_json(&s->rules.rules[i], &s->states[i]));
	for (const struct alert_post *p = s->queue.first; p; p = p->next)
		json_build_append(&posts, post_to_json(p));
	json_build_set(&o, "version", json_integer(ALERTS_VERSION));
	json_build_set(&o, "alerts", json_build_take(&states));
	json_build_set(&o, "posts", json_build_take(&posts));
	return json_build_take(&o);
}

/* --- Reading ---------------------------------------------------------------------------------- */

static bool get_time(const json_t *o, const char *key, uint64_t *out)
{
	const json_t *v = json_object_get(o, key);

	if (!json_is_integer(v) || json_integer_value(v) < 0)
		return false;
	*out = (uint64_t)json_integer_value(v);
	return true;
}

static int decode_alert(const json_t *o, struct alerts *s)
{
	const char *text = json_string_value(json_object_get(o, "rule"));
	const char *bot = json_string_value(json_object_get(o, "bot"));
	const json_t *day = json_object_get(o, "fired_day");
	struct alert read = {.firing = json_is_true(json_object_get(o, "firing"))};

	if (!text || !json_is_integer(day) || !get_time(o, "since_ns", &read.since_ns) ||
	    !get_time(o, "back_ns", &read.back_ns) || !get_time(o, "seen_ns", &read.seen_ns))
		return -EBADMSG;
	read.fired_day = json_integer_value(day);
	read.reading.value = NAN;
	/* A longer one, or one with a NUL in it, is none of ours. */
	if (bot && strlen(bot) <= ORBUS_TEXT_MAX)
		strcpy(read.bot, bot);
	for (size_t i = 0; i < s->rules.rule_count; i++)
		if (strcmp(s->rules.rules[i].text, text) == 0)
			s->states[i] = read;
	return 0;
}

static int decode_post(const json_t *o, struct alerts *s)
{
	json_t *payload = json_object_get(o, "payload");
	const json_t *owed = json_object_get(o, "owed");
	struct alert_post *p = NULL;
	uint64_t at_ns;

	if (!json_is_object(payload) || !json_is_array(owed) || !get_time(o, "at_ns", &at_ns))
		return -EBADMSG;
	for (size_t i = 0; i < json_array_size(owed); i++) {
		const char *key = json_string_value(json_array_get(owed, i));

		if (!key || !alert_rules_target(&s->rules, key))
			continue;
		if (!p)
			p = alert_queue_append(&s->queue, json_incref(payload), at_ns);
		if (!p)
			return -ENOMEM;
		alert_post_owe(p, key);
	}
	return 0;
}

int alert_state_decode(const json_t *state, struct alerts *s)
{
	const json_t *states = json_object_get(state, "alerts");
	const json_t *posts = json_object_get(state, "posts");
	int err = 0;

	if (json_integer_value(json_object_get(state, "version")) != ALERTS_VERSION ||
	    !json_is_array(states) || !json_is_array(posts) ||
	    json_array_size(posts) > ALERT_POSTS_MAX)
		return -EBADMSG;
	for (size_t i = 0; !err && i < json_array_size(states); i++)
		err = decode_alert(json_array_get(states, i), s);
	for (size_t i = 0; !err && i < json_array_size(posts); i++)
		err = decode_post(json_array_get(posts, i), s);
	return err;
}
