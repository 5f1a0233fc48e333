/*
 * http_post.h: one post to one target, attempt by attempt. Only for webhook.c, in its thread.
 */
#ifndef ORBUS_AGENT_ALERTS_HTTP_POST_H
#define ORBUS_AGENT_ALERTS_HTTP_POST_H

#include "agent/common/log.h"
#include "curl_dl.h"
#include "webhook_outcome.h"

#include <stdbool.h>
#include <stdint.h>

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

/* What all attempts share. */
struct poster {
	struct log *log;
	const struct curl_functions *curl;
	CURLM *multi;
	struct curl_slist *headers;
	const char *authorities; /* $SSL_CERT_FILE, as OpenSSL's own programs know it; or NULL */
};

/* 0, -ENOMEM, or -ENOSYS where there is no libcurl. Close it in any case. */
int poster_open(struct poster *p, struct log *log);
void poster_close(struct poster *p);

/* Starts an attempt; where that fails, the job is due again later. */
void job_start(struct poster *p, struct job *j);

/* What an attempt came to: true when the job has come to its end, else it is due again later. */
bool job_judge(struct poster *p, struct job *j, CURLcode result);

/* Ends the attempt if one is under way. */
void job_stop(struct poster *p, struct job *j);

void job_free(struct job *j);

void jobs_init(struct jobs *l);
void jobs_append(struct jobs *l, struct job *j);

/* Takes out the job at a link of the list. */
struct job *jobs_take(struct jobs *l, struct job **at);
void jobs_free(struct jobs *l);

#endif
