/*
 * write_slots.h: a write callback for each transfer under way, so that one knows whose it is.
 *
 * libcurl calls CURLOPT_WRITEFUNCTION not with CURLOPT_WRITEDATA alone: where a program has set
 * CURLOPT_HEADERDATA and no CURLOPT_HEADERFUNCTION, headers come through it with that pointer, and
 * neither can be asked for. So the pointer tells nothing, and the function has to.
 */
#ifndef ORBUS_WRITE_SLOTS_H
#define ORBUS_WRITE_SLOTS_H

#include "orbus_curl.h"

/* What is written, whoever it is for; `data` is libcurl's pointer. Defined in orbus_curl.c. */
size_t orbus_curl_write(
    struct orbus_curl *call, char *bytes, size_t size, size_t count, void *data);

/* A callback that is this call's until write_slot_free(); NULL: all are taken. Any thread. */
curl_write_callback write_slot_take(struct orbus_curl *call, unsigned *slot);
void write_slot_free(unsigned slot);

#endif
