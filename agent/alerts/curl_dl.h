/*
 * curl_dl.h: libcurl, loaded when the first webhook is named.
 *
 * An agent that posts nothing, as most, is spared libcurl with the forty libraries behind it: 6 of
 * the 16 MiB that an agent may take.
 */
#ifndef ORBUS_AGENT_ALERTS_CURL_DL_H
#define ORBUS_AGENT_ALERTS_CURL_DL_H

#include <curl/curl.h>

#define CURL_FUNCTIONS(f)                                                                    \
	f(easy_cleanup) f(easy_getinfo) f(easy_init) f(easy_setopt) f(easy_strerror) f(free) \
	    f(global_cleanup) f(global_init) f(multi_add_handle) f(multi_cleanup)            \
		f(multi_info_read) f(multi_init) f(multi_perform) f(multi_poll)              \
		    f(multi_remove_handle) f(multi_wakeup) f(slist_append) f(slist_free_all) \
			f(url) f(url_cleanup) f(url_get) f(url_set) f(version_info)

/* The functions of libcurl under its own names, less "curl_". */
struct curl_functions {
#define CURL_MEMBER(name) __typeof__(curl_##name) *name;
	CURL_FUNCTIONS(CURL_MEMBER)
#undef CURL_MEMBER
};

/* NULL: it is not there, or is too old. What was loaded stays. The agent's own thread only. */
const struct curl_functions *curl_on_demand(void);

#endif
