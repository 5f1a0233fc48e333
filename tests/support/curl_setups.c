/*
 * curl_setups.c: runs programs that use libcurl, measured or not, and says all that they see, for
 * tests.
 *
 *   curl_setups alone|measured BUS FILE [THREADS]   runs the programs of the file, one a line
 *   curl_setups options                          lists the options of this libcurl: name and type
 *
 * A program is a line of steps with tabs between them:
 *
 *   OPTION=VALUE    curl_easy_setopt(); a function is the program's own, or NULL; a list has | in
 *                   between; a data pointer is the name of an object, or file0 to file3
 *   attach          with what the program has set; attach:limits asks for limits on time too;
 *                   attach:text for the text, whose function tries to detach
 *   detach          with the result of the last transfer; both do nothing where nothing is measured
 *   perform         a transfer by curl_easy_perform(); multi, poll: by the multi interface
 *   abandon         by the multi interface, removed once bytes have come
 *   receive         curl_easy_send() and curl_easy_recv() on a handle that is CONNECT_ONLY
 *   dup             goes on with a duplicate; reset: curl_easy_reset()
 *   on:NAME=ACTION[@N]   what the callback NAME does when called for the Nth time
 *   upload=TEXT     what the read callback gives
 *   other           another handle under way, for on:write=cleanup-other
 *   signals         a signal each millisecond from here on
 *   repeat=N        at the start: N times all of this, of which the last is shown; and what memory
 *                   it took more after the first tenth
 *
 * Prints a line for each: its number, and as JSON the results, what libcurl says of the transfers,
 * the callbacks with their arguments in order, and the samples.
 */
#define CURL_DISABLE_DEPRECATION
#include "curl_setups.h"

#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

static const char request[] =
    "{\"model\":\"acme/large\",\"stream\":true,\"messages\":[{\"role\":\"user\",\"content\":\"Hi.\"}]}";

/* --- Options -----------------------------------------------------------------------------------
 */

static char *keep(struct run *r, const char *text)
{
	char *kept = strdup(text);

	if (!kept || r->kept_count == sizeof(r->kept) / sizeof(r->kept[0]))
		abort();
	return r->kept[r->kept_count++] = kept;
}

static struct curl_slist *make_list(struct run *r, const char *value)
{
	char *text = keep(r, value), *rest = text;
	struct curl_slist *list = NULL;

	for (char *word; (word = strsep(&rest, "|"));)
		list = curl_slist_append(list, word);
	if (r->list_count == sizeof(r->lists) / sizeof(r->lists[0]))
		abort();
	return r->lists[r->list_count++] = list;
}

static CURLcode set_function(struct run *r, const struct curl_easyoption *o, const char *value)
{
	char name[64];
	void (*function)(void);

	snprintf(name, sizeof(name), strcmp(value, "two") == 0 ? "%s two" : "%s", o->name);
	function = strcmp(value, "NULL") == 0 ? NULL : watch_function(name);
	if (o->id == CURLOPT_WRITEFUNCTION)
		r->write_function = (curl_write_callback)function;
	if (strcmp(o->name, "PROGRESSFUNCTION") == 0)
		r->has_progress_function = function != NULL;
	if (o->id == CURLOPT_XFERINFOFUNCTION)
		r->xferinfo_function = (curl_xferinfo_callback)function;
	return curl_easy_setopt(r->easy, o->id, function);
}

static CURLcode set_pointer(struct run *r, const struct curl_easyoption *o, const char *value)
{
	void *object = watch_object(value);

	if (o->id == CURLOPT_WRITEDATA)
		r->write_data = object;
	if (o->id == CURLOPT_XFERINFODATA)
		r->xferinfo_data = object;
	return curl_easy_setopt(r->easy, o->id, object);
}

