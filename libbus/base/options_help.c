/*
 * options_help.c: --help, out of a program's table. It fits one screen of 24 lines by 80 columns.
 */
#include "options.h"

#include <stdbool.h>
#include <string.h>

#define HELP_COLUMNS 79

const char *cli_argument(const struct cli_option *o)
{
	return o->argument ? o->argument : o->choices;
}

/* "  -b, --bus NAME"; returns its length. */
static int write_usage(const struct cli_option *o, char *out, size_t bytes)
{
	const char *argument = cli_argument(o), *open = "", *close = "";
	char letter[8] = "    ";

	if (o->letter)
		snprintf(letter, sizeof(letter), "-%c, ", o->letter);
	if (argument && o->implied) {
		open = "[";
		close = "]";
	}
	return snprintf(out, bytes, "  %s--%s%s%s%s%s", letter, o->name, argument ? " " : "", open,
	    argument ? argument : "", close);
}

static bool is_dense(const struct cli_program *p, size_t index)
{
	for (size_t i = 0; p->dense_from && i <= index; i++)
		if (p->options[i].name && strcmp(p->options[i].name, p->dense_from) == 0)
			return true;
	return false;
}

/* The column in which the help lines start. */
static int help_column(const struct cli_program *p)
{
	int widest = 0;

	for (size_t i = 0; i < p->option_count; i++) {
		char usage[128];
		int n;

		if (p->options[i].type == CLI_SECTION || is_dense(p, i))
			continue;
		n = write_usage(&p->options[i], usage, sizeof(usage));
		widest = n > widest ? n : widest;
	}
	return widest + 2;
}

static void print_option(const struct cli_option *o, int column, FILE *out)
{
	const char *preset = o->preset_words ? o->preset_words : o->preset;
	char usage[128];

	write_usage(o, usage, sizeof(usage));
	fprintf(out, "%-*s%s", column, usage, o->help);
	if (o->choices && o->argument)
		fprintf(out, ": %s", o->choices);
	if (o->environment)
		fprintf(
		    out, " [$%s%s%s]", o->environment, preset ? ", " : "", preset ? preset : "");
	else if (preset)
		fprintf(out, " [%s]", preset);
	fputc('\n', out);
}

/* Adds an option to the running lines; *used is the width of the line so far. */
static void print_dense(const struct cli_option *o, int *used, FILE *out)
{
	const char *argument = cli_argument(o);
	char usage[128];
	int n = snprintf(usage, sizeof(usage), " --%s%s%s", o->name, argument ? " " : "",
	    argument ? argument : "");

	if (*used > 0 && *used + n > HELP_COLUMNS) {
		fputc('\n', out);
		*used = 0;
	}
	if (*used == 0)
		*used = fprintf(out, " ");
	*used += fprintf(out, "%s", usage);
}

void cli_print_help(const struct cli_program *p, FILE *out)
{
	int column = help_column(p), used = 0;

	fprintf(out, "Usage: %s [OPTION]...%s%s\n%s\n", p->name, p->operands ? " " : "",
	    p->operands ? p->operands : "", p->summary);
	for (size_t i = 0; i < p->option_count; i++) {
		const struct cli_option *o = &p->options[i];

		if (o->type == CLI_SECTION) {
			fprintf(out, "%s%s:\n", used ? "\n" : "", o->help);
			used = 0;
		} else if (is_dense(p, i)) {
			print_dense(o, &used, out);
		} else {
			print_option(o, column, out);
		}
	}
	fputs(used ? "\n" : "", out);
}
