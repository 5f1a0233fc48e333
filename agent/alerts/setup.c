/*
 * setup.c: alerts from the start of the agent to its end: the file of rules, read and read
 * anew, and the state that an earlier agent left.
 */
#include "agent/common/quarantine.h"
#include "agent/store/read.h"
#include "agent/store/store.h"
#include "alerts.h"
#include "base/clock.h"
#include "outbox.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CHECKPOINT_BYTES_MAX (4 << 20)
/* Posts older than this are dropped at start. */
#define NEWS_NS   (UINT64_C(86400) * NS_PER_SECOND)
#define FINISH_NS (2 * NS_PER_SECOND)

/* The URLs of webhooks hold tokens: others should not read the file. */
static void warn_of_readers(struct log *log, const char *path, const struct alert_rules *rules)
{
	struct stat st;

	if (rules->target_count > 0 && stat(path, &st) == 0 && (st.st_mode & 0044))
		log_warning(log, "%s names webhooks, and others may read it: chmod 600", path);
}

/* A window of days needs files that are still there. */
static void warn_of_retention(
    const struct config *config, struct log *log, const struct alert_rules *rules)
{
	for (size_t i = 0; i < rules->rule_count; i++) {
		unsigned days = alert_window_days_before(rules->rules[i].window);

		if (config->retention_days > 0 && days > config->retention_days)
			log_warning(log,
			    "%s: '%s' looks %u days back, and --retention-days %u keeps fewer: "
			    "the rest counts as nothing; give at least %u",
			    config->alert_file, rules->rules[i].text, days, config->retention_days,
			    days);
	}
}

static int load_rules(struct alerts *s, struct alert_rules *out)
{
	const char *path = s->config->alert_file;
	char error[4096];
	int err = alert_rules_load(path, out, error, sizeof(error));

	if (!err)
		warn_of_readers(s->log, path, out);
	if (!err)
		warn_of_retention(s->config, s->log, out);
	else
		log_error(s->log, "%s", err == -ENOMEM ? "out of memory" : error);
	return err;
}

static int open_webhook(struct alerts *s)
{
	int err;

	if (s->webhook || s->rules.target_count == 0)
		return 0;
	err = webhook_open(s->log, &s->webhook);
	if (err)
		log_error(s->log, "cannot start posting alerts: %s", strerror(-err));
	return err;
}

int alerts_open(const struct config *config, const struct run_time *run_time,
    struct aggregator *aggregator, struct folder *folder, struct store *const *store,
    struct log *log, struct alerts **out)
{
	struct alerts *s;
	int err;

	if (!config->alert_file)
		return 0;
	s = *out = calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	*s = (struct alerts){.config = config,
	    .run_time = run_time,
	    .aggregator = aggregator,
	    .folder = folder,
	    .store = store,
	    .log = log};
	gethostname(s->host, sizeof(s->host) - 1);
	err = load_rules(s, &s->rules);
	if (!err) {
		s->states = calloc(s->rules.rule_count, sizeof(*s->states));
		s->days = days_new(&s->rules, aggregator, store, log);
		err = s->states && s->days ? open_webhook(s) : -ENOMEM;
	}
	return err;
}

/* NULL with *err 0: there is none. -EBADMSG: it was read and is damaged, or is no file of ours. */
static json_t *read_state(struct alerts *s, int *err)
{
	json_t *state;
	char *bytes;
	size_t length;

	*err = store_read_file(s->folder->fd, ALERTS_NAME, CHECKPOINT_BYTES_MAX, &bytes, &length);
	if (*err == -ENOENT) {
		*err = 0;
		return NULL;
	}
	if (store_is_foreign(*err)) {
		*err = -EBADMSG;
		return NULL;
	}
	if (*err && *err != -ENOMEM) {
		report_unreadable(s->folder, ALERTS_NAME, *err);
		*err = -EIO;
	}
	if (*err)
		return NULL;
	/* jansson calls it a fault of the text when malloc() refuses it, which sets errno. */
	errno = 0;
	state = json_loadb(bytes, length, 0, NULL);
	*err = state ? 0 : errno == ENOMEM ? -ENOMEM : -EBADMSG;
	free(bytes);
	return state;
}

