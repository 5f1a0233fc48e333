/*
 * transfer.h: a transfer that is measured, and what is read of it as it passes.
 *
 * It is not for how a measurement begins and ends: orbus_curl.c.
 */
#ifndef ORBUS_CURL_TRANSFER_H
#define ORBUS_CURL_TRANSFER_H

#include "llm/call.h"
#include "orbus_curl.h"
#include "write_slots.h"

/* Programs hold a handle of ring/handle.h, and callbacks the struct itself. */
struct orbus_curl {
	CURL *easy;
	struct orbus_producer *producer;
	curl_write_callback write_function; /* the program's, or libcurl's default */
	void *write_data;
	struct orbus_curl_options options;
	struct llm_call call;
	bool body_seen;
	bool program_aborted;
	bool is_detaching;
	const char *unread;                   /* why the body is not read; NULL: it is */
	bool function_is_called, data_is_met; /* ours, with any pointer; with the program's */
	bool in_header;
	uint8_t header_matched; /* bytes of HTTP/ where a header may begin */
	size_t header_line;     /* bytes of the line so far */
	unsigned slot;
	size_t ahead; /* bytes that were read and that the program has yet to take */
};

/* What the slot calls while the transfer runs. */
extern const struct slot_watcher transfer_watcher;

/*
 * The value of a header, NULL: none. It is asked for only where nothing else tells, since libcurl
 * writes it over the header that the program may have asked for last.
 */
const char *transfer_find_header(CURL *easy, const char *name);

/* Whether the program's text_function of this call is running in this thread. */
bool transfer_is_being_read(const struct orbus_curl *c);

#endif
