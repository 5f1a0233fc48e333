/*
 * options.c: a program's options read from its table, and its --help.
 */
#include "options.h"
#include "orbus.h"
#include "output.h"
#include "parse.h"
#include "utf8.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define OPTIONS_MAX 64
#define LONG_BASE   256 /* getopt_long() returns LONG_BASE + the option's index */
#define HELP_COLUMN 29

static bool takes_argument(const struct cli_option *o)
{
	return o->type != CLI_SECTION && o->type != CLI_HELP && o->type != CLI_VERSION &&
	    o->type != CLI_FLAG;
}

const char *cli_argument(const struct cli_option *o)
{
	if (!takes_argument(o))
		return NULL;
	return o->argument ? o->argument : o->choices;
}

int cli_usage_error(const struct cli_program *program, const char *format, ...)
{
	va_list arguments;

	fprintf(stderr, "%s: ", program->name);
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fprintf(stderr, "\nTry '%s --help'.\n", program->name);
	return CLI_USAGE;
}

/* What is wrong with a value, and what would be right. */
static int bad_value(const struct cli_program *program, const struct cli_option *o,
    const char *source, const char *text)
{
	char shown[256], low[32], high[32];

	text_sanitise(shown, sizeof(shown), text);
	switch (o->type) {
	case CLI_CHOICE:
		return cli_usage_error(
		    program, "%s: '%s' is none of %s", source, shown, o->choices);
	case CLI_UINT:
		if (o->high)
			return cli_usage_error(program,
			    "%s: '%s' is no whole number from %" PRIu64 " to %" PRIu64, source, shown,
			    o->low, o->high);
		return cli_usage_error(program, "%s: '%s' is no whole number, at least %" PRIu64,
		    source, shown, o->low);
	case CLI_DURATION:
		format_duration(o->low, low, sizeof(low));
		format_duration(o->high, high, sizeof(high));
		return cli_usage_error(program, "%s: '%s' is no time%s%s%s%s, such as 90s, 5m or 1h",
		    source, shown, o->low || o->high ? " from " : "", o->low || o->high ? low : "",
		    o->high ? " to " : "", o->high ? high : "");
	case CLI_OCTAL:
		return cli_usage_error(
		    program, "%s: '%s' is no file mode such as 0660", source, shown);
	case CLI_FIGURE:
		return cli_usage_error(program, "%s: '%s' is no number, at least 0%s%s", source, shown,
		    o->units ? ", of " : "", o->units ? o->units : "");
	default: return cli_usage_error(program, "%s: '%s' is no text in UTF-8", source, shown);
	}
}

static bool is_text(const char *text)
{
	return *text && utf8_is_valid(text, strlen(text));
}

static bool append(struct cli_list *list, const char *text)
{
	if (list->count == CLI_LIST_MAX)
		return false;
	list->items[list->count++] = text;
	return true;
}

static bool set_value(const struct cli_option *o, void *settings, const char *text)
{
	void *field = (char *)settings + o->offset;

	switch (o->type) {
	case CLI_FLAG: *(bool *)field = true; return true;
	case CLI_TEXT: *(const char **)field = text; return is_text(text);
	case CLI_LIST: return is_text(text) && append(field, text);
	case CLI_UINT:
		return parse_uint(text, o->low, o->high ? o->high : UINT64_MAX, field) == 0;
	case CLI_FIGURE: return parse_figure(text, field) == 0;
	case CLI_DURATION:
		return parse_duration(text, o->low, o->high ? o->high : UINT64_MAX, field) == 0;
	case CLI_OCTAL: return parse_octal(text, (unsigned)o->high, field) == 0;
	case CLI_CHOICE: return parse_choice(text, o->choices, field) == 0;
	case CLI_SECTION:
	case CLI_HELP:
	case CLI_VERSION: break;
	}
	return false;
}

static int apply(const struct cli_program *program, const struct cli_option *o, void *settings,
    const char *source, const char *text)
{
	return set_value(o, settings, text) ? CLI_PROCEED : bad_value(program, o, source, text);
}

/* Presets first, then the environment: each may be overruled by what follows. */
static int apply_defaults(const struct cli_program *program, void *settings)
{
	for (size_t i = 0; i < program->option_count; i++) {
		const struct cli_option *o = &program->options[i];
		const char *value = o->environment ? getenv(o->environment) : NULL;
		const char *source = o->environment;
		int status;

		if (!value || !*value) {
			value = o->preset;
			source = o->name;
		}
		if (!value)
			continue;
		status = apply(program, o, settings, source, value);
		if (status != CLI_PROCEED)
			return status;
	}
	return CLI_PROCEED;
}

