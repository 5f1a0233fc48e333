/*
 * webhook.c: posts JSON to webhooks in a thread of its own, again and again until they take it.
 *
 * Who touches what: `incoming`, `finished`, `orders`, `stop` and `ended` are shared under the lock,
 * and the thread is woken by curl_multi_wakeup(), the one call of libcurl that other threads may
 * make. All else belongs to the thread alone. An idle one sleeps until it is woken.
 */
#include "webhook.h"
#include "base/clock.h"
#include "http_post.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define EXPIRY_NS    (UINT64_C(86400) * NS_PER_SECOND)
#define SLEEP_MAX_MS 3600000

/* Posts that are to be forgotten: those to a target, or, with no key, one. */
struct order {
	char key[17];
	uint64_t post;
};

struct webhook {
	struct poster poster;
	pthread_t thread;
	struct jobs waiting; /* in order; the thread's own */
	pthread_mutex_t lock;
	struct jobs incoming, finished;
	struct order *orders; /* posts to forget */
	size_t order_count;
	bool stop, ended;
	uint64_t stop_ns; /* CLOCK_MONOTONIC: when patience ends */
};

/* --- The thread ------------------------------------------------------------------------------- */

static bool is_meant(const struct order *o, const struct job *j)
{
	return o->key[0] ? strcmp(o->key, j->key) == 0 : o->post == j->post;
}

/* Forgets what the order says; the caller holds the lock. */
static void obey(struct webhook *w, struct jobs *l, const struct order *o)
{
	for (struct job **at = &l->first; *at;) {
		if (is_meant(o, *at)) {
			job_stop(&w->poster, *at);
			job_free(jobs_take(l, at));
		} else {
			at = &(*at)->next;
		}
	}
}

/* There is something that may still be taken before patience ends. */
static bool is_busy(const struct webhook *w)
{
	uint64_t now_ns = clock_monotonic_ns();

	for (const struct job *j = w->waiting.first; j && now_ns < w->stop_ns; j = j->next)
		if (j->easy || j->due_ns < w->stop_ns)
			return true;
	return false;
}

/* Takes over what came in. False: it is time to stop. */
static bool take_orders(struct webhook *w)
{
	bool go_on;

	pthread_mutex_lock(&w->lock);
	for (size_t i = 0; i < w->order_count; i++)
		obey(w, &w->waiting, &w->orders[i]);
	w->order_count = 0;
	while (w->incoming.first)
		jobs_append(&w->waiting, jobs_take(&w->incoming, &w->incoming.first));
	go_on = !w->stop || is_busy(w);
	pthread_mutex_unlock(&w->lock);
	return go_on;
}

/* The earlier posts to a target go first. */
static bool is_its_turn(const struct webhook *w, const struct job *j)
{
	for (const struct job *other = w->waiting.first; other != j; other = other->next)
		if (strcmp(other->key, j->key) == 0)
			return false;
	return true;
}

/* Starts what is due; returns how long there is nothing to do but wait. */
static int start_due(struct webhook *w)
{
	uint64_t now_ns = clock_monotonic_ns(), next_ns = UINT64_MAX;

	for (struct job *j = w->waiting.first; j; j = j->next) {
		if (j->easy || !is_its_turn(w, j))
			continue;
		if (j->due_ns <= now_ns)
			job_start(&w->poster, j);
		if (!j->easy && j->due_ns < next_ns)
			next_ns = j->due_ns;
	}
	if (next_ns == UINT64_MAX)
		return SLEEP_MAX_MS;
	return next_ns <= now_ns ? 0 : (int)((next_ns - now_ns) / 1000000 + 1);
}

static void end_job(struct webhook *w, struct job *j)
{
	struct job **at = &w->waiting.first;

	while (*at != j)
		at = &(*at)->next;
	jobs_take(&w->waiting, at);
	pthread_mutex_lock(&w->lock);
	jobs_append(&w->finished, j);
	pthread_mutex_unlock(&w->lock);
}

/* True: something ended, so that another may be due. */
static bool end_attempts(struct webhook *w)
{
	CURLMsg *message;
	bool any = false;
	int left;

	while ((message = w->poster.curl->multi_info_read(w->poster.multi, &left))) {
		CURLcode result = message->data.result;
		struct job *j = NULL;
		bool ended;

		if (message->msg != CURLMSG_DONE ||
		    w->poster.curl->easy_getinfo(
			message->easy_handle, CURLINFO_PRIVATE, (char **)&j) != CURLE_OK)
			continue;
		ended = job_judge(&w->poster, j, result);
		job_stop(&w->poster, j);
		if (ended)
			end_job(w, j);
		any = true;
	}
	return any;
}

/* When it is to stop, it looks often enough to stop in time. */
static int within_patience(struct webhook *w, int wait_ms)
{
	pthread_mutex_lock(&w->lock);
	if (w->stop && wait_ms > 50)
		wait_ms = 50;
	pthread_mutex_unlock(&w->lock);
	return wait_ms;
}

