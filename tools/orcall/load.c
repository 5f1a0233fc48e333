/*
 * load.c: a number of requests, some at a time, each measured and tried again as told.
 *
 * One thread, one multi handle. A slot carries one request at a time through its tries.
 */
#include "load.h"
#include "base/now.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define NS_PER_MS   UINT64_C(1000000)
#define ASKED_MAX_S 600 /* who is told to come back later than that is told no */
#define WAIT_MAX_S  60
#define POLL_MAX_MS 200  /* signals are looked at so often */
#define LINGER_MS   1000 /* for a server to end a response after [DONE] */

struct run;

struct slot {
	struct run *run;
	CURL *easy;
	struct orbus_curl *call; /* NULL: no transfer is under way */
	const char *model, *body;
	unsigned attempt;     /* of the request that it carries, 0: it carries none */
	uint64_t retry_at_ns; /* of its next try */
	double wait_s;        /* until then, < 0: there is none */
	uint64_t answered_ns; /* since when the try under way has its answer, 0: it has none */
};

struct run {
	const struct orcall_load *load;
	CURLM *multi;
	struct slot *slots;
	size_t slot_count, total, begun, done;
};

/* --- One try ---------------------------------------------------------------------------------- */

static void pass_text(void *data, enum orbus_curl_text kind, const char *piece, size_t bytes)
{
	const struct orcall_load *load = data;

	if (kind == ORBUS_CURL_CONTENT)
		load->text(load->context, piece, bytes);
}

/* Failures that the same request may not meet again. `code`: orbus_curl_error_code(). */
static bool may_pass(const struct orbus_sample *s, long code)
{
	static const char *const types[] = {"api_error", "stream_error", "stream_truncated",
	    "dns_failed", "connection_refused", "connection_failed", "connection_lost"};

	if (s->status == ORBUS_STATUS_TIMEOUT)
		return true;
	if (s->status != ORBUS_STATUS_ERROR)
		return false;
	if (code)
		return code == 408 || code == 429 || code >= 500;
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (s->error_type && strcmp(s->error_type, types[i]) == 0)
			return true;
	return false;
}

/* Seconds until the next try, < 0: there will be none. */
static double plan_retry(const struct slot *slot, const struct orbus_sample *s)
{
	const struct orcall_load *load = slot->run->load;
	curl_off_t asked = 0;
	double wait;

	if (slot->attempt > load->settings->retries ||
	    !may_pass(s, orbus_curl_error_code(slot->call)) || load->is_shown(load->context) ||
	    load->is_stopped(load->context))
		return -1;
	curl_easy_getinfo(slot->easy, CURLINFO_RETRY_AFTER, &asked);
	if (asked > 0)
		return asked <= ASKED_MAX_S ? (double)asked : -1;
	wait = (double)(UINT64_C(1) << (slot->attempt < 7 ? slot->attempt - 1 : 6));
	return wait < WAIT_MAX_S ? wait : WAIT_MAX_S;
}

static void note_end(void *data, const struct orbus_sample *s)
{
	struct slot *slot = data;
	const struct orcall_load *load = slot->run->load;

	slot->wait_s = plan_retry(slot, s);
	load->ended(load->context, slot->model, s, slot->wait_s);
}

static uint64_t to_ms(uint64_t ns)
{
	return ns ? (ns + NS_PER_MS - 1) / NS_PER_MS : 0;
}

static size_t drop(char *bytes, size_t size, size_t count, void *data)
{
	(void)bytes, (void)data;
	return size * count;
}

static int begin_try(struct slot *slot)
{
	const struct orcall_load *load = slot->run->load;
	const struct orcall_settings *s = load->settings;
	struct orbus_curl_options options = {.request = slot->body,
	    .attempt = ++slot->attempt,
	    .tags = load->request->tags.items,
	    .tag_count = load->request->tags.count,
	    .connect_timeout_ms = to_ms(s->connect_ns),
	    .first_token_timeout_ms = to_ms(s->first_token_ns),
	    .idle_timeout_ms = to_ms(s->idle_ns),
	    .total_timeout_ms = to_ms(s->total_ns),
	    .text_function = load->text ? pass_text : NULL,
	    .text_data = (void *)(uintptr_t)load,
	    .sample_function = note_end,
	    .sample_data = slot,
	    .secret = load->request->key};
	int err;

	curl_easy_setopt(slot->easy, CURLOPT_POSTFIELDS, slot->body);
	err = orbus_curl_attach(load->producer, slot->easy, drop, NULL, &options, &slot->call);
	if (!err && curl_multi_add_handle(slot->run->multi, slot->easy) != CURLM_OK) {
		orbus_curl_detach(slot->call, CURLE_OUT_OF_MEMORY);
		slot->call = NULL;
		err = -ENOMEM;
	}
	return err;
}

static void end_try(struct slot *slot, CURLcode result)
{
	curl_multi_remove_handle(slot->run->multi, slot->easy);
	orbus_curl_detach(slot->call, result);
	slot->call = NULL;
	slot->answered_ns = 0;
	if (slot->wait_s < 0) {
		slot->attempt = 0;
		slot->run->done++;
		return;
	}
	slot->retry_at_ns =
	    now_ns_of(CLOCK_MONOTONIC) + (uint64_t)(slot->wait_s * (double)NS_PER_SECOND);
}