static void fill_getopt(const struct cli_program *program, struct option *longs, char *shorts)
{
	size_t n = 0;

	*shorts++ = ':';
	for (size_t i = 0; i < program->option_count && n < OPTIONS_MAX - 1; i++) {
		const struct cli_option *o = &program->options[i];

		if (o->type == CLI_SECTION)
			continue;
		longs[n++] = (struct option){
		    o->name, takes_argument(o), NULL, LONG_BASE + (int)i};
		if (o->letter) {
			*shorts++ = o->letter;
			if (takes_argument(o))
				*shorts++ = ':';
		}
	}
	longs[n] = (struct option){0};
	*shorts = '\0';
}

static const struct cli_option *option_of(const struct cli_program *program, int code)
{
	if (code >= LONG_BASE)
		return &program->options[code - LONG_BASE];
	for (size_t i = 0; i < program->option_count; i++)
		if (program->options[i].letter == code)
			return &program->options[i];
	return NULL;
}

/* getopt_long() has met something it does not know, or a missing argument. */
static int complain(const struct cli_program *program, char **argv, bool missing)
{
	char shown[256];

	text_sanitise(shown, sizeof(shown), argv[optind - 1]);
	if (missing)
		return cli_usage_error(program, "%s needs a value", shown);
	if (argv[optind - 1][0] == '-' && argv[optind - 1][1] == '-')
		return cli_usage_error(program, "there is no such option as %s", shown);
	return cli_usage_error(program, "there is no such option as -%c", optopt);
}

static int take_option(const struct cli_program *program, int code, char **argv, void *settings)
{
	const struct cli_option *o;
	char source[64];

	if (code == '?' || code == ':')
		return complain(program, argv, code == ':');
	o = option_of(program, code);
	if (o->type == CLI_HELP) {
		cli_print_help(program, stdout);
		return CLI_FINE;
	}
	if (o->type == CLI_VERSION) {
		printf("%s (orbus) %s\n", program->name, orbus_version());
		return CLI_FINE;
	}
	snprintf(source, sizeof(source), "--%s", o->name);
	return apply(program, o, settings, source, optarg ? optarg : "");
}

int cli_parse(const struct cli_program *program, int argc, char **argv, void *settings)
{
	struct option longs[OPTIONS_MAX];
	char shorts[2 * OPTIONS_MAX + 2];
	int code, status = apply_defaults(program, settings);

	fill_getopt(program, longs, shorts);
	while (status == CLI_PROCEED && (code = getopt_long(argc, argv, shorts, longs, NULL)) != -1)
		status = take_option(program, code, argv, settings);
	if (status == CLI_PROCEED && optind < argc && !program->operands) {
		char shown[256];

		text_sanitise(shown, sizeof(shown), argv[optind]);
		return cli_usage_error(program, "'%s' is no option, and nothing else is expected", shown);
	}
	return status;
}

static int print_spelling(const struct cli_option *o, FILE *out)
{
	const char *argument = cli_argument(o);
	int n = o->letter ? fprintf(out, "  -%c, --%s", o->letter, o->name)
			  : fprintf(out, "      --%s", o->name);

	return argument ? n + fprintf(out, " %s", argument) : n;
}

static void print_option_help(const struct cli_option *o, FILE *out)
{
	int column = print_spelling(o, out);
	const char *preset = o->preset_words ? o->preset_words : o->preset;

	fprintf(out, "%*s%s", column < HELP_COLUMN ? HELP_COLUMN - column : 1, "", o->help);
	if (preset)
		fprintf(out, " (%s)", preset);
	fputc('\n', out);
}

/* Spellings alone, as many to a line as fit. */
static void print_dense(const struct cli_program *program, size_t from, FILE *out)
{
	int column = 0;

	for (size_t i = from; i < program->option_count; i++) {
		const struct cli_option *o = &program->options[i];
		const char *argument = cli_argument(o);
		int width = (int)strlen(o->name) + 3 + (argument ? (int)strlen(argument) + 1 : 0);

		if (o->type == CLI_SECTION)
			continue;
		if (column == 0 || column + width > OUTPUT_COLUMNS - 1)
			column = fprintf(out, column ? "\n " : " ") - (column ? 1 : 0);
		column += fprintf(
		    out, " --%s%s%s", o->name, argument ? " " : "", argument ? argument : "");
	}
	if (column)
		fputc('\n', out);
}

void cli_print_help(const struct cli_program *program, FILE *out)
{
	fprintf(out, "Usage: %s [OPTION]...%s%s\n%s\n\n", program->name,
	    program->operands ? " " : "", program->operands ? program->operands : "",
	    program->summary);
	for (size_t i = 0; i < program->option_count; i++) {
		const struct cli_option *o = &program->options[i];

		if (program->dense_from && o->name && strcmp(o->name, program->dense_from) == 0) {
			print_dense(program, i, out);
			return;
		}
		if (o->type == CLI_SECTION)
			fprintf(out, "%s:\n", o->help);
		else
			print_option_help(o, out);
	}
}