static void *make_mime(struct run *r)
{
	curl_mimepart *part;

	curl_mime_free(r->mime);
	r->mime = curl_mime_init(r->easy);
	part = curl_mime_addpart(r->mime);
	curl_mime_name(part, "field");
	curl_mime_data(part, "some data", CURL_ZERO_TERMINATED);
	return r->mime;
}

static void *make_form(struct run *r)
{
	struct curl_httppost *last = NULL;

	curl_formadd(&r->form, &last, CURLFORM_COPYNAME, "field", CURLFORM_COPYCONTENTS,
	    "some data", CURLFORM_END);
	return r->form;
}

static void *make_object(struct run *r, CURLoption option, const char *value)
{
	if (strcmp(value, "NULL") == 0)
		return NULL;
	switch (option) {
	case CURLOPT_ERRORBUFFER: return r->error;
	case CURLOPT_MIMEPOST: return make_mime(r);
	case CURLOPT_HTTPPOST: return make_form(r);
	case CURLOPT_STDERR: return r->files[3];
	case CURLOPT_STREAM_DEPENDS:
	case CURLOPT_STREAM_DEPENDS_E: return r->other;
	case CURLOPT_PRIVATE: return watch_object("mine");
	case CURLOPT_SHARE:
		curl_share_setopt(r->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_COOKIE);
		curl_share_setopt(r->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_CONNECT);
		return r->share;
	case CURLOPT_CURLU: curl_url_set(r->url, CURLUPART_URL, value, 0); return r->url;
	default: return keep(r, value); /* fields to post */
	}
}

static CURLcode set_blob(struct run *r, CURLoption option, const char *value)
{
	struct curl_blob blob = {keep(r, value), strlen(value), CURL_BLOB_COPY};

	return curl_easy_setopt(r->easy, option, &blob);
}

static CURLcode set_option(struct run *r, const char *name, const char *value)
{
	const struct curl_easyoption *o = curl_easy_option_by_name(name);

	if (!o)
		return CURLE_UNKNOWN_OPTION;
	if (o->id == CURLOPT_NOPROGRESS)
		r->shows_progress = strcmp(value, "0") == 0;
	switch (o->type) {
	case CURLOT_LONG:
	case CURLOT_VALUES: return curl_easy_setopt(r->easy, o->id, strtol(value, NULL, 0));
	case CURLOT_OFF_T:
		return curl_easy_setopt(r->easy, o->id, (curl_off_t)strtoll(value, NULL, 0));
	case CURLOT_STRING:
		return curl_easy_setopt(r->easy, o->id, strcmp(value, "NULL") == 0 ? NULL : value);
	case CURLOT_SLIST: return curl_easy_setopt(r->easy, o->id, make_list(r, value));
	case CURLOT_CBPTR: return set_pointer(r, o, value);
	case CURLOT_FUNCTION: return set_function(r, o, value);
	case CURLOT_BLOB: return set_blob(r, o->id, value);
	default: return curl_easy_setopt(r->easy, o->id, make_object(r, o->id, value));
	}
}

/* --- What libcurl says -------------------------------------------------------------------------
 */

static void add_list(struct text *t, struct curl_slist *list)
{
	text_add(t, "[");
	for (struct curl_slist *l = list; l; l = l->next) {
		text_add(t, l == list ? "" : ", ");
		text_add_string(t, l->data);
	}
	text_add(t, "]");
	curl_slist_free_all(list);
}

