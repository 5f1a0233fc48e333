/*
 * main.c: asks models through an OpenAI-compatible API, shows the answer or a comparison, and
 * publishes what it measured.
 */
#include "common/print.h"
#include "common/stop.h"
#include "doc/sample_json.h"
#include "doc/sample_log.h"
#include "live/bus_error.h"
#include "live/bus_near.h"
#include "load.h"
#include "options.h"
#include "request.h"
#include "response.h"
#include "stats/aggregate.h"
#include "table.h"

#include <errno.h>
#include <getopt.h>
#include <string.h>
#include <unistd.h>

#define TOOL "orcall"

/* Beyond those of all programs. */
#define EXIT_TIMED_OUT 3

struct orcall {
	struct orcall_settings settings;
	struct orcall_request request;
	struct orcall_response response;
	struct aggregate stats;
	bool single;                        /* one request, whose answer is shown */
	bool colour;                        /* on standard error */
	bool terminal;                      /* standard error is one */
	bool progress;                      /* a line about it stands there */
	size_t shown_done, shown_in_flight; /* by it */
	uint64_t ended, failed, timed_out;
	bool incomplete; /* out of memory while counting */
};

/* --- While it runs ---------------------------------------------------------------------------- */

static void clear_progress(struct orcall *o)
{
	if (o->progress)
		fputs("\r\033[K", stderr);
	o->progress = false;
}

static void show_progress(void *context, size_t done, size_t in_flight, size_t total)
{
	struct orcall *o = context;

	if (o->single || !o->terminal)
		return;
	if (o->progress && done == o->shown_done && in_flight == o->shown_in_flight)
		return;
	o->shown_done = done;
	o->shown_in_flight = in_flight;
	fprintf(stderr, "\r%zu of %zu done, %zu in flight, %llu failed\033[K", done, total,
	    in_flight, (unsigned long long)o->failed);
	o->progress = true;
}

static void show_text(void *context, const char *piece, size_t length)
{
	struct orcall *o = context;

	orcall_response_print(&o->response, piece, length);
}

static bool is_shown(void *context)
{
	return ((struct orcall *)context)->response.begun;
}

static bool is_stopped(void *context)
{
	return is_stop_asked() || ((struct orcall *)context)->response.broken;
}

/* As it was published, under the producer's name. */
static void print_sample(const struct orcall *o, const struct orbus_sample *s)
{
	struct orbus_sample copy = *s;
	json_t *object;

	copy.bot = o->settings.bot;
	object = sample_to_json(&copy);
	if (object && print_json(stdout, object, JSON_COMPACT) == 0)
		putchar('\n');
	json_decref(object);
	fflush(stdout);
}

/* The comparison is between the models that were asked, not between those that answered. */
static void count(struct orcall *o, const char *model, const struct orbus_sample *s)
{
	struct orbus_sample copy = *s;

	copy.model = model;
	o->ended++;
	o->failed += s->status != ORBUS_STATUS_OK;
	o->timed_out += s->status == ORBUS_STATUS_TIMEOUT;
	if (!aggregate_add(&o->stats, &copy))
		o->incomplete = true;
}

static void show_end(void *context, const char *model, const struct orbus_sample *s, double wait_s)
{
	struct orcall *o = context;

	if (o->single)
		orcall_response_end(&o->response);
	clear_progress(o);
	if (o->settings.json)
		print_sample(o, s);
	if (o->single || s->status != ORBUS_STATUS_OK)
		log_sample(stderr, o->colour, s);
	if (s->status == ORBUS_STATUS_TIMEOUT && wait_s < 0 && o->timed_out == 0)
		log_timeout_hint(stderr, o->colour);
	if (wait_s >= 0)
		fprintf(stderr, "INFO - OpenRouter retry: in %.0fs, attempt %llu of %llu\n", wait_s,
		    (unsigned long long)s->attempt + 1,
		    (unsigned long long)o->settings.retries + 1);
	else
		count(o, model, s);
}

/* --- From start to end ------------------------------------------------------------------------ */

static int run(struct orcall *o, struct orbus_producer *producer)
{
	bool shows_answer = o->single && !o->settings.json;
	struct orcall_load load = {.settings = &o->settings,
	    .request = &o->request,
	    .producer = producer,
	    .context = o,
	    .text = shows_answer ? show_text : NULL,
	    .is_shown = is_shown,
	    .ended = show_end,
	    .progress = show_progress,
	    .is_stopped = is_stopped};
	int err = orcall_load_run(&load);

	clear_progress(o);
	o->incomplete |= !aggregate_settle(&o->stats);
	if (!o->single && !o->settings.json && o->ended > 0)
		orcall_table_print(stdout, output_wants_colour(stdout), &o->stats,
		    o->request.models, o->request.model_count);
	if (err || o->incomplete)
		fprintf(stderr, TOOL ": %s\n", strerror(err ? -err : ENOMEM));
	return err || o->incomplete ? CLI_FAILED : CLI_FINE;
}

/* Time-outs alone are told apart from other failures. */
static int exit_status(const struct orcall *o)
{
	if (is_stop_asked() || o->ended == 0 || o->failed > o->timed_out)
		return CLI_FAILED;
	return o->timed_out > 0 ? EXIT_TIMED_OUT : CLI_FINE;
}

static int call(struct orcall *o)
{
	struct orbus_producer *producer;
	bool was_new = bus_is_new(o->settings.bus);
	int status, err = orbus_producer_open(o->settings.bus, o->settings.bot, &producer);

	if (err) {
		bus_error_report(TOOL, o->settings.bus, err);
		return CLI_FAILED;
	}
	bus_new_report(TOOL, o->settings.bus, was_new);
	stop_on_signals();
	orcall_response_init(&o->response);
	aggregate_init(&o->stats);
	status = run(o, producer);
	if (status == CLI_FINE)
		status = exit_status(o);
	if (output_flush(TOOL, NULL) != 0)
		status = CLI_FAILED;
	aggregate_free(&o->stats);
	orbus_producer_close(producer);
	return status;
}

int main(int argc, char **argv)
{
	struct orcall o = {0};
	int status;

	output_init();
	o.colour = output_wants_colour(stderr);
	o.terminal = isatty(STDERR_FILENO);
	status = cli_parse(&orcall_program, argc, argv, &o.settings);
	if (status != CLI_PROCEED)
		return status;
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
		fprintf(stderr, TOOL ": libcurl cannot be set up\n");
		return CLI_FAILED;
	}
	status = orcall_request_make(&o.request, &o.settings, argv + optind);
	if (status == CLI_PROCEED) {
		o.single = o.settings.repeat * o.request.model_count == 1;
		status = call(&o);
	}
	orcall_request_free(&o.request);
	curl_global_cleanup();
	return status;
}
