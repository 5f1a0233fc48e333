/*
 * transfer_error.c: libcurl's results in the words of a call.
 *
 * Source: libcurl-errors(3).
 */
#include "transfer_error.h"

#include <errno.h>
#include <string.h>

enum failure transfer_failure(CURLcode result, long os_error)
{
	switch (result) {
	case CURLE_OK: return FAILURE_NONE;
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_RESOLVE_PROXY: return FAILURE_DNS;
	case CURLE_COULDNT_CONNECT:
		return os_error == ECONNREFUSED ? FAILURE_REFUSED : FAILURE_CONNECT;
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_SSL_CIPHER:
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_CRL_BADFILE:
	case CURLE_SSL_ISSUER_ERROR:
	case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
	case CURLE_SSL_INVALIDCERTSTATUS:
	case CURLE_SSL_CLIENTCERT: return FAILURE_TLS;
	case CURLE_GOT_NOTHING:
	case CURLE_SEND_ERROR:
	case CURLE_RECV_ERROR:
	case CURLE_PARTIAL_FILE:
	case CURLE_HTTP2:
	case CURLE_HTTP2_STREAM:
	case CURLE_HTTP3: return FAILURE_LOST;
	default: return FAILURE_TRANSFER;
	}
}

const char *transfer_error(CURLcode result, long os_error)
{
	if (result == CURLE_OK)
		return "";
	if (result == CURLE_COULDNT_CONNECT && os_error)
		return strerrordesc_np((int)os_error);
	return curl_easy_strerror(result);
}
