/*
 * document_context.h: what the documents of the agent say beside a sum: of a period, of a window,
 * of everything since the agent started. The board and the files are made of them.
 */
#ifndef ORBUS_AGENT_AGGREGATE_DOCUMENT_CONTEXT_H
#define ORBUS_AGENT_AGGREGATE_DOCUMENT_CONTEXT_H

#include "agent/common/run_time.h"
#include "aggregator.h"
#include "doc/document.h"

/* What it is taken from; borrowed. */
struct document_sources {
	struct aggregator *aggregator;
	const struct run_time *run_time;
	bool utc;
};

/* What any document says as of now: of no period yet. What it points to goes on to change. */
struct document_context document_context_now(const struct document_sources *s, uint64_t now_ns);

/*
 * The sum of a window, and what its document says; `trends` must live as long as that. NULL: out of
 * memory.
 */
const struct aggregate *document_context_of_window(const struct document_sources *s,
    enum window window, uint64_t now_ns, struct document_context *c, struct trends *trends);

/* "5m", "start" */
const char *document_window_name(enum window window);

/* The document of everything since the agent started, as a file's text. NULL: out of memory. */
char *document_since_start(const struct document_sources *s, uint64_t now_ns, size_t *length);

#endif
