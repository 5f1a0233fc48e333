/*
 * webhook.c: posts JSON to webhooks in a thread of its own, again and again until they take it.
 *
 * Who touches what: `incoming`, `finished`, `orders`, `stop` and `ended` are shared under the lock,
 * and the thread is woken by curl_multi_wakeup(), the one call of libcurl that other threads may
 * make. All else belongs to the thread alone. An idle one sleeps until it is woken.
 */
#include "webhook.h"
#include "clock.h"
#include "orbus.h"

#include <curl/curl.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ATTEMPT_MS        10000L
#define CONNECT_MS        5000L
#define BACKOFF_MAX_S     300
#define RETRY_AFTER_MAX_S 3600
#define EXPIRY_NS         (UINT64_C(86400) * NS_PER_SECOND)
#define SLEEP_MAX_MS      3600000

struct job {
	struct job *next;
	uint64_t post;
	char key[17];
	char *shown, *url, *body;
	uint64_t due_ns, expires_ns; /* CLOCK_MONOTONIC */
	unsigned attempts;
	CURL *easy; /* while it is under way */
	char curl_says[CURL_ERROR_SIZE];
	enum webhook_outcome outcome;
};

struct jobs {
	struct job *first, **end;
};

/* Posts that are to be forgotten: those to a target, or, with no key, one. */
struct order {
	char key[17];
	uint64_t post;
};

struct webhook {
	struct log *log;
	CURLM *multi;
	struct curl_slist *headers;
	const char *authorities; /* $SSL_CERT_FILE, as OpenSSL's own programs know it; or NULL */
	pthread_t thread;
	struct jobs waiting; /* in order; the thread's own */
	pthread_mutex_t lock;
	struct jobs incoming, finished;
	struct order *orders; /* posts to forget */
	size_t order_count;
	bool stop, ended;
	uint64_t stop_ns; /* CLOCK_MONOTONIC: when patience ends */
};

/* --- Lists ------------------------------------------------------------------------------------ */

static void jobs_init(struct jobs *l)
{
	l->first = NULL;
	l->end = &l->first;
}

static void jobs_append(struct jobs *l, struct job *j)
{
	j->next = NULL;
	*l->end = j;
	l->end = &j->next;
}

static struct job *jobs_take(struct jobs *l, struct job **at)
{
	struct job *j = *at;

	*at = j->next;
	if (!j->next)
		l->end = at;
	return j;
}

static void job_free(struct job *j)
{
	if (!j)
		return;
	free(j->shown);
	free(j->url);
	free(j->body);
	free(j);
}

static void jobs_free(struct jobs *l)
{
	while (l->first)
		job_free(jobs_take(l, &l->first));
}

/* --- One attempt ------------------------------------------------------------------------------ */

/* The status is all that counts: the rest need not even be received. */
static size_t refuse_body(char *bytes, size_t size, size_t n, void *context)
{
	(void)bytes;
	(void)size;
	(void)n;
	(void)context;
	return CURL_WRITEFUNC_ERROR;
}

static bool set_up(struct webhook *w, struct job *j)
{
	CURL *e = j->easy;

	if (w->authorities && curl_easy_setopt(e, CURLOPT_CAINFO, w->authorities) != CURLE_OK)
		return false;
	return curl_easy_setopt(e, CURLOPT_URL, j->url) == CURLE_OK &&
	       curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK &&
	       curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK &&
	       curl_easy_setopt(e, CURLOPT_SSL_VERIFYPEER, 1L) == CURLE_OK &&
	       curl_easy_setopt(e, CURLOPT_SSL_VERIFYHOST, 2L) == CURLE_OK &&
	       curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
	       curl_easy_setopt(e, CURLOPT_QUICK_EXIT, 1L) == CURLE_OK &&
	       curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, ATTEMPT_MS) == CURLE_OK &&
	       curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_MS) == CURLE_OK &&
	       curl_easy_setopt(e, CURLOPT_HTTPHEADER, w->headers) == CURLE_OK &&
	       curl_easy_setopt(e, CURLOPT_POSTFIELDS, j->body) == CURLE_OK &&
	       curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, refuse_body) == CURLE_OK &&
	       curl_easy_setopt(e, CURLOPT_ERRORBUFFER, j->curl_says) == CURLE_OK &&
	       curl_easy_setopt(e, CURLOPT_PRIVATE, j) == CURLE_OK &&
	       curl_multi_add_handle(w->multi, e) == CURLM_OK;
}

static uint64_t backoff_ns(const struct job *j)
{
	uint64_t seconds = j->attempts < 9 ? UINT64_C(1) << (j->attempts - 1) : BACKOFF_MAX_S;
	uint64_t ns = seconds * NS_PER_SECOND;

	/* Spread by up to a quarter, so that agents that failed together do not come back together.
	 */
	return ns + clock_monotonic_ns() % (ns / 4);
}