static void *run(void *context)
{
	struct webhook *w = context;
	int running, wait_ms;

	while (take_orders(w)) {
		wait_ms = start_due(w);
		(void)w->poster.curl->multi_perform(w->poster.multi, &running);
		if (!end_attempts(w))
			(void)w->poster.curl->multi_poll(
			    w->poster.multi, NULL, 0, within_patience(w, wait_ms), NULL);
	}
	for (struct job *j = w->waiting.first; j; j = j->next)
		job_stop(&w->poster, j);
	pthread_mutex_lock(&w->lock);
	w->ended = true;
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

/* --- Its caller ------------------------------------------------------------------------------- */

static void free_all(struct webhook *w)
{
	jobs_free(&w->waiting);
	jobs_free(&w->incoming);
	jobs_free(&w->finished);
	free(w->orders);
	poster_close(&w->poster);
	pthread_mutex_destroy(&w->lock);
	free(w);
}

/* Signals are for the agent's own thread. */
static int start_thread(struct webhook *w)
{
	sigset_t all, before;
	int err;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	err = pthread_create(&w->thread, NULL, run, w);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return -err;
}

int webhook_open(struct log *log, struct webhook **out)
{
	struct webhook *w = calloc(1, sizeof(*w));
	int err;

	if (!w)
		return -ENOMEM;
	jobs_init(&w->waiting);
	jobs_init(&w->incoming);
	jobs_init(&w->finished);
	pthread_mutex_init(&w->lock, NULL);
	err = poster_open(&w->poster, log);
	if (!err)
		err = start_thread(w);
	if (err) {
		free_all(w);
		return err;
	}
	*out = w;
	return 0;
}

int webhook_post(struct webhook *w, uint64_t post, const char *key, const char *shown,
    const char *url, const char *body, uint64_t age_ns)
{
	struct job *j = calloc(1, sizeof(*j));
	uint64_t now_ns = clock_monotonic_ns();

	if (!j)
		return -ENOMEM;
	j->post = post;
	snprintf(j->key, sizeof(j->key), "%s", key);
	j->shown = strdup(shown);
	j->url = strdup(url);
	j->body = strdup(body);
	if (!j->shown || !j->url || !j->body) {
		job_free(j);
		return -ENOMEM;
	}
	j->due_ns = now_ns;
	j->expires_ns = now_ns + (age_ns < EXPIRY_NS ? EXPIRY_NS - age_ns : 0);
	pthread_mutex_lock(&w->lock);
	jobs_append(&w->incoming, j);
	pthread_mutex_unlock(&w->lock);
	(void)w->poster.curl->multi_wakeup(w->poster.multi);
	return 0;
}

static void forget(struct webhook *w, const struct order *o)
{
	struct order *more;

	pthread_mutex_lock(&w->lock);
	/* Of these none is under way. */
	obey(w, &w->incoming, o);
	more = realloc(w->orders, (w->order_count + 1) * sizeof(*more));
	if (more) {
		w->orders = more;
		more[w->order_count++] = *o;
	}
	pthread_mutex_unlock(&w->lock);
	(void)w->poster.curl->multi_wakeup(w->poster.multi);
}

void webhook_forget_target(struct webhook *w, const char *key)
{
	struct order o = {.post = 0};

	snprintf(o.key, sizeof(o.key), "%s", key);
	forget(w, &o);
}

void webhook_forget_post(struct webhook *w, uint64_t post)
{
	forget(w, &(struct order){.post = post});
}

bool webhook_take_result(struct webhook *w, struct webhook_result *out)
{
	struct job *j = NULL;

	pthread_mutex_lock(&w->lock);
	if (w->finished.first)
		j = jobs_take(&w->finished, &w->finished.first);
	pthread_mutex_unlock(&w->lock);
	if (!j)
		return false;
	*out = (struct webhook_result){.post = j->post, .outcome = j->outcome};
	memcpy(out->key, j->key, sizeof(out->key));
	job_free(j);
	return true;
}

static bool has_ended(struct webhook *w)
{
	bool ended;

	pthread_mutex_lock(&w->lock);
	ended = w->ended;
	pthread_mutex_unlock(&w->lock);
	return ended;
}

void webhook_close(struct webhook *w, unsigned grace_ms)
{
	const struct timespec step = {0, 5000000};
	uint64_t deadline_ns;

	if (!w)
		return;
	pthread_mutex_lock(&w->lock);
	w->stop = true;
	w->stop_ns = clock_monotonic_ns() + grace_ms * UINT64_C(1000000);
	deadline_ns = w->stop_ns + 2 * NS_PER_SECOND;
	pthread_mutex_unlock(&w->lock);
	(void)w->poster.curl->multi_wakeup(w->poster.multi);
	while (!has_ended(w) && clock_monotonic_ns() < deadline_ns)
		nanosleep(&step, NULL);
	/* A resolver that hangs may hold the thread up: the process then ends without it. */
	if (!has_ended(w))
		return;
	pthread_join(w->thread, NULL);
	free_all(w);
}