/* Of times and pointers only whether there are any. */
static void add_info(struct text *t, CURL *easy, int n)
{
	enum { SSL_ENGINES = 27, COOKIELIST = 28 };
	struct curl_slist *list = NULL;
	curl_off_t offset = 0;
	double real = 0;
	char *string = NULL;
	long number = 0;

	if (curl_easy_getinfo(easy, (CURLINFO)(CURLINFO_LONG + n), &number) == CURLE_OK)
		text_add(t, ", \"long %d\": %ld", n, number);
	if (curl_easy_getinfo(easy, (CURLINFO)(CURLINFO_DOUBLE + n), &real) == CURLE_OK)
		text_add(t, ", \"double %d\": %d", n, real > 0);
	if (curl_easy_getinfo(easy, (CURLINFO)(CURLINFO_OFF_T + n), &offset) == CURLE_OK)
		text_add(t, ", \"off_t %d\": %ld", n, (long)offset);
	if (n == SSL_ENGINES || n == COOKIELIST) {
		curl_easy_getinfo(easy, (CURLINFO)(CURLINFO_SLIST + n), &list);
		text_add(t, ", \"list %d\": ", n);
		add_list(t, list);
	} else if (CURLINFO_STRING + n == CURLINFO_PRIVATE) {
		curl_easy_getinfo(easy, CURLINFO_PRIVATE, &string);
		text_add(t, ", \"private\": \"%s\"", watch_name(string));
	} else if (curl_easy_getinfo(easy, (CURLINFO)(CURLINFO_STRING + n), &string) == CURLE_OK) {
		text_add(t, ", \"string %d\": ", n);
		text_add_string(t, string);
	}
}

static void add_headers(struct text *t, CURL *easy)
{
	struct curl_header *header = NULL;

	text_add(t, ", \"headers\": [");
	for (int i = 0; (header = curl_easy_nextheader(
			     easy, CURLH_HEADER | CURLH_TRAILER | CURLH_1XX, -1, header));
	     i++) {
		text_add(t, i ? ", " : "");
		text_add_string(t, header->name);
		text_add(t, ", ");
		text_add_string(t, header->value);
	}
	text_add(t, "]");
}

static void add_result(struct run *r, CURLcode result)
{
	struct text *t = &r->results;

	text_add(t, "%s{\"result\": %d, \"error\": ", t->used ? "}, " : "", result);
	text_add_string(t, r->error);
	for (int n = 1; n <= CURLINFO_LASTONE; n++)
		add_info(t, r->easy, n);
	add_headers(t, r->easy);
	if (r->kept_header) {
		text_add(t, ", \"kept header\": ");
		text_add_string(t, r->kept_header->value);
	}
}

/* --- Orbus -------------------------------------------------------------------------------------
 */

static void take_sample(void *data, const struct orbus_sample *s)
{
	struct run *r = data;

	text_add(&r->samples, "%s{\"status\": %d, \"error_type\": ", r->samples.used ? ", " : "",
	    s->status);
	text_add_string(&r->samples, s->error_type);
	text_add(&r->samples, ", \"error_message\": ");
	text_add_string(&r->samples, s->error_message);
	text_add(&r->samples, ", \"unread\": ");
	text_add_string(&r->samples, r->call ? orbus_curl_unread(r->call) : NULL);
	text_add(&r->samples, ", \"completion_tokens\": %ld}",
	    s->completion_tokens == ORBUS_NONE ? -1 : (long)s->completion_tokens);
}

/* What orbus refuses is shown among the samples, where it goes wrong. */
static void detach_in_text(void *data, enum orbus_curl_text kind, const char *piece, size_t length)
{
	struct run *r = data;

	(void)kind, (void)piece, (void)length;
	if (orbus_curl_detach(r->call, CURLE_OK) != -EALREADY)
		text_add(&r->samples, "\"detached\", ");
}

static void attach(struct run *r, const char *how)
{
	struct orbus_curl_options options = {
	    .request = request, .sample_function = take_sample, .sample_data = r};

	/* They take the place of a CURLOPT_PROGRESSFUNCTION, as orbus_curl.h says. */
	if (strcmp(how, ":limits") == 0 && !r->has_progress_function)
		options.connect_timeout_ms = options.first_token_timeout_ms =
		    options.idle_timeout_ms = 60000;
	if (strcmp(how, ":text") == 0) {
		options.text_function = detach_in_text;
		options.text_data = r;
	}
	if (r->shows_progress) {
		options.progress_function = r->xferinfo_function;
		options.progress_data = r->xferinfo_data;
	}
	if (!r->measured)
		return;
	errno = 4321;
	if (orbus_curl_attach(
		r->bus, r->easy, r->write_function, r->write_data, &options, &r->call) != 0 ||
	    errno != 4321)
		text_add(&r->samples, "%s\"attach failed, or errno %d\"",
		    r->samples.used ? ", " : "", errno);
}

