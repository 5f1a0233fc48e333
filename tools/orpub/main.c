/*
 * main.c: publishes from a shell: one request, gauges and counts by options, or JSON lines
 * (json_lines.c).
 */
#include "base/clock.h"
#include "base/options.h"
#include "base/parse.h"
#include "common/print.h"
#include "common/tags.h"
#include "json_lines.h"
#include "live/bus_error.h"
#include "live/bus_near.h"
#include "options.h"
#include "sample/sample.h"
#include "ts_check.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define TOOL "orpub"

static int set_ts(struct orpub_settings *s)
{
	double seconds;
	char shown[128];

	if (!s->ts || clock_parse_rfc3339(s->ts, &s->sample.ts))
		return CLI_PROCEED;
	if (parse_figure(s->ts, &seconds) == 0 && seconds < 1e10) {
		s->sample.ts = (uint64_t)llround(seconds * 1e6) * 1000;
		return CLI_PROCEED;
	}
	text_sanitise(shown, sizeof(shown), s->ts);
	return cli_usage_error(&orpub_program,
	    "--ts: '%s' is no time such as 2026-11-24T08:46:47Z, or seconds since 1970", shown);
}

/* Cuts "NAME=VALUE" in two, in place. */
static char *split(char *text)
{
	char *equals = strchr(text, '=');

	if (!equals || equals == text)
		return NULL;
	*equals = '\0';
	return equals + 1;
}

static int bad_pair(const char *option, const char *text, const char *wanted)
{
	char shown[256];

	text_sanitise(shown, sizeof(shown), text);
	return cli_usage_error(&orpub_program, "--%s: '%s' is not %s", option, shown, wanted);
}

static int say_sample_error(int err)
{
	fprintf(stderr, TOOL ": %s\n", orbus_strerror(err));
	return CLI_FAILED;
}

/* Publishes NAME=VALUE pairs as samples of one kind. */
static int publish_stats(struct orbus_producer *p, const struct orpub_settings *s,
    const struct cli_list *list, enum orbus_kind kind, const char *option)
{
	for (size_t i = 0; i < list->count; i++) {
		struct orbus_sample figure;
		char *name = strdup(list->items[i]), *value = name ? split(name) : NULL;
		int err = 0;

		orbus_sample_init(&figure);
		figure.kind = kind;
		figure.bot = s->sample.bot;
		figure.ts = s->sample.ts;
		figure.name = name;
		if (!value || (kind == ORBUS_KIND_GAUGE ? parse_signed_figure : parse_figure)(
				  value, &figure.value) < 0) {
			free(name);
			return bad_pair(option, list->items[i],
			    kind == ORBUS_KIND_GAUGE
				? "of the form name=value with a number"
				: "of the form name=value with a number, at least 0");
		}
		err = orbus_publish(p, &figure);
		free(name);
		if (err)
			return say_sample_error(err);
	}
	return CLI_FINE;
}

static bool says_a_request(const struct orpub_settings *s)
{
	const struct orbus_sample *r = &s->sample;

	return r->model || r->requested_model || r->provider || r->request_id || r->error_type ||
	       r->error_message || r->stream || s->status != ORBUS_STATUS_OK ||
	       !isnan(r->response_ms) || !isnan(r->ttft_ms) || !isnan(r->cost_usd) ||
	       r->prompt_tokens != ORBUS_NONE || r->completion_tokens != ORBUS_NONE ||
	       r->total_tokens != ORBUS_NONE || r->http_status != ORBUS_NONE;
}

/* What the agent rejects nobody will find in any file: that is no success. */
static int check_ts(const struct orpub_settings *s)
{
	struct ts_check check;

	ts_check_begin(&check, s->bus);
	ts_check_look(&check, s->sample.ts, 0);
	return ts_check_end(&check, 1) ? CLI_FINE : CLI_FAILED;
}

static int publish_options(struct orbus_producer *p, struct orpub_settings *s)
{
	struct cli_tags tags;
	int status = cli_tags_make(&tags, &orpub_program, &s->tags);

	if (status == CLI_PROCEED && !says_a_request(s) && s->gauges.count + s->counts.count == 0)
		status = cli_usage_error(&orpub_program,
		    "nothing to publish: say what the request was, such as --model and "
		    "--response-ms, or give --gauge, --count or --json-lines");
	s->sample.tags = tags.items;
	s->sample.tag_count = tags.count;
	s->sample.kind = (enum orbus_kind)s->kind;
	s->sample.status = (enum orbus_status)s->status;
	if (status == CLI_PROCEED) {
		int err = says_a_request(s) ? orbus_publish(p, &s->sample) : 0;

		status = err ? say_sample_error(err) : CLI_FINE;
	}
	if (status == CLI_FINE)
		status = publish_stats(p, s, &s->gauges, ORBUS_KIND_GAUGE, "gauge");
	if (status == CLI_FINE)
		status = publish_stats(p, s, &s->counts, ORBUS_KIND_COUNT, "count");
	if (status == CLI_FINE)
		status = check_ts(s);
	cli_tags_free(&tags);
	/* The sample is not looked at again: main() ends. */
	// NOLINTNEXTLINE(clang-analyzer-core.StackAddressEscape)
	return status;
}

int main(int argc, char **argv)
{
	struct orpub_settings s = {0};
	struct orbus_producer *p;
	int err, status;
	bool was_new;

	output_init();
	orbus_sample_init(&s.sample);
	status = cli_parse(&orpub_program, argc, argv, &s);
	if (status == CLI_PROCEED)
		status = set_ts(&s);
	if (status != CLI_PROCEED)
		return status;
	was_new = bus_is_new(s.bus);
	err = orbus_producer_open(s.bus, TOOL, &p);
	if (err)
		return bus_error_report(TOOL, s.bus, err);
	bus_new_report(TOOL, s.bus, was_new);
	status = s.json_lines ? json_lines_publish(p, s.bus) : publish_options(p, &s);
	orbus_producer_close(p);
	return status;
}
