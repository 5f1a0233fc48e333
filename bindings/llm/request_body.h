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

struct request_body {
	char model[128]; /* "" where it is not said; cut on a character to fit */
	bool stream;
	bool has_messages, has_prompt; /* of a chat; of a text completion */
	bool is_read;                  /* it is a JSON document */
	struct token_estimate prompt;  /* of all messages */
};

/* A body that is no JSON leaves everything absent. */
void request_body_read(struct request_body *q, const char *body, size_t length);

#endif
