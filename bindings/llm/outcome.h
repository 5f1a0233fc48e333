/*
 * outcome.h: how a request ended, in the words of the bus: status, error_type and error_message.
 *
 * It judges by four witnesses: the limit that was hit, the program, HTTP with the answer, and the
 * transport. It measures nothing. A message that `quotes` a server may hold anything, also a prompt
 * or a key: whether it may be published is for call.c to find out.
 */
#ifndef ORBUS_LLM_OUTCOME_H
#define ORBUS_LLM_OUTCOME_H

#include "orbus.h"
#include "response.h"

/* The limits on a request's time. */
enum limit { LIMIT_NONE, LIMIT_CONNECT, LIMIT_FIRST_TOKEN, LIMIT_IDLE, LIMIT_TOTAL };

/* What a transport could not do. */
enum failure {
	FAILURE_NONE,
	FAILURE_DNS,      /* find the host */
	FAILURE_REFUSED,  /* connect: the port is closed */
	FAILURE_CONNECT,  /* connect, for another reason */
	FAILURE_TLS,      /* agree on a secure connection, or trust it */
	FAILURE_LOST,     /* keep the connection until the answer was whole */
	FAILURE_TRANSFER, /* anything else */
};

struct evidence {
	long http_status;            /* 0: no response came */
	long retry_after;            /* seconds that the server asks for, 0: not said */
	enum limit limit;            /* the one that ended it */
	bool program_aborted;        /* the program ended it */
	enum failure failure;        /* of the transport */
	const char *failure_message; /* NULL: none */
	bool streamed;               /* asked for, or answered, as a stream */
	const struct response *response;
};

#define OUTCOME_MESSAGE_BYTES 320

struct outcome {
	enum orbus_status status;
	const char *error_type; /* static; NULL where the request ended well or was cancelled */
	char error_message[OUTCOME_MESSAGE_BYTES]; /* "": none */
	bool quotes;    /* the message is of a server or of a transport, not ours */
	bool may_retry; /* an error of the API: it may say when to try again */
};

/* The error_type of an HTTP status from 300 on; static. */
const char *outcome_http_type(long status);

/* The HTTP status that an error amounts to: of the response, else of the body; 0: none. */
long outcome_code(long http_status, const struct response_facts *facts);

void outcome_reach(const struct evidence *e, struct outcome *out);

/* Puts words of ours in place of a message that must not be published. */
void outcome_withhold(struct outcome *v, const char *why);

/* Last, since it adds to the message: when to try again, if the API says so. */
void outcome_add_retry(struct outcome *v, long retry_after);

/* Likewise the error_type of a limit, and of a failure, in mid-stream or before; static. */
const char *outcome_limit_type(enum limit limit);
const char *outcome_failure_type(enum failure failure, bool in_stream);

#endif
