/*
 * nesting.h: which of several layers around one call is the call. All bindings follow this rule.
 *
 * Layers lie around a call where a client is measured whose transport is a measured client, and
 * where a program puts a request of its own (Python: the block of bus.request(); Node:
 * bus.measure(), or bus.request() until its end) around what it calls.
 *
 * 1. The innermost client counts. It is nearest to the server, so it sees each attempt, and
 *    each of several calls that one layer makes: each of them is a sample.
 * 2. A layer around it publishes nothing of its own. The first call within has the layer's begin
 *    (id and lane: a begin and its request are paired in one lane), each further one has a begin of
 *    its own. A layer without a call within is a call itself.
 * 3. A call has the tags of all layers around it; for the same tag the outer one holds.
 * 4. Names of models do not matter: a call by an alias and a call by the model behind it are one
 *    call.
 * 5. Layers of different buses have nothing to do with each other: each bus is told of a call once.
 * 6. A request by hand within a request by hand is a sample beside it, since the program said both.
 *
 * The bindings find the layers around a call each by its language's own context. They differ in one
 * thing: Python's block ends after its calls, so what the program says of it holds over what a call
 * found; in Node a call is published when it ends, and nothing that is said by hand but tags is
 * added.
 *
 * tests/conformance/nesting.json is this rule as a table.
 */
#ifndef ORBUS_LLM_NESTING_H
#define ORBUS_LLM_NESTING_H

#include <stdbool.h>

/* Whether these names, as for orbus_producer_open(), mean one bus. */
bool nesting_is_same_bus(const char *a, const char *b);

#endif
