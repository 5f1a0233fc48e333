/*
 * call_end.h: the end of an instrumented call, which in the block of a Request is left to that.
 *
 * A call is one sample, also where the program times it by hand and its client is instrumented: the
 * block's sample is filled in with what the call found out. A call that is followed by another one
 * in the block (a try that failed, an agent's next question) is a sample of its own. The rule for
 * all layers is in bindings/llm/nesting.h.
 */
#ifndef ORBUS_PYTHON_EXT_CALL_END_H
#define ORBUS_PYTHON_EXT_CALL_END_H

#include "objects.h"

/* Of a call that has ended within a block: what it found out, and by which id of ours. */
const struct orbus_sample *call_sample(const struct call *c);
const char *call_id(const struct call *c);

/* The tags of the call: the block's own, then those around it and its client's. */
const struct orbus_tag *call_tags(const struct call *c, size_t *count);

/* Publishes a call that has ended within a block as a sample of its own. */
void call_publish(struct call *c);

/* Ends a call whose block was left by an exception, or judged, while its answer came. */
void call_end_with_block(struct call *c);

/* The block is left, and the answer goes on: the call publishes its end, and goes by this id. */
void call_take_over(struct call *c, const char *id);

/* Frees what the call has borrowed but its tags, and its memory. */
void call_let_go(struct call *c);

/* Judges; then the sample is published, or left to the block, which goes on. */
void call_finish(struct call *c, const struct llm_call_result *result);

#endif