/* --- All of them ------------------------------------------------------------------------------ */

static bool set_up(struct run *r, struct slot *slot)
{
	const struct orcall_request *request = r->load->request;
	const char *authorities = getenv("SSL_CERT_FILE");
	CURL *easy = slot->easy = curl_easy_init();

	slot->run = r;
	if (easy && authorities && *authorities)
		curl_easy_setopt(easy, CURLOPT_CAINFO, authorities);
	return easy && curl_easy_setopt(easy, CURLOPT_URL, request->url) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_HTTPHEADER, request->headers) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_PRIVATE, slot) == CURLE_OK;
}

/* Each model in turn, so that all of them meet the same conditions. */
static void take_next(struct run *r, struct slot *slot)
{
	size_t model = r->begun++ % r->load->request->model_count;

	slot->model = r->load->request->models[model];
	slot->body = r->load->request->bodies[model];
	slot->retry_at_ns = 0;
}

/* Puts every slot to work that has something to do now. */
static int begin_tries(struct run *r)
{
	uint64_t now = now_ns_of(CLOCK_MONOTONIC);

	for (size_t i = 0; i < r->slot_count; i++) {
		struct slot *slot = &r->slots[i];
		int err;

		if (slot->call)
			continue;
		if (slot->attempt == 0 && r->begun == r->total)
			continue;
		if (slot->attempt == 0)
			take_next(r, slot);
		if (slot->retry_at_ns > now)
			continue;
		err = begin_try(slot);
		if (err)
			return err;
	}
	return 0;
}

static void end_tries(struct run *r)
{
	CURLMsg *message;
	int left;

	while ((message = curl_multi_info_read(r->multi, &left))) {
		char *slot = NULL;

		/* The message is gone once its handle is removed. */
		CURLcode result = message->data.result;

		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &slot);
		end_try((struct slot *)(void *)slot, result);
	}
}

/* Some servers keep a response open that is whole. */
static void end_answered(struct run *r)
{
	uint64_t now = now_ns_of(CLOCK_MONOTONIC);

	for (size_t i = 0; i < r->slot_count; i++) {
		struct slot *slot = &r->slots[i];

		if (!slot->call || !orbus_curl_is_answered(slot->call))
			continue;
		if (!slot->answered_ns)
			slot->answered_ns = now;
		if (now - slot->answered_ns >= LINGER_MS * NS_PER_MS)
			end_try(slot, CURLE_OK);
	}
}

/* Milliseconds until a timer is due, also where nothing comes from the network. */
static int time_to_wait(const struct run *r)
{
	uint64_t now = now_ns_of(CLOCK_MONOTONIC);
	long wait = POLL_MAX_MS;

	for (size_t i = 0; i < r->slot_count; i++) {
		const struct slot *slot = &r->slots[i];
		long ms = -1;

		if (slot->call)
			ms = orbus_curl_timeout_ms(slot->call);
		else if (slot->attempt > 0)
			ms = slot->retry_at_ns > now
			         ? (long)((slot->retry_at_ns - now) / NS_PER_MS + 1)
			         : 0;
		if (ms >= 0 && ms < wait)
			wait = ms;
	}
	return (int)wait;
}

static size_t count_in_flight(const struct run *r)
{
	size_t n = 0;

	for (size_t i = 0; i < r->slot_count; i++)
		n += r->slots[i].call != NULL;
	return n;
}

static int carry_out(struct run *r)
{
	const struct orcall_load *load = r->load;
	int err = 0, running;

	while (!err && r->done < r->total && !load->is_stopped(load->context)) {
		if (curl_multi_perform(r->multi, &running) != CURLM_OK)
			return -ENOMEM;
		end_tries(r);
		end_answered(r);
		err = begin_tries(r);
		load->progress(load->context, r->done, count_in_flight(r), r->total);
		if (!err && r->done < r->total)
			curl_multi_poll(r->multi, NULL, 0, time_to_wait(r), NULL);
	}
	return err;
}

static void clean_up(struct run *r)
{
	for (size_t i = 0; r->slots && i < r->slot_count; i++) {
		if (r->slots[i].call)
			end_try(&r->slots[i], CURLE_ABORTED_BY_CALLBACK);
		curl_easy_cleanup(r->slots[i].easy);
	}
	curl_multi_cleanup(r->multi);
	free(r->slots);
}

int orcall_load_run(const struct orcall_load *load)
{
	struct run r = {.load = load, .multi = curl_multi_init()};
	int err = 0;

	r.total = load->settings->repeat * load->request->model_count;
	r.slot_count =
	    load->settings->concurrency < r.total ? load->settings->concurrency : r.total;
	r.slots = calloc(r.slot_count, sizeof(*r.slots));
	if (!r.multi || !r.slots)
		err = -ENOMEM;
	for (size_t i = 0; !err && i < r.slot_count; i++)
		if (!set_up(&r, &r.slots[i]))
			err = -ENOMEM;
	if (!err)
		err = carry_out(&r);
	clean_up(&r);
	return err;
}
