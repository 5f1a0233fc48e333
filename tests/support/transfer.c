/*
 * transfer.c: one measured transfer by a program that uses libcurl in one of its ways, for tests.
 *
 *   transfer URL BUS WAY [IDLE_MS [FIRST_TOKEN_MS]]
 *
 * WAY: perform  curl_easy_perform()
 *      multi    curl_multi_perform(), the transfer removed unfinished after half a second
 *      twice    two transfers over one handle, the second one unmeasured
 *      pause    its callback pauses the transfer once, and the progress callback lets it go on
 *      wait     the same, which it does after 1.5 seconds
 *      slow     its callback takes 1.5 seconds for each of the first two pieces
 *      scribble its callback overwrites what it received
 *      abort    its callback refuses the second piece
 *      header   its callback for headers refuses the first one
 *      sep      it has set CURLOPT_HEADERDATA alone: headers come to its callback for data
 *      include  it has set CURLOPT_HEADER: headers come before the data
 *      raw      it asks for a compressed answer, and decodes it itself
 *      stalled  it has told libcurl to give up when nothing comes for a second
 *      veto     its progress callback ends the transfer once bytes have come
 *      unseen   it does not say what it asks
 *      prompt   it asks something, and forgets it before the transfer
 *      stars    its key is made of asterisks
 *      copy     it performs a duplicate of the handle during another call, after it has detached
 *      both     it performs a duplicate before the handle itself, both attached
 *      same     headers go to its callback for data, and with its pointer
 *      default  no callback: the answer goes to the file that is WRITEDATA
 *
 * Prints libcurl's result and how many bytes its own callback received.
 */
#include <orbus_curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static char body[256] = "{\"model\":\"m\",\"stream\":true,\"messages\":[]}";

struct program {
	CURL *easy;
	const char *way;
	size_t bytes, calls;
	bool paused;
	struct timespec paused_at;
};

static bool is(const struct program *p, const char *way)
{
	return strcmp(p->way, way) == 0;
}

static size_t on_data(char *bytes, size_t size, size_t count, void *data)
{
	struct program *p = data;

	p->calls++;
	if ((is(p, "pause") || is(p, "wait")) && p->calls == 1) {
		p->paused = true;
		clock_gettime(CLOCK_MONOTONIC, &p->paused_at);
		return CURL_WRITEFUNC_PAUSE;
	}
	if (is(p, "slow") && p->calls <= 2)
		usleep(1500000);
	if (is(p, "scribble"))
		memset(bytes, 'x', size * count);
	if (is(p, "abort") && p->calls == 2)
		return 0;
	p->bytes += size * count;
	return size * count;
}

static size_t on_header(char *bytes, size_t size, size_t count, void *data)
{
	(void)bytes, (void)size, (void)count, (void)data;
	return 0;
}

static bool has_waited(const struct program *p)
{
	struct timespec now;
	double seconds;

	clock_gettime(CLOCK_MONOTONIC, &now);
	seconds = difftime(now.tv_sec, p->paused_at.tv_sec) +
	          (double)(now.tv_nsec - p->paused_at.tv_nsec) / 1e9;
	return !is(p, "wait") || seconds > 1.5;
}

static int on_progress(
    void *data, curl_off_t dltotal, curl_off_t dlnow, curl_off_t ultotal, curl_off_t ulnow)
{
	struct program *p = data;

	(void)dltotal, (void)ultotal, (void)ulnow;
	if (p->paused && has_waited(p)) {
		p->paused = false;
		curl_easy_pause(p->easy, CURLPAUSE_CONT);
	}
	return is(p, "veto") && dlnow > 0;
}

static CURLcode run_multi(CURL *easy)
{
	CURLM *multi = curl_multi_init();
	CURLcode result = CURLE_ABORTED_BY_CALLBACK;
	int running = 1, left;

	curl_multi_add_handle(multi, easy);
	for (int i = 0; i < 50 && running; i++) {
		CURLMsg *message;

		curl_multi_perform(multi, &running);
		while ((message = curl_multi_info_read(multi, &left)))
			result = message->data.result;
		curl_multi_poll(multi, NULL, 0, 10, NULL);
	}
	curl_multi_remove_handle(multi, easy);
	curl_multi_cleanup(multi);
	return result;
}

/* The duplicate outlives the measured handle and its call, and another call is under way. */
static CURLcode run_copy(struct program *p, struct orbus_producer *bus,
    const struct orbus_curl_options *options, struct orbus_curl *call)
{
	struct orbus_curl_options unseen = *options; /* the body is forgotten */
	struct program other = {.way = ""};
	CURL *copy = curl_easy_duphandle(p->easy), *second = curl_easy_init();
	struct orbus_curl *other_call;
	CURLcode result;

	unseen.request = NULL;
	if (orbus_curl_detach(call, CURLE_ABORTED_BY_CALLBACK) != 0 ||
	    orbus_curl_attach(bus, second, on_data, &other, &unseen, &other_call) != 0)
		exit(EXIT_FAILURE);
	curl_easy_cleanup(p->easy);
	p->easy = copy;
	result = curl_easy_perform(copy);
	if (orbus_curl_detach(other_call, CURLE_ABORTED_BY_CALLBACK) != 0 || other.bytes > 0)
		exit(EXIT_FAILURE);
	curl_easy_cleanup(second);
	return result;
}

