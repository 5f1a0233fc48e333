/*
 * fuzz_alert_state.c: any bytes as the file "alerts" of the data folder are restored or refused. A
 * restored state is the same when it is written and read again.
 */
#include "agent/alerts/state.h"
#include "must.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char rules[] = "webhook http://127.0.0.1/a\ndiscord http://127.0.0.1/b\n"
			    "cost today > 5 USD\nno requests for 30m\n";

static void begin(struct alerts *s)
{
	char error[512];

	memset(s, 0, sizeof(*s));
	MUST(alert_rules_parse(rules, sizeof(rules) - 1, &s->rules, error, sizeof(error)) == 0);
	s->states = calloc(s->rules.rule_count, sizeof(*s->states));
	MUST(s->states);
}

static void end(struct alerts *s)
{
	alert_queue_clear(&s->queue);
	MUST(s->queue.count == 0);
	alert_rules_free(&s->rules);
	free(s->states);
}

static void must_stay_the_same(const struct alerts *s)
{
	struct alerts again;
	json_t *first = alert_state_encode(s), *second;

	MUST(first);
	begin(&again);
	MUST(alert_state_decode(first, &again) == 0);
	second = alert_state_encode(&again);
	MUST(json_equal(first, second));
	json_decref(first);
	json_decref(second);
	end(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	json_t *state = json_loadb((const char *)data, size, 0, NULL);
	struct alerts s;
	int err;

	if (!state)
		return 0;
	begin(&s);
	err = alert_state_decode(state, &s);
	MUST(err == 0 || err == -EBADMSG);
	MUST(s.queue.count <= ALERT_POSTS_MAX);
	if (err == 0)
		must_stay_the_same(&s);
	/* Only these two targets can be owed a post, each perhaps more than once. */
	while (err == 0 && s.queue.first)
		alert_queue_settle(&s.queue, s.queue.first->number,
		    s.queue.first->owed[s.queue.first->owed_count - 1]);
	end(&s);
	json_decref(state);
	return 0;
}
