/*
 * transfer_error.h: libcurl's results in the words of a call.
 */
#ifndef ORBUS_CURL_TRANSFER_ERROR_H
#define ORBUS_CURL_TRANSFER_ERROR_H

#include "llm/outcome.h"

#include <curl/curl.h>

/* `os_error`: errno of a connection that failed, 0: not known. Of CURLE_OK: FAILURE_NONE. */
enum failure transfer_failure(CURLcode result, long os_error);

/* In a sentence, "" for CURLE_OK. Static text, or strerror()'s of this thread. */
const char *transfer_error(CURLcode result, long os_error);

#endif
