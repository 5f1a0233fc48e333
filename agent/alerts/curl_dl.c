/*
 * curl_dl.c: libcurl, loaded when the first webhook is named.
 */
#include "curl_dl.h"

#include <dlfcn.h>
#include <stdbool.h>
#include <string.h>

/* One interface under two names: Debian's flavour with GnuTLS has a name of its own. */
static const char *const names[] = {"libcurl.so.4", "libcurl-gnutls.so.4"};

static bool find(void *library, const char *name, void *function)
{
	void *found = dlsym(library, name);

	/* POSIX has functions and objects share a representation; C does not. */
	memcpy(function, &found, sizeof(found));
	return found;
}

static bool find_all(void *library, struct curl_functions *out)
{
#define CURL_FIND(name) &&find(library, "curl_" #name, &out->name)
	return true CURL_FUNCTIONS(CURL_FIND);
#undef CURL_FIND
}

/* The options that a post sets are there since 7.85. */
static bool is_new_enough(const struct curl_functions *c)
{
	return c->version_info(CURLVERSION_NOW)->version_num >= 0x075500;
}

const struct curl_functions *curl_on_demand(void)
{
	static struct curl_functions functions;
	static bool loaded;

	for (size_t i = 0; !loaded && i < sizeof(names) / sizeof(names[0]); i++) {
		void *library = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);

		loaded = library && find_all(library, &functions) && is_new_enough(&functions);
		if (library && !loaded)
			dlclose(library);
	}
	return loaded ? &functions : NULL;
}
