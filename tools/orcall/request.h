/*
 * request.h: what orcall sends: address, headers, body. The key goes into one header and
 * nowhere else.
 */
#ifndef ORBUS_ORCALL_REQUEST_H
#define ORBUS_ORCALL_REQUEST_H

#include "common/tags.h"
#include "options.h"

#include <curl/curl.h>

#define ORCALL_MODELS_MAX 64

struct orcall_request {
	char *url;
	const char *key; /* NULL: none is sent */
	struct curl_slist *headers;
	size_t model_count;
	char *models[ORCALL_MODELS_MAX];
	char *bodies[ORCALL_MODELS_MAX]; /* JSON, of each model */
	bool stream;
	struct cli_tags tags;
};

/*
 * Makes the request out of settings, the environment and the prompt: the operands, else standard
 * input. Returns CLI_PROCEED, or the status to exit with, after a message. Free it either way.
 */
int orcall_request_make(struct orcall_request *r, const struct orcall_settings *s, char **operands);
void orcall_request_free(struct orcall_request *r);

#endif