/* --- Transfers ---------------------------------------------------------------------------------
 */

static CURLcode perform_multi(struct run *r, bool abandon)
{
	CURLcode result = CURLE_ABORTED_BY_CALLBACK;
	int running_handles = 1, left;
	CURLMsg *message;

	r->multi = curl_multi_init();
	curl_multi_add_handle(r->multi, r->easy);
	for (int turns = 0; running_handles && turns < 20000; turns++) {
		if (curl_multi_perform(r->multi, &running_handles) != CURLM_OK)
			break;
		if (r->paused) {
			r->paused = false;
			curl_easy_pause(r->easy, CURLPAUSE_CONT);
			running_handles = 1;
		}
		if (abandon && r->calls.count > 0 && r->size_count > 0)
			break;
		if (running_handles)
			curl_multi_poll(r->multi, NULL, 0, 10, NULL);
	}
	while ((message = curl_multi_info_read(r->multi, &left)))
		if (message->msg == CURLMSG_DONE)
			result = message->data.result;
	curl_multi_remove_handle(r->multi, r->easy);
	curl_multi_cleanup(r->multi);
	r->multi = NULL;
	return result;
}

static CURLcode receive(struct run *r)
{
	static const char body[] = "GET /old HTTP/1.0\r\n\r\n";
	CURLcode result = curl_easy_perform(r->easy);
	char bytes[4096];
	size_t n = 0, all = 0;

	if (result == CURLE_OK)
		result = curl_easy_send(r->easy, body, strlen(body), &n);
	while (result == CURLE_OK || result == CURLE_AGAIN) {
		struct timespec moment = {.tv_nsec = 1000000};

		result = curl_easy_recv(r->easy, bytes, sizeof(bytes), &n);
		if (result == CURLE_AGAIN)
			nanosleep(&moment, NULL);
		else if (n == 0)
			break;
		else
			all += n;
	}
	text_add(&r->results, "%s{\"received\": %zu", r->results.used ? "}, " : "", all);
	return result;
}

static void on_signal(int number)
{
	(void)number;
}

static void send_signals(bool on)
{
	struct itimerval each = {{0, on ? 1000 : 0}, {0, on ? 1000 : 0}};
	struct sigaction action = {.sa_handler = on_signal};

	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &each, NULL);
}

static void go_on_with_duplicate(struct run *r)
{
	CURL *copy = curl_easy_duphandle(r->easy);

	if (r->call)
		watch_detach(r, CURLE_ABORTED_BY_CALLBACK);
	/* libcurl refuses to copy some. */
	text_add(&r->results, "%s{\"copied\": %d", r->results.used ? "}, " : "", copy != NULL);
	if (!copy)
		return;
	curl_easy_cleanup(r->easy);
	r->easy = copy;
}

static void start_other(struct run *r)
{
	r->other = curl_easy_init();
	if (r->measured && orbus_curl_attach(r->bus, r->other,
			       (curl_write_callback)watch_function("WRITEFUNCTION"),
			       watch_object("other"), NULL, &r->other_call) != 0)
		abort();
}

/* --- Steps -------------------------------------------------------------------------------------
 */

static void plan_deed(struct run *r, char *words)
{
	struct deed *d = &r->deeds[r->deed_count++];
	char *action = strchr(words, '='), *number = strchr(words, '@');

	d->number = number ? (unsigned)strtoul(number + 1, NULL, 10) : 1;
	if (number)
		*number = '\0';
	*action++ = '\0';
	snprintf(d->name, sizeof(d->name), "%s", words);
	snprintf(d->action, sizeof(d->action), "%s", action);
}

