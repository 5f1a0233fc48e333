/*
 * checkpoint_section.h: one period in the checkpoint: its section.
 *
 * A section is the very document that the period's file shows, with the period's bounds and its own
 * trends beside it: what describes a period to people also restores it. It is kept with the period,
 * and used again for as long as the period has not changed; the period's file is made of it.
 */
#ifndef ORBUS_AGENT_PERSIST_CHECKPOINT_SECTION_H
#define ORBUS_AGENT_PERSIST_CHECKPOINT_SECTION_H

#include "base/calendar.h"
#include "doc/checkpoint_file.h"
#include "doc/doc_keys.h"
#include "doc/document.h"
#include "stats/aggregate.h"

/* What a section is made of. */
struct checkpoint_section {
	const struct period_span *span;
	bool has_base, complete;
	bool delta; /* it adds to the section before it */
	const struct aggregate *sum;
	const struct document_context *context; /* what its document says beside the sum */
	/* The document's are of all that is known; these, the period's own record. */
	const struct trends *own;
};

/* Its bytes, malloc'ed: 0, -EFBIG, -ENOMEM. */
int checkpoint_section_write(struct checkpoint_compressor *compressor,
    const struct checkpoint_section *s, char **section, size_t *size);

/* What the document of a section says of the period. */
struct saved_period {
	struct period_span span;
	bool has_base, complete, delta;
	struct doc_raw document, trends; /* within the bytes that were read */
};

/* Untrusted msgpack: 0, -EBADMSG. */
int saved_period_read(const char *bytes, size_t length, struct saved_period *out);

/* What it holds, into an aggregate (initialised, empty): 0, -EBADMSG, -ENOMEM. */
int saved_period_sum(const struct saved_period *p, struct aggregate *sum, struct trends *trends);

/* The same of a section's bytes. */
int checkpoint_section_read(
    const char *section, size_t size, struct aggregate *sum, struct trends *trends);

/* The text of the period's file, malloc'ed; NULL: it is *too_large for its readers, or memory is
 * short. */
char *checkpoint_section_text(const char *section, size_t size, size_t *length, bool *too_large);

#endif
