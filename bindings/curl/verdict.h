/*
 * verdict.h: how a request ended, in the words of the bus: status, error_type and error_message.
 *
 * It judges by four witnesses: the limit that was hit, the program, HTTP with the answer, and
 * libcurl. It measures nothing.
 */
#ifndef ORBUS_VERDICT_H
#define ORBUS_VERDICT_H

#include "answer.h"
#include "orbus.h"

#include <curl/curl.h>

/* The limits on a request's time. */
enum limit { LIMIT_NONE, LIMIT_CONNECT, LIMIT_FIRST_TOKEN, LIMIT_IDLE, LIMIT_TOTAL };

struct evidence {
	CURLcode result;      /* of the transfer */
	long http_status;     /* 0: no response came */
	long retry_after;     /* seconds that the server asks for, 0: not said */
	long os_error;        /* errno of a connection that failed, 0: not known */
	enum limit limit;     /* the one that ended it */
	bool program_aborted; /* a callback of the program ended it */
	bool streamed;        /* asked for, or answered, as a stream */
	const struct answer *answer;
	const char *secret; /* never repeated in a message; NULL: none */
};

#define VERDICT_MESSAGE_BYTES 320

struct verdict {
	enum orbus_status status;
	const char *error_type; /* static; NULL where the request ended well or was cancelled */
	char error_message[VERDICT_MESSAGE_BYTES]; /* "" where there is nothing to say */
};

/* The HTTP status that an error amounts to: of the response, else of the body; 0: none. */
long verdict_code(long http_status, const struct answer_facts *facts);

void verdict_reach(const struct evidence *e, struct verdict *out);

#endif