static bool is_transfer(const char *step)
{
	return strcmp(step, "perform") == 0 || strcmp(step, "multi") == 0 ||
	       strcmp(step, "abandon") == 0;
}

static CURLcode transfer(struct run *r, const char *step)
{
	CURLcode result;

	r->paused = false;
	r->upload_at = 0;
	result = strcmp(step, "perform") == 0 ? curl_easy_perform(r->easy)
	                                      : perform_multi(r, strcmp(step, "abandon") == 0);
	add_result(r, result);
	return result;
}

static void take_step(struct run *r, char *step, CURLcode *result)
{
	char *value = strchr(step, '=');

	if (is_transfer(step))
		*result = transfer(r, step);
	else if (strcmp(step, "receive") == 0)
		*result = receive(r);
	else if (strncmp(step, "attach", 6) == 0)
		attach(r, step + 6);
	else if (strcmp(step, "detach") == 0 && r->call)
		watch_detach(r, *result);
	else if (strcmp(step, "dup") == 0)
		go_on_with_duplicate(r);
	else if (strcmp(step, "reset") == 0)
		curl_easy_reset(r->easy);
	else if (strcmp(step, "other") == 0)
		start_other(r);
	else if (strcmp(step, "signals") == 0)
		send_signals(true);
	else if (strncmp(step, "on:", 3) == 0)
		plan_deed(r, step + 3);
	else if (strncmp(step, "upload=", 7) == 0)
		r->upload = keep(r, step + 7);
	else if (value) {
		*value = '\0';
		text_add(&r->results, "%s{\"set\": %d", r->results.used ? "}, " : "",
		    set_option(r, step, value + 1));
	}
	if (strcmp(step, "detach") == 0 && r->kept_header) {
		text_add(&r->results, ", \"kept header then\": ");
		text_add_string(&r->results, r->kept_header->value);
		r->kept_header = NULL;
	}
}

static void prepare(struct run *r)
{
	running = r;
	r->easy = curl_easy_init();
	r->share = curl_share_init();
	r->url = curl_url();
	r->upload = "some words to upload";
	for (int i = 0; i < 4; i++)
		r->files[i] = open_memstream(&r->file_texts[i], &r->file_sizes[i]);
}

static void clean_up(struct run *r)
{
	if (r->call)
		watch_detach(r, CURLE_ABORTED_BY_CALLBACK);
	curl_easy_cleanup(r->easy);
	if (r->other_call)
		orbus_curl_detach(r->other_call, CURLE_ABORTED_BY_CALLBACK);
	curl_easy_cleanup(r->other);
	curl_share_cleanup(r->share);
	curl_mime_free(r->mime);
	curl_formfree(r->form);
	curl_url_cleanup(r->url);
	for (size_t i = 0; i < r->list_count; i++)
		curl_slist_free_all(r->lists[i]);
	for (size_t i = 0; i < r->kept_count; i++)
		free(r->kept[i]);
	for (int i = 0; i < 4; i++)
		fclose(r->files[i]);
	send_signals(false);
	running = NULL;
}

static void add_all(const struct run *r, struct text *out)
{
	text_add(out, "{\"results\": [");
	text_add_text(out, &r->results);
	text_add(out, "%s], \"calls\": ", r->results.used ? "}" : "");
	text_add_events(out, &r->calls);
	text_add(out, ", \"debug\": ");
	text_add_events(out, &r->debug);
	text_add(out, ", \"progress\": \"%s\", \"sizes\": [", r->progress);
	for (size_t i = 0; i < r->size_count; i++)
		text_add(out, "%s%u", i ? ", " : "", r->sizes[i]);
	text_add(out, "], \"files\": [");
	for (int i = 0; i < 3; i++) {
		text_add(out, i ? ", " : "");
		text_add_escaped(out, r->file_texts[i], r->file_sizes[i]);
	}
	text_add(out, "], \"samples\": [");
	text_add_text(out, &r->samples);
	text_add(out, "]");
}

