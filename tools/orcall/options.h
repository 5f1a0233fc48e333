/*
 * options.h: orcall's options as they were given.
 */
#ifndef ORBUS_ORCALL_OPTIONS_H
#define ORBUS_ORCALL_OPTIONS_H

#include "base/programs.h"

#include <stdbool.h>

struct orcall_settings {
	const char *bus, *bot;
	const char *url;
	const char *models; /* "a,b,c" */
	const char *system; /* NULL: none */
	bool stream, no_stream;
	uint64_t max_tokens;                                    /* 0: not said */
	uint64_t total_ns, connect_ns, first_token_ns, idle_ns; /* 0: no such limit */
	uint64_t repeat, concurrency, retries;
	bool json;
	struct cli_list tags;
};

#endif