static void try_again(struct webhook *w, struct job *j, long retry_after_s, const char *why)
{
	uint64_t now_ns = clock_monotonic_ns(), wait_ns = backoff_ns(j);

	if (retry_after_s > RETRY_AFTER_MAX_S)
		retry_after_s = RETRY_AFTER_MAX_S;
	if (retry_after_s > 0 && (uint64_t)retry_after_s * NS_PER_SECOND > wait_ns)
		wait_ns = (uint64_t)retry_after_s * NS_PER_SECOND;
	j->due_ns = now_ns + wait_ns;
	/* Once is enough to know; the outcome is told too. */
	log_write(w->log, j->attempts == 1 ? LOG_LEVEL_WARNING : LOG_LEVEL_DEBUG,
	    "an alert could not be posted to %s: %s; trying again in %.1f s", j->shown, why,
	    (double)wait_ns / 1e9);
}

/* Status codes that say "not now"; all others from 300 on would be the same the next time. */
static bool is_passing(long status)
{
	return status == 408 || status == 425 || status == 429 || status >= 500;
}

/* True when the job has come to its end. */
static bool judge(struct webhook *w, struct job *j, CURLcode result)
{
	char why[CURL_ERROR_SIZE + 64];
	curl_off_t retry_after = 0;
	long status = 0;

	(void)curl_easy_getinfo(j->easy, CURLINFO_RESPONSE_CODE, &status);
	(void)curl_easy_getinfo(j->easy, CURLINFO_RETRY_AFTER, &retry_after);
	if (status >= 200 && status < 300) {
		if (j->attempts > 1)
			log_info(w->log, "the alert was posted to %s, at attempt %u", j->shown,
			    j->attempts);
		j->outcome = WEBHOOK_TAKEN;
		return true;
	}
	if (status >= 200)
		snprintf(why, sizeof(why), "HTTP status %ld", status);
	else
		snprintf(why, sizeof(why), "%s",
		    j->curl_says[0] ? j->curl_says : curl_easy_strerror(result));
	if (status >= 200 && !is_passing(status)) {
		log_error(w->log, "an alert was refused by %s: %s%s; it is not posted again",
		    j->shown, why, status < 400 ? " (redirects are not followed)" : "");
		j->outcome = WEBHOOK_REFUSED;
		return true;
	}
	if (clock_monotonic_ns() >= j->expires_ns) {
		log_error(w->log, "an alert could not be posted to %s for a day: %s; given up",
		    j->shown, why);
		j->outcome = WEBHOOK_EXPIRED;
		return true;
	}
	try_again(w, j, (long)retry_after, why);
	return false;
}

static void stop_attempt(struct webhook *w, struct job *j)
{
	if (!j->easy)
		return;
	(void)curl_multi_remove_handle(w->multi, j->easy);
	curl_easy_cleanup(j->easy);
	j->easy = NULL;
}

static void start_attempt(struct webhook *w, struct job *j)
{
	j->attempts++;
	j->curl_says[0] = '\0';
	j->easy = curl_easy_init();
	if (j->easy && set_up(w, j))
		return;
	stop_attempt(w, j);
	try_again(w, j, 0, "out of memory");
}

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
			stop_attempt(w, *at);
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
			start_attempt(w, j);
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

	while ((message = curl_multi_info_read(w->multi, &left))) {
		CURLcode result = message->data.result;
		struct job *j = NULL;
		bool ended;

		if (message->msg != CURLMSG_DONE || curl_easy_getinfo(message->easy_handle,
							CURLINFO_PRIVATE, (char **)&j) != CURLE_OK)
			continue;
		ended = judge(w, j, result);
		stop_attempt(w, j);
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
		(void)curl_multi_perform(w->multi, &running);
		if (!end_attempts(w))
			(void)curl_multi_poll(w->multi, NULL, 0, within_patience(w, wait_ms), NULL);
	}
	for (struct job *j = w->waiting.first; j; j = j->next)
		stop_attempt(w, j);
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
	curl_slist_free_all(w->headers);
	curl_multi_cleanup(w->multi);
	curl_global_cleanup();
	pthread_mutex_destroy(&w->lock);
	free(w);
}

static struct curl_slist *make_headers(void)
{
	char agent[64];
	struct curl_slist *all = curl_slist_append(NULL, "Content-Type: application/json"), *more;

	snprintf(agent, sizeof(agent), "User-Agent: orbus/%s", orbus_version());
	more = all ? curl_slist_append(all, agent) : NULL;
	/* Else a body of more than a megabyte would be asked for first. */
	more = more ? curl_slist_append(more, "Expect:") : NULL;
	if (!more)
		curl_slist_free_all(all);
	return more;
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
	int err = -ENOMEM;

	if (!w || curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
		free(w);
		return err;
	}
	w->log = log;
	w->authorities = getenv("SSL_CERT_FILE");
	jobs_init(&w->waiting);
	jobs_init(&w->incoming);
	jobs_init(&w->finished);
	pthread_mutex_init(&w->lock, NULL);
	w->multi = curl_multi_init();
	w->headers = make_headers();
	if (w->multi && w->headers)
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
	(void)curl_multi_wakeup(w->multi);
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
	(void)curl_multi_wakeup(w->multi);
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
	(void)curl_multi_wakeup(w->multi);
	while (!has_ended(w) && clock_monotonic_ns() < deadline_ns)
		nanosleep(&step, NULL);
	/* A resolver that hangs may hold the thread up: the process then ends without it. */
	if (!has_ended(w))
		return;
	pthread_join(w->thread, NULL);
	free_all(w);
}