static void run_once(bool measured, struct orbus_producer *bus, const char *line, struct text *out)
{
	struct run *r = calloc(1, sizeof(*r));
	char *steps = strdup(line), *rest = steps;
	CURLcode result = CURLE_OK;

	if (!r || !steps)
		abort();
	r->measured = measured;
	r->bus = bus;
	prepare(r);
	for (char *step; (step = strsep(&rest, "\t"));)
		take_step(r, step, &result);
	clean_up(r);
	if (out)
		add_all(r, out);
	for (int i = 0; i < 4; i++)
		free(r->file_texts[i]);
	free(r->calls.at);
	free(r->debug.at);
	free(r->results.at);
	free(r->samples.at);
	free(r);
	free(steps);
}

/* The size of the heap; 0 under sanitizers, which find leaks by themselves. */
static size_t memory(void)
{
	return mallinfo2().uordblks;
}

static void run_program(
    bool measured, struct orbus_producer *bus, const char *line, struct text *out)
{
	unsigned long times = 1;
	size_t before = 0;

	if (strncmp(line, "repeat=", 7) == 0)
		times = strtoul(line + 7, NULL, 10);
	for (unsigned long i = 0; i + 1 < times; i++) {
		if (i == times / 10)
			before = memory();
		run_once(measured, bus, line, NULL);
	}
	if (times > 1)
		before = memory() > before ? memory() - before : 0;
	run_once(measured, bus, line, out);
	text_add(out, ", \"grown\": %zu}", before);
}

/* --- Threads -----------------------------------------------------------------------------------
 */

static pthread_mutex_t lines = PTHREAD_MUTEX_INITIALIZER;
static unsigned lines_read;
static bool all_measured;
static const char *bus_name;
static FILE *programs;

static bool next_line(char **line, size_t *room, unsigned *number)
{
	ssize_t length;

	pthread_mutex_lock(&lines);
	length = getline(line, room, programs);
	*number = lines_read++;
	pthread_mutex_unlock(&lines);
	if (length > 0 && (*line)[length - 1] == '\n')
		(*line)[length - 1] = '\0';
	return length > 0;
}

static void *work(void *unused)
{
	struct orbus_producer *bus = NULL;
	unsigned number;
	char *line = NULL;
	size_t room = 0;

	if (all_measured && orbus_producer_open(bus_name, "setups", &bus) != 0)
		abort();
	while (next_line(&line, &room, &number)) {
		struct text out = {0};

		run_program(all_measured, bus, line, &out);
		pthread_mutex_lock(&lines);
		printf("%u\t%s\n", number, out.at);
		fflush(stdout);
		pthread_mutex_unlock(&lines);
		free(out.at);
	}
	free(line);
	orbus_producer_close(bus);
	return unused;
}

static int list_options(void)
{
	for (const struct curl_easyoption *o = NULL; (o = curl_easy_option_next(o));)
		printf("%s %d %d\n", o->name, o->type, o->flags);
	return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	int threads = argc > 4 ? atoi(argv[4]) : 1;
	pthread_t ids[64];

	if (argc == 2 && strcmp(argv[1], "options") == 0)
		return list_options();
	if (argc < 4 || !(programs = fopen(argv[3], "r")) || threads < 1 || threads > 64)
		return EXIT_FAILURE;
	all_measured = strcmp(argv[1], "measured") == 0;
	bus_name = argv[2];
	curl_global_init(CURL_GLOBAL_DEFAULT);
	for (int i = 0; i < threads; i++)
		if (pthread_create(&ids[i], NULL, work, NULL) != 0)
			return EXIT_FAILURE;
	for (int i = 0; i < threads; i++)
		pthread_join(ids[i], NULL);
	fclose(programs);
	curl_global_cleanup();
	return EXIT_SUCCESS;
}
