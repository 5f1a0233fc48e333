/*
 * setup.c: alerts from the start of the agent to its end: the file of rules, read and read
 * anew, and the state that an earlier agent left.
 */
#include "agent/agent.h"
#include "alerts.h"
#include "base/clock.h"

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

/* A file with tokens in it is nobody else's business. */
static void warn_of_readers(struct agent *a, const char *path, const struct alert_rules *rules)
{
	struct stat st;

	if (rules->target_count > 0 && stat(path, &st) == 0 && (st.st_mode & 0044))
		log_warning(a->log, "%s names webhooks, and others may read it: chmod 600", path);
}

static int load_rules(struct agent *a, const char *path, struct alert_rules *out)
{
	char error[4096];
	int err = alert_rules_load(path, out, error, sizeof(error));

	if (!err)
		warn_of_readers(a, path, out);
	else
		log_error(a->log, "%s", err == -ENOMEM ? "out of memory" : error);
	return err;
}

static int open_webhook(struct agent *a, struct alerts *s)
{
	int err;

	if (s->webhook || s->rules.target_count == 0)
		return 0;
	err = webhook_open(a->log, &s->webhook);
	if (err)
		log_error(a->log, "cannot start posting alerts: %s", strerror(-err));
	return err;
}

int alerts_open(struct agent *a)
{
	struct alerts *s;
	int err;

	if (!a->config->alert_file)
		return 0;
	s = calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	a->alerts = s;
	s->path = a->config->alert_file;
	gethostname(s->host, sizeof(s->host) - 1);
	err = load_rules(a, s->path, &s->rules);
	if (!err) {
		s->states = calloc(s->rules.rule_count, sizeof(*s->states));
		err = s->states ? open_webhook(a, s) : -ENOMEM;
	}
	return err;
}

/* NULL with *err 0: there is none. -EBADMSG: it was read and is damaged, or is no file of ours. */
static json_t *read_state(struct agent *a, int *err)
{
	json_t *state;
	char *bytes;
	size_t length;

	*err = store_read_file(a->folder.fd, ALERTS_NAME, CHECKPOINT_BYTES_MAX, &bytes, &length);
	if (*err == -ENOENT) {
		*err = 0;
		return NULL;
	}
	if (store_is_foreign(*err)) {
		*err = -EBADMSG;
		return NULL;
	}
	if (*err && *err != -ENOMEM) {
		restore_unreadable(a, ALERTS_NAME, *err);
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

static void forget_posts(struct alerts *s)
{
	while (s->posts)
		alert_post_drop_oldest(s);
}

/* Half of a damaged one may have been taken over. */
static void forget_state(struct alerts *s)
{
	memset(s->states, 0, s->rules.rule_count * sizeof(*s->states));
	forget_posts(s);
}

static void drop_old_news(struct agent *a, uint64_t now_ns)
{
	struct alerts *s = a->alerts;

	while (s->posts && s->posts->at_ns + NEWS_NS < now_ns) {
		log_warning(a->log, "an alert of more than a day ago was never posted: dropped");
		alert_post_drop_oldest(s);
	}
}

int alerts_resume(struct agent *a)
{
	struct alerts *s = a->alerts;
	json_t *state;
	int err;

	if (!s)
		return 0;
	state = read_state(a, &err);
	if (state)
		err = alert_state_decode(state, s);
	json_decref(state);
	if (err == -EBADMSG) {
		forget_state(s);
		err = quarantine_file(a, ALERTS_NAME, "is damaged or cannot be read");
	}
	drop_old_news(a, clock_realtime_ns());
	log_info(a->log, "alert rules in %s: %zu; targets: %zu", s->path, s->rules.rule_count,
	    s->rules.target_count);
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

	for (struct alert_post *p = s->posts; p; p = next) {
		next = p->next;
		alert_post_settle(s, p->number, key);
	}
}

/* Targets that are not told any more. */
static void drop_targets(struct alerts *s, const struct alert_rules *old)
{
	for (size_t i = 0; i < old->target_count; i++) {
		const char *key = old->targets[i].key;

		if (alert_target_of(s, key))
			continue;
		settle_with(s, key);
		webhook_forget_target(s->webhook, key);
	}
}

void alerts_reload(struct agent *a)
{
	struct alerts *s = a->alerts;
	struct alert_rules rules, old;
	struct alert *states;

	if (!s)
		return;
	if (load_rules(a, s->path, &rules) != 0) {
		log_error(a->log, "the rules that were read before stay in force");
		alert_rules_free(&rules);
		return;
	}
	states = calloc(rules.rule_count, sizeof(*states));
	old = s->rules;
	s->rules = rules;
	if (!states || open_webhook(a, s) != 0) {
		s->rules = old;
		log_error(a->log, "the rules that were read before stay in force");
		alert_rules_free(&rules);
		free(states);
		return;
	}
	s->rules = old;
	keep_states(s, &rules, states);
	s->rules = rules;
	free(s->states);
	s->states = states;
	drop_targets(s, &old);
	alert_rules_free(&old);
	alerts_touch(s);
	a->board_changes = UINT64_MAX;
	s->judge_next_ns = 0;
	log_info(a->log, "read anew: alert rules in %s: %zu; targets: %zu", s->path,
	    s->rules.rule_count, s->rules.target_count);
}

static bool has_under_way(const struct alerts *s)
{
	for (const struct alert_post *p = s->posts; p; p = p->next)
		if (p->handed)
			return true;
	return false;
}

void alerts_finish(struct agent *a)
{
	struct alerts *s = a->alerts;
	uint64_t until_ns = clock_monotonic_ns() + FINISH_NS;

	if (!s)
		return;
	alerts_touch(s);
	do {
		alerts_take_results(a);
		alerts_store(a);
		alerts_hand_over(a);
		if (a->store)
			store_flush(a->store, 20);
		if (has_under_way(s))
			usleep(10000);
	} while (clock_monotonic_ns() < until_ns && agent_time_left_ms(a) > 0 &&
		 (s->dirty_ns || has_under_way(s)));
	if (s->post_count > 0)
		log_warning(a->log, "%zu alerts could not be posted yet: the next agent will",
		    s->post_count);
}

void alerts_close(struct agent *a)
{
	struct alerts *s = a->alerts;

	if (!s)
		return;
	webhook_close(s->webhook, 0);
	forget_posts(s);
	alert_rules_free(&s->rules);
	free(s->states);
	free(s);
	a->alerts = NULL;
}
