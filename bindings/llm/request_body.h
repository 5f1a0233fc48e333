/*
 * request_body.h: what a request's body asks for: model, stream, and how long the prompt is.
 *
 * Reads it once, keeps names and figures, never text.
 */
#ifndef ORBUS_LLM_REQUEST_BODY_H
#define ORBUS_LLM_REQUEST_BODY_H

#include "token_estimate.h"

#include <stdbool.h>
#include <stddef.h>

struct question {
	char model[128]; /* "" where it is not said; cut on a character to fit */
	bool stream;
	bool is_read;        /* it is a JSON document */
	struct tally prompt; /* of all messages */
};

/* A body that is no JSON leaves everything absent. */
void question_read(struct question *q, const char *body, size_t length);

#endif
