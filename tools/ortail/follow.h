/*
 * follow.h: requests from begin to end: what began is kept until its end comes, and both are
 * shown together. A request that does not end is reported: it still waits, its process died, or its
 * end may have been lost.
 *
 * A begin and its end are paired by libbus/live/inflight.h.
 */
#ifndef ORBUS_ORTAIL_FOLLOW_H
#define ORBUS_ORTAIL_FOLLOW_H

#include "ring/reader.h"
#include "view.h"

struct group;

enum group_outcome {
	GROUP_ENDED,
	GROUP_IN_FLIGHT,
	GROUP_ORPHANED,  /* the process died that had begun it */
	GROUP_ABANDONED, /* samples were lost, maybe its end; or the bus is another one */
};

/* `r` NULL: nothing is in flight, since there is no bus. Returns NULL: out of memory. */
struct group *group_new(const struct orbus_reader *r);
void group_free(struct group *g);

/* Follows a sample of any kind. An end is to be printed before. False: out of memory. */
bool group_note(struct group *g, const struct sample_origin *origin, const struct orbus_sample *s);

/* Prints a request that ended, with its begin where that is known. False: out of memory. */
bool group_print(struct group *g, FILE *out, const struct ortail_view *v,
    const struct sample_origin *origin, const struct orbus_sample *end);

/* Prints a request that did not end. False: out of memory. */
bool group_print_outcome(FILE *out, const struct ortail_view *v, enum group_outcome outcome,
    const struct orbus_sample *begin, uint64_t now_ns);

/* Called for each request that did not end, or has not ended yet. */
typedef void group_tell_fn(
    void *context, enum group_outcome outcome, const struct orbus_sample *begin, uint64_t now_ns);

/*
 * Where the reader has moved to another bus, reports all requests in flight as abandoned. To be
 * called before samples of the new bus are noted.
 */
void group_follow(struct group *g, const struct orbus_reader *r, uint64_t now_ns,
    group_tell_fn *tell, void *context);

/*
 * Looks for dead processes, a few lanes each time; `at_once`: all lanes. What they had published
 * until then is read before group_tell() reports them, so an end published just before a death is
 * seen.
 */
void group_look(struct group *g, struct orbus_reader *r, bool at_once);

/* Reports requests that will not end, a few lanes each time, and removes them. */
void group_tell(struct group *g, const struct orbus_reader *r, uint64_t now_ns, bool at_once,
    group_tell_fn *tell, void *context);

/* Tells of those in flight for ten seconds, twenty, forty and so on; `all`: of all in flight. */
void group_tell_waiting(
    struct group *g, uint64_t now_ns, bool all, group_tell_fn *tell, void *context);

#endif
