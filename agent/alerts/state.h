/*
 * state.h: what alerts keep in memory, and what the disk holds of it. Private to the folder;
 * alerts.h is for the others.
 */
#ifndef ORBUS_AGENT_ALERTS_STATE_H
#define ORBUS_AGENT_ALERTS_STATE_H

#include "agent/aggregate/aggregator.h"
#include "agent/common/config.h"
#include "agent/common/data_dir_lock.h"
#include "agent/common/run_time.h"
#include "days.h"
#include "evaluate.h"
#include "queue.h"
#include "webhook.h"

/* One rule's state. */
struct alert {
	bool firing;
	uint64_t since_ns;   /* when it was raised */
	uint64_t back_ns;    /* since when its figure is back; 0: it is not */
	int64_t fired_day;   /* the first day of the window when it was last raised: a rule of a
	                        day, week or month is raised once in it */
	uint64_t seen_ns;    /* of "no requests" and of one bot's silence: when it was last ended */
	uint64_t seen_count; /* of "no requests": how many there were then, since the start */
	char bot[ORBUS_TEXT_MAX + 1]; /* of "silent": who is, or was last; "": nobody */
	unsigned others;              /* how many are besides */
	struct alert_reading reading; /* as last judged */
	bool judged;
};

struct alerts {
	const struct config *config;
	const struct run_time *run_time;
	struct aggregator *aggregator;
	struct folder *folder;
	struct store *const *store;
	struct log *log;
	const char *bus; /* as messages name it */
	struct alert_rules rules;
	struct alert *states; /* by rule */
	struct days *days;
	struct alert_queue queue;
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

#define ALERTS_NAME "alerts"

/* NULL: out of memory. */
json_t *alert_state_encode(const struct alerts *s);

/* Takes over the states of rules, and the posts to targets, that there still are. Untrusted:
 * -EBADMSG, -ENOMEM. */
int alert_state_decode(const json_t *state, struct alerts *s);

#endif
