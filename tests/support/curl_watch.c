/*
 * curl_watch.c: the callbacks of a program that uses libcurl, for tests. Each writes down what it
 * is called with, and does what the test has asked of it.
 */
#define CURL_DISABLE_DEPRECATION
#include "curl_setups.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

_Thread_local struct run *running;

/* --- Texts -------------------------------------------------------------------------------------
 */

static void text_put(struct text *t, const char *bytes, size_t length)
{
	if (t->used + length + 1 > t->room) {
		t->room = 2 * (t->used + length + 1);
		t->at = realloc(t->at, t->room);
		if (!t->at)
			abort();
	}
	memcpy(t->at + t->used, bytes, length);
	t->used += length;
	t->at[t->used] = '\0';
}

void text_add(struct text *t, const char *format, ...)
{
	char piece[512];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(piece, sizeof(piece), format, arguments);
	va_end(arguments);
	text_put(t, piece, strlen(piece));
}

void text_add_text(struct text *t, const struct text *more)
{
	if (more->used)
		text_put(t, more->at, more->used);
}

void text_add_escaped(struct text *t, const char *bytes, size_t length)
{
	text_put(t, "\"", 1);
	for (size_t i = 0; i < length; i++) {
		unsigned char c = (unsigned char)bytes[i];

		if (c < 0x20 || c >= 0x7f || c == '"' || c == '\\')
			text_add(t, "\\u%04x", c);
		else
			text_put(t, bytes + i, 1);
	}
	text_put(t, "\"", 1);
}

void text_add_string(struct text *t, const char *string)
{
	if (string)
		text_add_escaped(t, string, strlen(string));
	else
		text_add(t, "null");
}

void text_add_events(struct text *t, const struct events *events)
{
	text_add(t, "[");
	for (size_t i = 0; i < events->count; i++) {
		char line[256];

		snprintf(line, sizeof(line), "%s %zu:%08x", events->at[i].what, events->at[i].bytes,
		    (unsigned)events->at[i].hash);
		text_add(t, i ? ", " : "");
		text_add_string(t, line);
	}
	text_add(t, "]");
}

/* --- Events ------------------------------------------------------------------------------------
 */

#define HASH_START UINT64_C(0xcbf29ce484222325)

static uint64_t hash(uint64_t so_far, const char *bytes, size_t length)
{
	for (size_t i = 0; i < length; i++)
		so_far = (so_far ^ (unsigned char)bytes[i]) * UINT64_C(0x100000001b3);
	return so_far;
}

static void note(
    struct events *events, bool joins, const char *what, const char *bytes, size_t length)
{
	struct event *last = events->count ? &events->at[events->count - 1] : NULL;

	if (!joins || !last || !last->joins || strcmp(last->what, what) != 0) {
		if (events->count == events->room) {
			events->room = 2 * events->room + 16;
			events->at = realloc(events->at, events->room * sizeof(*events->at));
			if (!events->at)
				abort();
		}
		last = &events->at[events->count++];
		*last = (struct event){.hash = HASH_START, .joins = joins};
		snprintf(last->what, sizeof(last->what), "%s", what);
	}
	last->bytes += length;
	last->hash = hash(last->hash, bytes, length);
}

/* --- Objects -----------------------------------------------------------------------------------
 */

static char objects[][16] = {"mine", "yours", "headers", "reads", "progress", "debug", "sockets",
    "other", "ssl", "hsts", "prereq", "resolver", "trailer", "chunks", "rtp", "keys"};

void *watch_object(const char *name)
{
	for (size_t i = 0; i < sizeof(objects) / sizeof(objects[0]); i++)
		if (strcmp(objects[i], name) == 0)
			return objects[i];
	for (int i = 0; i < 4; i++)
		if (strncmp(name, "file", 4) == 0 && name[4] == '0' + i)
			return running->files[i];
	return NULL;
}

const char *watch_name(const void *object)
{
	if (!object)
		return "null";
	for (size_t i = 0; i < sizeof(objects) / sizeof(objects[0]); i++)
		if (objects[i] == object)
			return objects[i];
	return object == stdout ? "stdout" : object == stdin ? "stdin" : "unknown";
}

/* --- What a program does in its callbacks -------------------------------------------------------
 */

void watch_detach(struct run *r, CURLcode result)
{
	errno = 1234;
	orbus_curl_detach(r->call, result);
	r->call = NULL;
	if (errno != 1234)
		text_add(&r->samples, ", \"errno %d\"", errno);
}