/* Half of a damaged one may have been taken over. */
static void forget_state(struct alerts *s)
{
	memset(s->states, 0, s->rules.rule_count * sizeof(*s->states));
	alert_queue_clear(&s->queue);
}

static void drop_old_news(struct alerts *s, uint64_t now_ns)
{
	while (s->queue.first && s->queue.first->at_ns + NEWS_NS < now_ns) {
		log_warning(s->log, "an alert of more than a day ago was never posted: dropped");
		alert_queue_drop_oldest(&s->queue);
	}
}

int alerts_resume(struct alerts *s, const char *bus)
{
	json_t *state;
	int err;

	if (!s)
		return 0;
	s->bus = bus;
	state = read_state(s, &err);
	if (state)
		err = alert_state_decode(state, s);
	json_decref(state);
	if (err == -EBADMSG) {
		forget_state(s);
		err = quarantine_file(s->folder, ALERTS_NAME, "is damaged or cannot be read");
	}
	drop_old_news(s, clock_realtime_ns());
	log_info(s->log, "alert rules in %s: %zu; targets: %zu", s->config->alert_file,
	    s->rules.rule_count, s->rules.target_count);
	return err;
}

static void keep_states(
    const struct alerts *s, const struct alert_rules *rules, struct alert *states)
{
	for (size_t i = 0; i < rules->rule_count; i++)
		for (size_t j = 0; j < s->rules.rule_count; j++)
			if (strcmp(rules->rules[i].text, s->rules.rules[j].text) == 0)
				states[i] = s->states[j];
}

static void settle_with(struct alerts *s, const char *key)
{
	struct alert_post *next;

	for (struct alert_post *p = s->queue.first; p; p = next) {
		next = p->next;
		alert_queue_settle(&s->queue, p->number, key);
	}
}

/* Targets that are not told any more. */
static void drop_targets(struct alerts *s, const struct alert_rules *old)
{
	for (size_t i = 0; i < old->target_count; i++) {
		const char *key = old->targets[i].key;

		if (alert_rules_target(&s->rules, key))
			continue;
		settle_with(s, key);
		webhook_forget_target(s->webhook, key);
	}
}

bool alerts_reload(struct alerts *s)
{
	struct alert_rules rules, old;
	struct alert *states;

	if (!s)
		return false;
	if (load_rules(s, &rules) != 0) {
		log_error(s->log, "the rules that were read before stay in force");
		alert_rules_free(&rules);
		return false;
	}
	states = calloc(rules.rule_count, sizeof(*states));
	old = s->rules;
	s->rules = rules;
	if (!states || open_webhook(s) != 0) {
		s->rules = old;
		log_error(s->log, "the rules that were read before stay in force");
		alert_rules_free(&rules);
		free(states);
		return false;
	}
	s->rules = old;
	keep_states(s, &rules, states);
	s->rules = rules;
	free(s->states);
	s->states = states;
	days_begin(s->days);
	drop_targets(s, &old);
	alert_rules_free(&old);
	alerts_touch(s);
	s->judge_next_ns = 0;
	log_info(s->log, "read anew: alert rules in %s: %zu; targets: %zu", s->config->alert_file,
	    s->rules.rule_count, s->rules.target_count);
	return true;
}

static bool has_under_way(const struct alerts *s)
{
	for (const struct alert_post *p = s->queue.first; p; p = p->next)
		if (p->handed)
			return true;
	return false;
}

void alerts_finish(struct alerts *s)
{
	uint64_t until_ns = clock_monotonic_ns() + FINISH_NS;

	if (!s)
		return;
	alerts_touch(s);
	do {
		alerts_take_results(s);
		alerts_store(s);
		alerts_hand_over(s);
		if (*s->store)
			store_flush(*s->store, 20);
		if (has_under_way(s))
			usleep(10000);
	} while (clock_monotonic_ns() < until_ns && run_time_left_ms(s->run_time) > 0 &&
		 (s->dirty_ns || has_under_way(s)));
	if (s->queue.count > 0)
		log_warning(s->log, "%zu alerts could not be posted yet: the next agent will",
		    s->queue.count);
}

void alerts_close(struct alerts *s)
{
	if (!s)
		return;
	webhook_close(s->webhook, 0);
	days_free(s->days);
	alert_queue_clear(&s->queue);
	alert_rules_free(&s->rules);
	free(s->states);
	free(s);
}
