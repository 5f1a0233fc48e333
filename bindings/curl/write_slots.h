/*
 * write_slots.h: callbacks of its own for each transfer under way, so that one knows whose it is.
 *
 * libcurl hands a callback its data pointer and nothing else, and that pointer stays the program's:
 * where a program has set CURLOPT_HEADERDATA and no CURLOPT_HEADERFUNCTION, headers come through
 * the write callback with another one, and curl_easy_duphandle() copies callbacks and pointers to a
 * handle that outlives the call. So the function tells, and no pointer of ours is ever copied.
 *
 * A slot belongs for good to the functions of the program that took it first, and serves calls with
 * these functions only: a copy of its callbacks does at any time what the program's own would do.
 */
#ifndef ORBUS_CURL_WRITE_SLOTS_H
#define ORBUS_CURL_WRITE_SLOTS_H

#include "orbus_curl.h"

/* The program's own. Without a progress function nothing is shown and nothing ends. */
struct slot_functions {
	curl_write_callback write;
	curl_xferinfo_callback progress; /* NULL: none */
};

struct progress {
	curl_off_t dltotal, dlnow, ultotal, ulnow;
};

/*
 * What is told of a call's transfer. No two of one call at a time; within them the slot is held, so
 * none of them may call write_slot_free().
 */
struct slot_watcher {
	/* Whether bytes that come with this pointer are of the call's transfer. */
	bool (*expects)(struct orbus_curl *call, const void *data);
	/* Reads bytes before the program may change them. False: a limit was reached. */
	bool (*read)(struct orbus_curl *call, const char *bytes, size_t length);
	/* The program returned `taken` for them; what to return to libcurl. */
	size_t (*passed)(struct orbus_curl *call, size_t length, size_t taken, bool in_time);
	/* The program returned `stop` for its progress; what to return to libcurl. */
	int (*progress)(struct orbus_curl *call, const struct progress *now, int stop);
};

/* Callbacks that are this call's until write_slot_free(); false: all are taken. Any thread. */
bool write_slot_take(struct orbus_curl *call, const struct slot_watcher *watcher,
    const struct slot_functions *program, unsigned *slot, struct slot_functions *ours);
void write_slot_free(unsigned slot);

#endif
