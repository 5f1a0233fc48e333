/*
 * main.c: publishes from a shell: one request, gauges and counts by options, or JSON lines.
 */
#include "base/clock.h"
#include "base/options.h"
#include "base/parse.h"
#include "common/print.h"
#include "common/tags.h"
#include "doc/sample_json.h"
#include "live/bus_error.h"
#include "options.h"
#include "pace.h"
#include "sample/sample.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define TOOL           "orpub"
#define LINE_MAX_BYTES (1 << 20)

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
	cli_tags_free(&tags);
	/* The sample is not looked at again: main() ends. */
	// NOLINTNEXTLINE(clang-analyzer-core.StackAddressEscape)
	return status;
}

static int publish_line(
    struct orbus_producer *p, const char *line, size_t length, char *why, size_t why_bytes)
{
	struct orbus_tag tags[ORBUS_TAGS_MAX];
	struct orbus_sample sample;
	json_error_t error;
	json_t *object = json_loadb(line, length, JSON_REJECT_DUPLICATES, &error);
	int err;

	if (!object) {
		snprintf(why, why_bytes, "%s at column %d", error.text, error.column);
		return -EINVAL;
	}
	err = sample_from_json(object, tags, &sample, why, why_bytes);
	if (!err) {
		err = orbus_publish(p, &sample);
		if (err)
			snprintf(why, why_bytes, "%s", orbus_strerror(err));
	}
	json_decref(object);
	return err;
}

/* Takes away the mark that some editors put at the start of a file. */
static size_t drop_mark(char *line, size_t length)
{
	static const char mark[] = {'\xef', '\xbb', '\xbf'};

	if (length < sizeof(mark) || memcmp(line, mark, sizeof(mark)) != 0)
		return length;
	memmove(line, line + sizeof(mark), length - sizeof(mark));
	return length - sizeof(mark);
}

static bool is_blank(const char *line, size_t length)
{
	while (length > 0 && (line[length - 1] == ' ' || line[length - 1] == '\t'))
		length--;
	return length == 0;
}

/* One line without its end. Bytes beyond LINE_MAX_BYTES are passed over and *too_long is set. */
static bool read_line(char *line, size_t *length, bool *too_long)
{
	int c;

	*length = 0;
	*too_long = false;
	while ((c = getc_unlocked(stdin)) != EOF && c != '\n') {
		if (*length < LINE_MAX_BYTES)
			line[(*length)++] = (char)c;
		else
			*too_long = true;
	}
	if (*length && line[*length - 1] == '\r')
		--*length;
	return c != EOF || *length > 0 || *too_long;
}

/* What nobody will find in any file is told, and is no success. */
static int say_losses(struct pace *pace)
{
	uint64_t lost = pace_lost(pace);

	if (lost == 0)
		return CLI_FINE;
	fprintf(stderr,
	    TOOL ": %" PRIu64 " of %" PRIu64 " samples were overwritten before an agent counted "
		 "them: start oragent first\n",
	    lost, pace->published);
	return CLI_FAILED;
}

static int publish_json_lines(struct orbus_producer *p, const char *bus)
{
	char *line = malloc(LINE_MAX_BYTES), why[256], shown[1024];
	int status = CLI_FINE;
	struct pace pace;
	size_t length;
	bool too_long;

	pace_begin(&pace, bus);
	if (!line)
		return say_sample_error(-ENOMEM);
	for (unsigned long number = 1; read_line(line, &length, &too_long); number++) {
		if (number == 1)
			length = drop_mark(line, length);
		if (is_blank(line, length) && !too_long)
			continue;
		if (too_long)
			snprintf(why, sizeof(why), "longer than %d bytes", LINE_MAX_BYTES);
		else if (publish_line(p, line, length, why, sizeof(why)) == 0) {
			pace_published(&pace);
			continue;
		}
		text_sanitise(shown, sizeof(shown), why);
		fprintf(stderr, TOOL ": line %lu: %s\n", number, shown);
		status = CLI_FAILED;
	}
	if (ferror(stdin)) {
		fprintf(stderr, TOOL ": cannot read standard input: %s\n", strerror(errno));
		status = CLI_FAILED;
	}
	free(line);
	if (say_losses(&pace) != CLI_FINE)
		status = CLI_FAILED;
	return status;
}

int main(int argc, char **argv)
{
	struct orpub_settings s = {0};
	struct orbus_producer *p;
	int err, status;

	output_init();
	orbus_sample_init(&s.sample);
	status = cli_parse(&orpub_program, argc, argv, &s);
	if (status == CLI_PROCEED)
		status = set_ts(&s);
	if (status != CLI_PROCEED)
		return status;
	err = orbus_producer_open(s.bus, TOOL, &p);
	if (err)
		return bus_error_report(TOOL, s.bus, err);
	status = s.json_lines ? publish_json_lines(p, s.bus) : publish_options(p, &s);
	orbus_producer_close(p);
	return status;
}
