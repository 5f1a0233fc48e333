/*
 * outcome.c: how a request ended, in the words of the bus.
 *
 * Sources: OpenRouter's API reference, "Errors and debugging" (the meaning of the codes); RFC 9110
 * for those that it does not list.
 */
#include "outcome.h"
#include "base/utf8.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	long status;
	const char *type;
} http_types[] = {
    {400, "bad_request"},
    {401, "unauthorized"},
    {402, "insufficient_credits"},
    {403, "forbidden"},
    {404, "not_found"},
    {408, "request_timeout"},
    {413, "payload_too_large"},
    {422, "unprocessable"},
    {429, "rate_limited"},
    {500, "server_error"},
    {502, "bad_gateway"},
    {503, "service_unavailable"},
    {504, "gateway_timeout"},
    {524, "origin_timeout"},
    {529, "overloaded"},
};

/* NULL where the status is not one of the above. */
static const char *known_http_type(long status)
{
	for (size_t i = 0; i < sizeof(http_types) / sizeof(http_types[0]); i++)
		if (http_types[i].status == status)
			return http_types[i].type;
	return NULL;
}

const char *outcome_http_type(long status)
{
	const char *type = known_http_type(status);

	if (type)
		return type;
	return status >= 500   ? "server_error"
	       : status >= 400 ? "client_error"
	                       : "unexpected_status";
}

const char *outcome_limit_type(enum limit limit)
{
	switch (limit) {
	case LIMIT_CONNECT: return "timeout_connect";
	case LIMIT_FIRST_TOKEN: return "timeout_first_token";
	case LIMIT_IDLE: return "timeout_idle";
	default: return "timeout_total";
	}
}

static const char *limit_message(enum limit limit)
{
	switch (limit) {
	case LIMIT_CONNECT: return "no connection in time";
	case LIMIT_FIRST_TOKEN: return "no first token in time";
	case LIMIT_IDLE: return "the tokens stopped coming";
	default: return "no end in time";
	}
}

const char *outcome_failure_type(enum failure failure, bool in_stream)
{
	switch (failure) {
	case FAILURE_DNS: return "dns_failed";
	case FAILURE_REFUSED: return "connection_refused";
	case FAILURE_CONNECT: return "connection_failed";
	case FAILURE_TLS: return "tls_failed";
	case FAILURE_LOST: return in_stream ? "stream_truncated" : "connection_lost";
	default: return "transfer_failed";
	}
}

static void end(struct outcome *v, enum orbus_status status, const char *type, const char *message)
{
	v->status = status;
	v->error_type = type;
	v->quotes = v->may_retry = false;
	snprintf(v->error_message, sizeof(v->error_message), "%s", message);
}

/* An error that the API explains, as far as it does. */
static void end_with_api_error(const struct evidence *e, struct outcome *v, const char *type)
{
	const struct response_facts *f = &e->response->facts;

	end(v, ORBUS_STATUS_ERROR, type, f->error_message);
	if (!v->error_message[0] && f->error_code[0])
		snprintf(v->error_message, sizeof(v->error_message), "error %s", f->error_code);
	v->quotes = v->error_message[0] != '\0';
	if (!v->quotes && e->http_status >= 300)
		snprintf(
		    v->error_message, sizeof(v->error_message), "HTTP status %ld", e->http_status);
	else if (!v->quotes)
		snprintf(v->error_message, sizeof(v->error_message), "an error without a message");
	v->may_retry = true;
}

void outcome_withhold(struct outcome *v, const char *why)
{
	snprintf(v->error_message, sizeof(v->error_message), "(text withheld: %s)", why);
	v->quotes = false;
}

void outcome_add_retry(struct outcome *v, long retry_after)
{
	size_t used;

	if (!v->may_retry || retry_after <= 0)
		return;
	used = utf8_cut(v->error_message, strlen(v->error_message), ORBUS_ERROR_MESSAGE_MAX - 40);
	snprintf(v->error_message + used, sizeof(v->error_message) - used, " (retry after %ld s)",
	    retry_after);
}

long outcome_code(long http_status, const struct response_facts *facts)
{
	long code = strtol(facts->error_code, NULL, 10);

	if (http_status >= 300)
		return http_status;
	return facts->has_error && code >= 100 && code <= 599 ? code : 0;
}

/* An error in an answer that began with HTTP 200. */
static const char *body_error_type(const struct evidence *e)
{
	const char *known = known_http_type(outcome_code(e->http_status, &e->response->facts));

	if (e->response->form == RESPONSE_EVENTS)
		return "stream_error";
	return known ? known : "api_error";
}

/* Some transports quote what came: a status line, the names in a certificate. */
static void end_with_failure(const struct evidence *e, struct outcome *v)
{
	bool in_stream = e->response->form == RESPONSE_EVENTS;

	end(v, ORBUS_STATUS_ERROR, outcome_failure_type(e->failure, in_stream),
	    e->failure_message ? e->failure_message : "");
	v->quotes = true;
}

/* A transfer that went well, up to what it carried. */
static void judge_content(const struct evidence *e, struct outcome *v)
{
	const struct response_facts *f = &e->response->facts;

	if (e->response->form == RESPONSE_UNKNOWN)
		end(v, ORBUS_STATUS_ERROR, e->streamed ? "stream_truncated" : "malformed_response",
		    "the answer is empty");
	else if (f->malformed)
		end(v, ORBUS_STATUS_ERROR, "malformed_response", "the answer is not valid JSON");
	else if (!f->complete)
		end(v, ORBUS_STATUS_ERROR, "stream_truncated", "the stream ended without [DONE]");
	else if (!f->has_choices)
		end(v, ORBUS_STATUS_ERROR, "malformed_response", "the answer has no choices");
	else
		end(v, ORBUS_STATUS_OK, NULL, "");
}

static bool is_answered(const struct response_facts *f)
{
	return f->complete && f->has_choices && !f->malformed;
}

void outcome_reach(const struct evidence *e, struct outcome *v)
{
	const struct response_facts *f = &e->response->facts;
	bool late = e->response->form == RESPONSE_EVENTS && is_answered(f);

	/* A connection that stays open after [DONE] costs the program time, not its answer. */
	if (e->limit != LIMIT_NONE && !late)
		end(v, ORBUS_STATUS_TIMEOUT, outcome_limit_type(e->limit), limit_message(e->limit));
	else if (e->http_status >= 300)
		end_with_api_error(e, v, outcome_http_type(e->http_status));
	else if (f->has_error)
		end_with_api_error(e, v, body_error_type(e));
	else if (e->program_aborted && !is_answered(f))
		end(v, ORBUS_STATUS_CANCELLED, NULL, "");
	else if (e->failure != FAILURE_NONE && !is_answered(f))
		end_with_failure(e, v);
	else
		judge_content(e, v);
	/* Words of a locale that is not UTF-8 could not be published. */
	if (!utf8_is_valid(v->error_message, strlen(v->error_message)))
		v->error_message[0] = '\0';
}
