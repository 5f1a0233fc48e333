/*
 * alerts.h: budgets and alerts: rules judged once a second, changes logged and posted to webhooks.
 *
 *   setup.c    from the start to the end; reading the rules anew
 *   rules.c    the file -> rules and targets
 *   evaluate.c    the aggregator's windows -> a rule's figure
 *   alerts.c         figures -> changes of state
 *   message.c  a change -> sentence, JSON, Discord's form
 *   outbox.c   changes -> disk -> webhooks
 *   state.c    what the disk holds
 *   webhook.c        JSON -> the network, in a thread of its own
 *
 * A change is stored before it is posted, and forgotten after it was taken: a killed agent's
 * successor raises nothing a second time, and posts again what it cannot know to have arrived. A
 * disk that hangs holds up a post for 5 s, one that fails not at all; only then may a kill in
 * between raise an alert twice.
 */
#ifndef ORBUS_AGENT_ALERTS_H
#define ORBUS_AGENT_ALERTS_H

#include "agent/agent.h"
#include "message.h"
#include "webhook.h"

#include <jansson.h>

/* An alert is over only after its figure has been back for so long. */
#define ALERT_HOLD_NS UINT64_C(60000000000)
/* Changes that nobody has taken yet; beyond them the oldest are dropped, and the log says so. */
#define ALERT_POSTS_MAX 64

/* One rule's state. */
struct alert {
	bool firing;
	uint64_t since_ns;   /* when it was raised */
	uint64_t back_ns;    /* since when its figure is back; 0: it is not */
	int64_t fired_day;   /* the wall day when it was last raised: once a day for "today" */
	uint64_t seen_ns;    /* of "no requests": when one was last seen */
	uint64_t seen_count; /* of "no requests": how many there were then, since the start */
	struct alert_reading reading; /* as last judged */
	bool judged;
};

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

struct alerts {
	char *path;
	struct alert_rules rules;
	struct alert *states;     /* by rule */
	struct alert_post *posts; /* oldest first */
	size_t post_count;
	uint64_t next_number;
	struct webhook *webhook; /* NULL: no target */
	char host[256];
	uint64_t version, stored_version, storing_version;
	bool storing;
	uint64_t dirty_ns; /* CLOCK_MONOTONIC: since when there is something to store; 0: nothing */
	uint64_t store_next_ns;
	unsigned backoff_seconds;
	struct log_once last_error;
	uint64_t judge_next_ns, seen_next_ns;
	uint64_t seen_noted_ns; /* the newest of all seen_ns, as it was last stored */
	bool changed;           /* what the board shows, since alerts_run() last told */
	bool caught_up;         /* with what the ring held at the start */
};

/* --- setup.c */

/* Reads the rules that the agent was told of, if any. Logs what is wrong: -EINVAL, -ENOMEM. */
int alerts_open(struct agent *a);

/* Takes up where an earlier agent left off; the data folder is open. 0 or a negative errno. */
int alerts_resume(struct agent *a);

/* Reads the file anew; keeps the rules where it is bad. True: what the board shows has changed. */
bool alerts_reload(struct agent *a);

/* Sees posts off and the state onto the disk, for two seconds at most. */
void alerts_finish(struct agent *a);
void alerts_close(struct agent *a);

/* --- alerts.c */

/*
 * Once a turn. `more`: the ring still holds what must be counted first. True: what the board shows
 * of alerts, or of the windows, has changed.
 */
bool alerts_run(struct agent *a, uint64_t now_ns, bool more);

/* For the board: the rules and their states; null without any. NULL: out of memory. */
json_t *alerts_to_json(const struct alerts *s, bool utc);

/* --- outbox.c */

/* There is something to store. */
void alerts_touch(struct alerts *s);

/* Queues a change for all targets. */
void alerts_post(struct agent *a, const struct alert_change *c);

/* Stores the state if there is need; hands over what may go out; learns what has arrived. */
void alerts_store(struct agent *a);
void alerts_hand_over(struct agent *a);
void alerts_take_results(struct agent *a);

/* The target with that key, NULL: there is none any more. */
const struct alert_target *alert_target_of(const struct alerts *s, const char *key);

/* A post at the end of the list, without a target; NULL: out of memory. Takes over the payload. */
struct alert_post *alert_post_append(struct alerts *s, json_t *payload, uint64_t at_ns);

/* Adds a target that is to take it. */
void alert_post_owe(struct alert_post *p, const char *key);

/* The post is no more owed to the target; with nobody left, it is gone. */
void alert_post_settle(struct alerts *s, uint64_t number, const char *key);
void alert_post_drop_oldest(struct alerts *s);

/* --- state.c */

#define ALERTS_NAME "alerts"

/* NULL: out of memory. */
json_t *alert_state_encode(const struct alerts *s);

/* Takes over the states of rules, and the posts to targets, that there still are. Untrusted:
 * -EBADMSG, -ENOMEM. */
int alert_state_decode(const json_t *state, struct alerts *s);

#endif