static CURLcode run_both(CURL *easy)
{
	CURL *copy = curl_easy_duphandle(easy);
	CURLcode result = curl_easy_perform(copy);

	curl_easy_cleanup(copy);
	return result == CURLE_OK ? curl_easy_perform(easy) : result;
}

static CURLcode run(struct program *p)
{
	if (is(p, "both"))
		return run_both(p->easy);
	return is(p, "multi") ? run_multi(p->easy) : curl_easy_perform(p->easy);
}

int main(int argc, char **argv)
{
	struct program p = {.easy = curl_easy_init(), .way = argc > 3 ? argv[3] : ""};
	struct orbus_curl_options options = {.request = body,
	    .idle_timeout_ms = argc > 4 ? strtoull(argv[4], NULL, 10) : 0,
	    .first_token_timeout_ms = argc > 5 ? strtoull(argv[5], NULL, 10) : 0,
	    .progress_function = on_progress,
	    .progress_data = &p,
	    .total_timeout_ms = 60000};
	struct program headers = {.way = ""};
	struct curl_slist *fields = NULL;
	struct orbus_producer *bus;
	struct orbus_curl *call;
	CURLcode result;

	if (is(&p, "unseen"))
		options.request = NULL;
	if (is(&p, "prompt"))
		strcpy(body, "{\"model\":\"m\",\"prompt\":\"Tell me a PRIVATE thing.\"}");
	if (is(&p, "stars"))
		options.secret = "****************";
	if (argc < 4 || orbus_producer_open(argv[2], "transfer", &bus) != 0)
		return EXIT_FAILURE;
	curl_easy_setopt(p.easy, CURLOPT_URL, argv[1]);
	/* Without the size libcurl 7.88 makes no duplicate of it. */
	curl_easy_setopt(p.easy, CURLOPT_POSTFIELDSIZE, (long)strlen(body));
	curl_easy_setopt(p.easy, CURLOPT_COPYPOSTFIELDS, body);
	curl_easy_setopt(p.easy, CURLOPT_WRITEFUNCTION, is(&p, "default") ? NULL : on_data);
	curl_easy_setopt(p.easy, CURLOPT_WRITEDATA, is(&p, "default") ? (void *)stderr : &p);
	curl_easy_setopt(p.easy, CURLOPT_XFERINFOFUNCTION, on_progress);
	curl_easy_setopt(p.easy, CURLOPT_XFERINFODATA, &p);
	curl_easy_setopt(p.easy, CURLOPT_NOPROGRESS, 0L);
	if (is(&p, "header"))
		curl_easy_setopt(p.easy, CURLOPT_HEADERFUNCTION, on_header);
	if (is(&p, "include"))
		curl_easy_setopt(p.easy, CURLOPT_HEADER, 1L);
	if (is(&p, "raw"))
		fields = curl_slist_append(NULL, "Accept-Encoding: gzip");
	curl_easy_setopt(p.easy, CURLOPT_HTTPHEADER, fields);
	if (is(&p, "sep") || is(&p, "same"))
		curl_easy_setopt(p.easy, CURLOPT_HEADERDATA, is(&p, "sep") ? &headers : &p);
	curl_easy_setopt(p.easy, CURLOPT_LOW_SPEED_TIME, is(&p, "stalled") ? 1L : 0L);
	curl_easy_setopt(p.easy, CURLOPT_LOW_SPEED_LIMIT, is(&p, "stalled") ? 1L : 0L);
	if (orbus_curl_attach(bus, p.easy, is(&p, "default") ? NULL : on_data,
		is(&p, "default") ? (void *)stderr : &p, &options, &call) != 0)
		return EXIT_FAILURE;
	memset(body, 'x', sizeof(body)); /* it is borrowed no longer */
	if (is(&p, "copy")) {
		result = run_copy(&p, bus, &options, call);
	} else {
		result = run(&p);
		if (orbus_curl_detach(call, result) != 0)
			return EXIT_FAILURE;
	}
	if (is(&p, "twice"))
		result = curl_easy_perform(p.easy);
	if (is(&p, "sep") && headers.bytes < 100)
		return EXIT_FAILURE;
	printf("%d %zu\n", (int)result, p.bytes);
	curl_easy_cleanup(p.easy);
	curl_slist_free_all(fields);
	orbus_producer_close(bus);
	return EXIT_SUCCESS;
}
