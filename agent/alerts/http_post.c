/*
 * http_post.c: one post to one target, attempt by attempt: what libcurl is told, and what an
 * answer comes to.
 */
#include "http_post.h"
#include "base/clock.h"
#include "orbus.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ATTEMPT_MS        10000L
#define CONNECT_MS        5000L
#define BACKOFF_MAX_S     300
#define RETRY_AFTER_MAX_S 3600

/* --- Lists ------------------------------------------------------------------------------------ */

void jobs_init(struct jobs *l)
{
	l->first = NULL;
	l->end = &l->first;
}

void jobs_append(struct jobs *l, struct job *j)
{
	j->next = NULL;
	*l->end = j;
	l->end = &j->next;
}

struct job *jobs_take(struct jobs *l, struct job **at)
{
	struct job *j = *at;

	*at = j->next;
	if (!j->next)
		l->end = at;
	return j;
}

void job_free(struct job *j)
{
	if (!j)
		return;
	free(j->shown);
	free(j->url);
	free(j->body);
	free(j);
}

void jobs_free(struct jobs *l)
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

static bool set_up(struct poster *p, struct job *j)
{
	const struct curl_functions *c = p->curl;
	CURL *e = j->easy;

	if (p->authorities && c->easy_setopt(e, CURLOPT_CAINFO, p->authorities) != CURLE_OK)
		return false;
	return c->easy_setopt(e, CURLOPT_URL, j->url) == CURLE_OK &&
	       c->easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK &&
	       c->easy_setopt(e, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK &&
	       c->easy_setopt(e, CURLOPT_SSL_VERIFYPEER, 1L) == CURLE_OK &&
	       c->easy_setopt(e, CURLOPT_SSL_VERIFYHOST, 2L) == CURLE_OK &&
	       c->easy_setopt(e, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
	       c->easy_setopt(e, CURLOPT_QUICK_EXIT, 1L) == CURLE_OK &&
	       c->easy_setopt(e, CURLOPT_TIMEOUT_MS, ATTEMPT_MS) == CURLE_OK &&
	       c->easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_MS) == CURLE_OK &&
	       c->easy_setopt(e, CURLOPT_HTTPHEADER, p->headers) == CURLE_OK &&
	       c->easy_setopt(e, CURLOPT_POSTFIELDS, j->body) == CURLE_OK &&
	       c->easy_setopt(e, CURLOPT_WRITEFUNCTION, refuse_body) == CURLE_OK &&
	       c->easy_setopt(e, CURLOPT_ERRORBUFFER, j->curl_says) == CURLE_OK &&
	       c->easy_setopt(e, CURLOPT_PRIVATE, j) == CURLE_OK &&
	       c->multi_add_handle(p->multi, e) == CURLM_OK;
}

static uint64_t backoff_ns(const struct job *j)
{
	uint64_t seconds = j->attempts < 9 ? UINT64_C(1) << (j->attempts - 1) : BACKOFF_MAX_S;
	uint64_t ns = seconds * NS_PER_SECOND;

	/* Spread by up to a quarter, so that agents that failed together do not come back together.
	 */
	return ns + clock_monotonic_ns() % (ns / 4);
}

static void try_again(struct poster *p, struct job *j, long retry_after_s, const char *why)
{
	uint64_t now_ns = clock_monotonic_ns(), wait_ns = backoff_ns(j);

	if (retry_after_s > RETRY_AFTER_MAX_S)
		retry_after_s = RETRY_AFTER_MAX_S;
	if (retry_after_s > 0 && (uint64_t)retry_after_s * NS_PER_SECOND > wait_ns)
		wait_ns = (uint64_t)retry_after_s * NS_PER_SECOND;
	j->due_ns = now_ns + wait_ns;
	/* Once is enough to know; the outcome is told too. */
	log_write(p->log, j->attempts == 1 ? LOG_LEVEL_WARNING : LOG_LEVEL_DEBUG,
	    "an alert could not be posted to %s: %s; trying again in %.1f s", j->shown, why,
	    (double)wait_ns / 1e9);
}

/* Status codes that say "not now"; all others from 300 on would be the same the next time. */
static bool is_passing(long status)
{
	return status == 408 || status == 425 || status == 429 || status >= 500;
}

bool job_judge(struct poster *p, struct job *j, CURLcode result)
{
	char why[CURL_ERROR_SIZE + 64];
	curl_off_t retry_after = 0;
	long status = 0;

	(void)p->curl->easy_getinfo(j->easy, CURLINFO_RESPONSE_CODE, &status);
	(void)p->curl->easy_getinfo(j->easy, CURLINFO_RETRY_AFTER, &retry_after);
	if (status >= 200 && status < 300) {
		if (j->attempts > 1)
			log_info(p->log, "the alert was posted to %s, at attempt %u", j->shown,
			    j->attempts);
		j->outcome = WEBHOOK_TAKEN;
		return true;
	}
	if (status >= 200)
		snprintf(why, sizeof(why), "HTTP status %ld", status);
	else
		snprintf(why, sizeof(why), "%s",
		    j->curl_says[0] ? j->curl_says : p->curl->easy_strerror(result));
	if (status >= 200 && !is_passing(status)) {
		log_error(p->log, "an alert was refused by %s: %s%s; it is not posted again",
		    j->shown, why, status < 400 ? " (redirects are not followed)" : "");
		j->outcome = WEBHOOK_REFUSED;
		return true;
	}
	if (clock_monotonic_ns() >= j->expires_ns) {
		log_error(p->log, "an alert could not be posted to %s for a day: %s; given up",
		    j->shown, why);
		j->outcome = WEBHOOK_EXPIRED;
		return true;
	}
	try_again(p, j, (long)retry_after, why);
	return false;
}

void job_stop(struct poster *p, struct job *j)
{
	if (!j->easy)
		return;
	(void)p->curl->multi_remove_handle(p->multi, j->easy);
	p->curl->easy_cleanup(j->easy);
	j->easy = NULL;
}

void job_start(struct poster *p, struct job *j)
{
	j->attempts++;
	j->curl_says[0] = '\0';
	j->easy = p->curl->easy_init();
	if (j->easy && set_up(p, j))
		return;
	job_stop(p, j);
	try_again(p, j, 0, "out of memory");
}

/* --- What they share -------------------------------------------------------------------------- */

static struct curl_slist *make_headers(const struct curl_functions *c)
{
	char agent[64];
	struct curl_slist *all = c->slist_append(NULL, "Content-Type: application/json"), *more;

	snprintf(agent, sizeof(agent), "User-Agent: orbus/%s", orbus_version());
	more = all ? c->slist_append(all, agent) : NULL;
	/* Else a body of more than a megabyte would be asked for first. */
	more = more ? c->slist_append(more, "Expect:") : NULL;
	if (!more)
		c->slist_free_all(all);
	return more;
}

int poster_open(struct poster *p, struct log *log)
{
	*p = (struct poster){
	    .log = log, .curl = curl_on_demand(), .authorities = getenv("SSL_CERT_FILE")};
	if (!p->curl)
		return -ENOSYS;
	if (p->curl->global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return -ENOMEM;
	p->multi = p->curl->multi_init();
	p->headers = make_headers(p->curl);
	return p->multi && p->headers ? 0 : -ENOMEM;
}

void poster_close(struct poster *p)
{
	if (!p->curl)
		return;
	p->curl->slist_free_all(p->headers);
	p->curl->multi_cleanup(p->multi);
	p->curl->global_cleanup();
}