static void clean_up_other(struct run *r)
{
	orbus_curl_detach(r->other_call, CURLE_ABORTED_BY_CALLBACK);
	curl_easy_cleanup(r->other);
	r->other_call = NULL;
	r->other = NULL;
}

/*
 * The action that the test asks of this call; "" for none. Actions that need no answer of libcurl
 * are done here.
 */
static const char *action(const char *name)
{
	struct run *r = running;

	for (unsigned i = 0; i < r->deed_count; i++) {
		struct deed *d = &r->deeds[i];

		if (strcmp(d->name, name) != 0 || ++r->call_counts[i] != d->number)
			continue;
		if (strcmp(d->action, "detach") == 0 && r->call)
			watch_detach(r, CURLE_ABORTED_BY_CALLBACK);
		else if (strcmp(d->action, "cleanup-other") == 0 && r->other)
			clean_up_other(r);
		else if (strcmp(d->action, "remove") == 0)
			text_add(&r->results, ", \"removed\": %d",
			    curl_multi_remove_handle(r->multi, r->easy));
		else if (strcmp(d->action, "cleanup-self") == 0 && r->multi)
			text_add(&r->results, ", \"recursive\": %d", curl_easy_perform(r->easy));
		else if (strcmp(d->action, "keep-header") == 0)
			curl_easy_header(
			    r->easy, "Content-Type", 0, CURLH_HEADER, -1, &r->kept_header);
		return d->action;
	}
	return "";
}

static size_t answer_for(const char *action, size_t length)
{
	if (strcmp(action, "pause") == 0) {
		running->paused = true;
		return CURL_WRITEFUNC_PAUSE;
	}
	if (strcmp(action, "error") == 0)
		return CURL_WRITEFUNC_ERROR;
	if (strcmp(action, "short") == 0)
		return length - 1;
	if (strcmp(action, "long") == 0)
		return length + 1;
	return strcmp(action, "none") == 0 ? 0 : length;
}

static size_t take(const char *name, char *bytes, size_t size, size_t count, void *data, bool joins)
{
	size_t length = size * count, taken;
	const char *done = action(name);
	char what[64];

	taken = answer_for(done, length);
	snprintf(what, sizeof(what), "%s %zu %s%s%s", name, size, watch_name(data),
	    *done ? " " : "", done);
	/* A pause's bytes come again, in other pieces. */
	note(&running->calls, joins, what, bytes, strcmp(done, "pause") == 0 ? 0 : length);
	if (joins && running->size_count < SIZES_MAX)
		running->sizes[running->size_count++] = (unsigned)length;
	if (strcmp(done, "scribble") == 0)
		memset(bytes, 'x', length);
	if (strcmp(done, "errno") == 0)
		errno = ENOSPC;
	return taken;
}

static size_t on_write(char *bytes, size_t size, size_t count, void *data)
{
	return take("write", bytes, size, count, data, true);
}

static size_t on_write_two(char *bytes, size_t size, size_t count, void *data)
{
	return take("write-two", bytes, size, count, data, true);
}

static size_t on_header(char *bytes, size_t size, size_t count, void *data)
{
	return take("header", bytes, size, count, data, false);
}

static size_t on_interleave(char *bytes, size_t size, size_t count, void *data)
{
	return take("interleave", bytes, size, count, data, true);
}

static size_t on_read(char *bytes, size_t size, size_t count, void *data)
{
	struct run *r = running;
	size_t left = strlen(r->upload + r->upload_at), most = size * count;
	const char *done = action("read");
	char what[96];

	if (left > most)
		left = most;
	if (strcmp(done, "abort") == 0)
		left = CURL_READFUNC_ABORT;
	if (strcmp(done, "pause") == 0) {
		r->paused = true;
		left = CURL_READFUNC_PAUSE;
	}
	snprintf(what, sizeof(what), "read %zux%zu %s returns %zu %s", size, count,
	    watch_name(data), left, done);
	note(&r->calls, false, what, "", 0);
	if (left > most)
		return left;
	memcpy(bytes, r->upload + r->upload_at, left);
	r->upload_at += left;
	return left;
}

