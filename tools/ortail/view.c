/*
 * view.c: options of ortail that need to be read first, and those that exclude each other.
 */
#include "view.h"
#include "base/parse.h"
#include "common/print.h"

#include <errno.h>
#include <string.h>

#define PROGRAM (&ortail_program)

static int out_of_memory(void)
{
	fprintf(stderr, "%s: out of memory\n", PROGRAM->name);
	return CLI_FAILED;
}

static int make_format(struct ortail_view *v, const struct ortail_settings *s)
{
	char why[768];
	int format, err;

	if (s->json && strcmp(s->format, "none") != 0) {
		v->format = FORMAT_JSON;
		return CLI_PROCEED;
	}
	if (template_is_meant(s->format)) {
		v->format = FORMAT_TEMPLATE;
		err = template_parse(s->format, &v->template, why, sizeof(why));
		if (err == -EINVAL)
			return cli_usage_error(PROGRAM, "--format: %s", why);
		return err ? out_of_memory() : CLI_PROCEED;
	}
	if (parse_choice(s->format, ORTAIL_FORMATS, &format) < 0)
		return cli_usage_error(PROGRAM,
		    "--format: '%.200s' is not known: give one of " ORTAIL_FORMATS
		    ", or a template such as '{time} {model}'",
		    s->format);
	v->format = (enum ortail_format)format;
	return CLI_PROCEED;
}

/* Refuses options that --log-target cannot serve. */
static int check_log(const struct ortail_view *v, const struct ortail_settings *s)
{
	if (v->format == FORMAT_CSV || v->format == FORMAT_TABLE || v->format == FORMAT_NONE)
		return cli_usage_error(
		    PROGRAM, "--log-target: give --format log, json or a template");
	if (s->group || s->stats_every_ns)
		return cli_usage_error(PROGRAM,
		    "--log-target: logs each request by itself: leave out --group and "
		    "--stats-every");
	if (s->timestamps || s->highlight.count)
		return cli_usage_error(PROGRAM,
		    "--log-target: the log has times, and no colours: leave out --timestamps and "
		    "--highlight");
	return CLI_PROCEED;
}

static int check(const struct ortail_view *v, const struct ortail_settings *s)
{
	bool columns = v->format == FORMAT_CSV || v->format == FORMAT_TABLE;

	if (v->format == FORMAT_NONE && !s->stats_every_ns)
		return cli_usage_error(
		    PROGRAM, "--format: none shows nothing: give --stats-every too");
	if (v->format == FORMAT_CSV && s->stats_every_ns)
		return cli_usage_error(
		    PROGRAM, "--stats-every: CSV has no place for summaries: take json");
	if (s->group && (columns || v->format == FORMAT_NONE))
		return cli_usage_error(PROGRAM, "--group: give --format log, json or a template");
	if (s->group && s->kind != ORBUS_KIND_REQUEST)
		return cli_usage_error(
		    PROGRAM, "--group: shows begins with their requests: leave --kind out");
	if (s->timestamps && v->format != FORMAT_LOG)
		return cli_usage_error(
		    PROGRAM, "--timestamps: only for the log; other formats have times");
	return s->log_target < 0 ? CLI_PROCEED : check_log(v, s);
}

int ortail_view_make(struct ortail_view *v, const struct ortail_settings *s)
{
	int status;

	*v = (struct ortail_view){.settings = s, .timestamps = s->timestamps};
	v->filter = (struct sample_filter){.kind = FILTER_ANY,
	    .status = s->status,
	    .min_ms = s->min_ms,
	    .model = s->model,
	    .bot = s->bot,
	    .provider = s->provider};
	v->colour = s->log_target < 0 && output_wants_colour(stdout);
	status = make_format(v, s);
	if (status == CLI_PROCEED)
		status = check(v, s);
	if (status == CLI_PROCEED)
		status = conditions_make(&v->where, PROGRAM, "where", &s->where);
	if (status == CLI_PROCEED)
		status = conditions_make(&v->exclude, PROGRAM, "exclude", &s->exclude);
	if (status == CLI_PROCEED && s->highlight.count)
		status = highlight_make(&v->highlight, PROGRAM, &s->highlight);
	if (status == CLI_PROCEED && !v->colour) {
		highlight_free(v->highlight);
		v->highlight = NULL;
	}
	return status;
}

void ortail_view_free(struct ortail_view *v)
{
	template_free(v->template);
	highlight_free(v->highlight);
	conditions_free(&v->where);
	conditions_free(&v->exclude);
}

bool ortail_view_passes(const struct ortail_view *v, const struct orbus_sample *s)
{
	return sample_filter_passes(&v->filter, s) && conditions_all(&v->where, s) &&
	       !conditions_any(&v->exclude, s);
}

bool ortail_view_wants(const struct ortail_view *v, const struct orbus_sample *s)
{
	int kind = v->settings->kind;

	return (kind == KIND_ALL || (int)s->kind == kind) && ortail_view_passes(v, s);
}
