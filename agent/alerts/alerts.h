/*
 * alerts.h: budgets and alerts: rules judged once a second, changes logged and posted to webhooks.
 *
 *   setup.c     from the start to the end; reading the rules anew
 *   rules.c     the file -> rules and targets
 *   rule.c      a line -> a rule
 *   evaluate.c  the aggregator's windows -> a rule's figure
 *   days.c      the data folder's days -> sums of a week or a month
 *   day_files.c their files, read
 *   silence.c   when requests and bots were last heard of -> for how long there was nothing
 *   alerts.c    figures -> changes of state
 *   message.c   a change -> sentence, JSON, Discord's form
 *   queue.c     changes that are still to be posted
 *   outbox.c    changes -> disk -> webhooks
 *   state.c     what the disk holds
 *   webhook.c   JSON -> the network, in a thread of its own
 *
 * A change is stored before it is posted, and forgotten after it was taken: a killed agent's
 * successor raises nothing a second time, and posts again what it cannot know to have arrived. A
 * disk that hangs holds up a post for 5 s, one that fails not at all; only then may a kill in
 * between raise an alert twice.
 */
#ifndef ORBUS_AGENT_ALERTS_H
#define ORBUS_AGENT_ALERTS_H

#include "agent/aggregate/aggregator.h"
#include "agent/common/config.h"
#include "agent/common/data_dir_lock.h"
#include "agent/common/run_time.h"
#include "doc/writer.h"

struct alerts;

/*
 * Reads the file of --alert; without one *out stays NULL, as all functions here
 * allow. What is given is borrowed. Logs what is wrong: -EINVAL, -ENOMEM; close it in any case.
 */
int alerts_open(const struct config *config, const struct run_time *run_time,
    struct aggregator *aggregator, struct folder *folder, struct store *const *store,
    struct log *log, struct alerts **out);

/*
 * Takes up where an earlier agent left off; the data folder is open. `bus` is how messages name the
 * bus, borrowed. 0 or a negative errno.
 */
int alerts_resume(struct alerts *s, const char *bus);

/* Reads the file anew; keeps the rules where it is bad. True: what the board shows has changed. */
bool alerts_reload(struct alerts *s);

/*
 * Once a turn. `more`: the ring still holds what must be counted first. True: what the board shows
 * of alerts, or of the windows, has changed.
 */
bool alerts_run(struct alerts *s, uint64_t now_ns, bool more);

/* Files of days are being read beside the loop: there is soon another step to make. */
bool alerts_is_at_work(const struct alerts *s);

/* For the board: the rules and their states; null without any. */
void alerts_write(const struct alerts *s, const char *key, struct writer *w);

/* Sees posts off and the state onto the disk, for two seconds at most. */
void alerts_finish(struct alerts *s);
void alerts_close(struct alerts *s);

#endif