static int on_seek(void *data, curl_off_t offset, int origin)
{
	char what[96];

	snprintf(what, sizeof(what), "seek %s %ld %d", watch_name(data), (long)offset, origin);
	note(&running->calls, false, what, "", 0);
	running->upload_at = (size_t)offset;
	return *action("seek") ? CURL_SEEKFUNC_FAIL : CURL_SEEKFUNC_OK;
}

static curlioerr on_ioctl(CURL *easy, int command, void *data)
{
	char what[96];

	snprintf(
	    what, sizeof(what), "ioctl %s %d %d", watch_name(data), command, easy == running->easy);
	note(&running->calls, false, what, "", 0);
	running->upload_at = 0;
	return CURLIOE_OK;
}

/* How often it is called is the clock's affair. */
static int on_xferinfo(
    void *data, curl_off_t dltotal, curl_off_t dlnow, curl_off_t ultotal, curl_off_t ulnow)
{
	struct run *r = running;
	const char *done = action("xferinfo");

	snprintf(r->progress, sizeof(r->progress), "xferinfo %s %ld %ld %ld %ld %s",
	    watch_name(data), (long)dltotal, (long)dlnow, (long)ultotal, (long)ulnow, done);
	if (r->paused && !r->multi) {
		r->paused = false;
		curl_easy_pause(r->easy, CURLPAUSE_CONT);
	}
	return strcmp(done, "abort") == 0      ? 7
	       : strcmp(done, "continue") == 0 ? CURL_PROGRESSFUNC_CONTINUE
	                                       : 0;
}

static int on_progress(void *data, double dltotal, double dlnow, double ultotal, double ulnow)
{
	snprintf(running->progress, sizeof(running->progress), "progress %s %.0f %.0f %.0f %.0f",
	    watch_name(data), dltotal, dlnow, ultotal, ulnow);
	return strcmp(action("progress"), "abort") == 0;
}

static int on_debug(CURL *easy, curl_infotype type, char *bytes, size_t length, void *data)
{
	char what[160];

	snprintf(
	    what, sizeof(what), "debug %d %s %d", type, watch_name(data), easy == running->easy);
	if (type == CURLINFO_TEXT)
		snprintf(what, sizeof(what), "debug text %.*s", (int)length, bytes);
	if (type == CURLINFO_TEXT || type == CURLINFO_HEADER_IN || type == CURLINFO_HEADER_OUT)
		note(&running->debug, false, what, bytes, type == CURLINFO_TEXT ? 0 : length);
	return 0;
}

static int on_sockopt(void *data, curl_socket_t fd, curlsocktype purpose)
{
	const char *done = action("sockopt");
	char what[96];

	snprintf(what, sizeof(what), "sockopt %s %d %s", watch_name(data), purpose, done);
	note(&running->calls, false, what, "", (size_t)(fd < 0));
	return strcmp(done, "error") == 0 ? CURL_SOCKOPT_ERROR : CURL_SOCKOPT_OK;
}

static curl_socket_t on_open(void *data, curlsocktype purpose, struct curl_sockaddr *address)
{
	const char *done = action("opensocket");
	char what[96];

	snprintf(what, sizeof(what), "opensocket %s %d %d %d %s", watch_name(data), purpose,
	    address->family, address->protocol, done);
	note(&running->calls, false, what, "", 0);
	if (strcmp(done, "bad") == 0)
		return CURL_SOCKET_BAD;
	return socket(address->family, address->socktype, address->protocol);
}

static int on_close(void *data, curl_socket_t fd)
{
	char what[96];

	snprintf(what, sizeof(what), "closesocket %s", watch_name(data));
	if (running)
		note(&running->calls, false, what, "", 0);
	return close(fd);
}

static CURLcode on_ssl_ctx(CURL *easy, void *context, void *data)
{
	const char *done = action("ssl_ctx");
	char what[96];

	snprintf(what, sizeof(what), "ssl_ctx %s %d %d %s", watch_name(data), easy == running->easy,
	    context != NULL, done);
	note(&running->calls, false, what, "", 0);
	return strcmp(done, "abort") == 0 ? CURLE_ABORTED_BY_CALLBACK : CURLE_OK;
}

static int on_prereq(void *data, char *ip, char *local_ip, int port, int local_port)
{
	const char *done = action("prereq");
	char what[160];

	snprintf(what, sizeof(what), "prereq %s %s %s %d %s", watch_name(data), ip, local_ip,
	    port > 0 && local_port > 0, done);
	note(&running->calls, false, what, "", 0);
	return strcmp(done, "abort") == 0 ? CURL_PREREQFUNC_ABORT : CURL_PREREQFUNC_OK;
}

