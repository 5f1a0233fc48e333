/*
 * inflight_text.h: as much of a text as is kept of a request in flight.
 */
#ifndef ORBUS_LIVE_INFLIGHT_TEXT_H
#define ORBUS_LIVE_INFLIGHT_TEXT_H

#include <stddef.h>

#define INFLIGHT_TEXT_BYTES 128 /* with its NUL */

/* The bytes of a text that are kept: all, or as many whole characters as there is room for. */
size_t inflight_kept_bytes(const char *s, size_t room);

/*
 * An id as it is kept and paired. One that is too long ends with a hash of the whole: two that
 * begin alike stay two. A kept id is kept as it is, so that a restored one is found.
 */
void inflight_keep_id(char out[static INFLIGHT_TEXT_BYTES], const char *id);

#endif