static int on_resolver_start(void *resolver, void *reserved, void *data)
{
	char what[96];

	(void)resolver, (void)reserved;
	snprintf(what, sizeof(what), "resolver %s", watch_name(data));
	note(&running->calls, false, what, "", 0);
	return strcmp(action("resolver"), "abort") == 0;
}

static int on_trailer(struct curl_slist **list, void *data)
{
	char what[96];

	snprintf(what, sizeof(what), "trailer %s", watch_name(data));
	note(&running->calls, false, what, "", 0);
	*list = curl_slist_append(*list, "X-Trailer: 1");
	return strcmp(action("trailer"), "abort") == 0 ? CURL_TRAILERFUNC_ABORT
	                                               : CURL_TRAILERFUNC_OK;
}

static CURLSTScode on_hsts_read(CURL *easy, struct curl_hstsentry *entry, void *data)
{
	char what[96];

	snprintf(what, sizeof(what), "hstsread %s %d", watch_name(data), easy != NULL);
	note(&running->calls, false, what, "", 0);
	if (running->hsts_given++)
		return CURLSTS_DONE;
	snprintf(entry->name, entry->namelen, "secure.example");
	snprintf(entry->expire, sizeof(entry->expire), "20991231 00:00:00");
	return CURLSTS_OK;
}

static CURLSTScode on_hsts_write(
    CURL *easy, struct curl_hstsentry *entry, struct curl_index *index, void *data)
{
	char what[160];

	snprintf(what, sizeof(what), "hstswrite %s %.40s %zu/%zu %d", watch_name(data), entry->name,
	    index->index, index->total, easy != NULL);
	if (running)
		note(&running->calls, false, what, "", 0);
	return CURLSTS_OK;
}

/* Of protocols that the tests' server does not speak: setting them must change nothing. */
static int never(void)
{
	note(&running->calls, false, "a callback of another protocol", "", 0);
	return 0;
}

static const struct {
	const char *option;
	void (*function)(void);
} functions[] = {
    {"WRITEFUNCTION", (void (*)(void))on_write},
    {"WRITEFUNCTION two", (void (*)(void))on_write_two},
    {"HEADERFUNCTION", (void (*)(void))on_header},
    {"INTERLEAVEFUNCTION", (void (*)(void))on_interleave},
    {"READFUNCTION", (void (*)(void))on_read},
    {"SEEKFUNCTION", (void (*)(void))on_seek},
    {"IOCTLFUNCTION", (void (*)(void))on_ioctl},
    {"XFERINFOFUNCTION", (void (*)(void))on_xferinfo},
    {"PROGRESSFUNCTION", (void (*)(void))on_progress},
    {"DEBUGFUNCTION", (void (*)(void))on_debug},
    {"SOCKOPTFUNCTION", (void (*)(void))on_sockopt},
    {"OPENSOCKETFUNCTION", (void (*)(void))on_open},
    {"CLOSESOCKETFUNCTION", (void (*)(void))on_close},
    {"SSL_CTX_FUNCTION", (void (*)(void))on_ssl_ctx},
    {"PREREQFUNCTION", (void (*)(void))on_prereq},
    {"RESOLVER_START_FUNCTION", (void (*)(void))on_resolver_start},
    {"TRAILERFUNCTION", (void (*)(void))on_trailer},
    {"HSTSREADFUNCTION", (void (*)(void))on_hsts_read},
    {"HSTSWRITEFUNCTION", (void (*)(void))on_hsts_write},
    {"CHUNK_BGN_FUNCTION", (void (*)(void))never},
    {"CHUNK_END_FUNCTION", (void (*)(void))never},
    {"FNMATCH_FUNCTION", (void (*)(void))never},
    {"SSH_HOSTKEYFUNCTION", (void (*)(void))never},
    {"SSH_KEYFUNCTION", (void (*)(void))never},
    {"CONV_FROM_NETWORK_FUNCTION", (void (*)(void))never},
    {"CONV_TO_NETWORK_FUNCTION", (void (*)(void))never},
    {"CONV_FROM_UTF8_FUNCTION", (void (*)(void))never},
};

void (*watch_function(const char *option))(void)
{
	for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++)
		if (strcmp(functions[i].option, option) == 0)
			return functions[i].function;
	return NULL;
}
