/*
 * options.c: reading a command line by its program's table.
 */
#include "options.h"
#include "nearest.h"
#include "orbus.h"
#include "parse.h"
#include "term.h"
#include "text_safe.h"
#include "utf8.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define OPTIONS_MAX 64
/* getopt_long() returns LONG_ONLY + index for an option, letter or none. */
#define LONG_ONLY 256

int cli_usage_error(const struct cli_program *p, const char *format, ...)
{
	char message[1024], safe[2048];
	va_list args;

	va_start(args, format);
	vsnprintf(message, sizeof(message), format, args);
	va_end(args);
	text_sanitise(safe, sizeof(safe), message);
	fprintf(stderr, "%s: %s\nSee '%s --help'.\n", p->name, safe, p->name);
	return CLI_USAGE;
}

/* --- One value -------------------------------------------------------------------------------- */

static uint64_t high_of(const struct cli_option *o)
{
	return o->high ? o->high : INT64_MAX;
}

/* " (did you mean 5m?)", or nothing. */
static void describe_meant(const struct cli_option *o, const char *value, char *out, size_t bytes)
{
	char duration[32];
	size_t length;
	const char *choice;

	*out = '\0';
	if (o->type == CLI_CHOICE) {
		choice = nearest_choice(value, o->choices, &length);
		if (choice)
			snprintf(out, bytes, " (did you mean %.*s?)", (int)length, choice);
	} else if (parse_duration_meant(value, duration, sizeof(duration))) {
		snprintf(out, bytes, " (did you mean %s?)", duration);
	}
}

/* What a wrong value should have been. */
static void describe_remedy(
    const struct cli_option *o, int error, const char *value, char *out, size_t bytes)
{
	char low[32], high[32], meant[64];

	switch (o->type) {
	case CLI_CHOICE:
		describe_meant(o, value, meant, sizeof(meant));
		snprintf(out, bytes, "give one of %s%s", o->choices, meant);
		break;
	case CLI_DURATION:
		format_duration(o->low, low, sizeof(low));
		format_duration(high_of(o), high, sizeof(high));
		if (error == -ERANGE)
			snprintf(out, bytes, "give a time from %s to %s", low, high);
		else {
			describe_meant(o, value, meant, sizeof(meant));
			snprintf(out, bytes, "give a time such as 90s, 5m or 1.5h%s", meant);
		}
		break;
	case CLI_OCTAL: snprintf(out, bytes, "give permissions in octal, such as 0660"); break;
	case CLI_UINT:
		if (error == -ERANGE || o->high)
			snprintf(out, bytes, "give a whole number from %" PRIu64 " to %" PRIu64,
			    o->low, high_of(o));
		else
			snprintf(out, bytes, "give a whole number");
		break;
	case CLI_FIGURE:
		snprintf(out, bytes, "give %s", o->units ? o->units : "a number, 0 or more");
		break;
	default:
		snprintf(out, bytes, error == -EILSEQ ? "give UTF-8 text" : "leave the option out");
		break;
	}
}

static const char *describe_fault(const struct cli_option *o, int error)
{
	switch (-error) {
	case EDOM: return "is negative, infinite or not a number";
	case ERANGE: return "is out of range";
	case EILSEQ: return "is not valid UTF-8";
	case E2BIG: return "is one too many";
	default: break;
	}
	switch (o->type) {
	case CLI_TEXT:
	case CLI_LIST: return "is empty";
	case CLI_CHOICE: return "is not known";
	case CLI_DURATION: return "is not a time";
	case CLI_OCTAL: return "is not an octal number";
	default: return "is not a number";
	}
}

static int check_text(const char *value)
{
	if (!*value)
		return -EINVAL;
	return utf8_is_valid(value, strlen(value)) ? 0 : -EILSEQ;
}

static int add_to_list(struct cli_list *list, const char *value)
{
	int err = check_text(value);

	if (!err && list->count == CLI_LIST_MAX)
		err = -E2BIG;
	if (!err)
		list->items[list->count++] = value;
	return err;
}

static int set_text(const char **field, const char *value)
{
	int err = check_text(value);

	if (!err)
		*field = value;
	return err;
}

static int set_field(const struct cli_option *o, const char *value, void *settings)
{
	void *field = (char *)settings + o->offset;

	switch (o->type) {
	case CLI_FLAG: *(bool *)field = true; return 0;
	case CLI_TEXT: return set_text(field, value);
	case CLI_LIST: return add_to_list(field, value);
	case CLI_UINT: return parse_uint(value, o->low, high_of(o), field);
	case CLI_FIGURE: return parse_figure(value, field);
	case CLI_DURATION: return parse_duration(value, o->low, high_of(o), field);
	case CLI_OCTAL: return parse_octal(value, (unsigned)high_of(o), field);
	case CLI_CHOICE: return parse_choice(value, o->choices, field);
	case CLI_SECTION:
	case CLI_HELP:
	case CLI_VERSION: break;
	}
	return 0;
}

/* `origin` is "--model" or "$ORBUS". */
static int take_value(const struct cli_program *p, const struct cli_option *o, const char *origin,
    const char *value, void *settings)
{
	char remedy[256];
	int err = set_field(o, value, settings);

	if (!err)
		return CLI_PROCEED;
	describe_remedy(o, err, value, remedy, sizeof(remedy));
	return cli_usage_error(
	    p, "%s: '%.200s' %s: %s", origin, value, describe_fault(o, err), remedy);
}

/* --- The whole -------------------------------------------------------------------------------- */

static void take_presets(const struct cli_program *p, void *settings)
{
	for (size_t i = 0; i < p->option_count; i++)
		if (p->options[i].preset)
			set_field(&p->options[i], p->options[i].preset, settings);
}

/* Variables stand in for options that were not given; those that were overrule even a bad one. */
static int take_environment(const struct cli_program *p, const char *const *given, void *settings)
{
	for (size_t i = 0; i < p->option_count; i++) {
		const struct cli_option *o = &p->options[i];
		const char *value = o->environment && !given[i] ? getenv(o->environment) : NULL;
		char origin[64];

		if (!value || !*value)
			continue;
		snprintf(origin, sizeof(origin), "$%s", o->environment);
		if (take_value(p, o, origin, value, settings) != CLI_PROCEED)
			return CLI_USAGE;
	}
	return CLI_PROCEED;
}

/* The table in getopt's words. */
struct getopt_words {
	struct option long_options[OPTIONS_MAX + 1];
	char letters[3 * OPTIONS_MAX + 3];
};

static void to_getopt(const struct cli_program *p, struct getopt_words *w)
{
	struct option *to = w->long_options;
	char *letter = w->letters;

	/* '-': operands are reported, else they are moved behind the options; ':': a missing
	   argument is told apart. */
	if (!p->operands)
		*letter++ = '-';
	*letter++ = ':';
	for (size_t i = 0; i < p->option_count && i < OPTIONS_MAX; i++) {
		const struct cli_option *o = &p->options[i];
		int has_argument = !cli_argument(o) ? no_argument
		                   : o->implied     ? optional_argument
		                                    : required_argument;

		if (o->type == CLI_SECTION)
			continue;
		*to++ = (struct option){o->name, has_argument, NULL, LONG_ONLY + (int)i};
		if (!o->letter)
			continue;
		*letter++ = o->letter;
		for (int colons = has_argument; colons > 0; colons--)
			*letter++ = ':';
	}
	*to = (struct option){0};
	*letter = '\0';
}

static const struct cli_option *option_of(const struct cli_program *p, int found)
{
	if (found >= LONG_ONLY)
		return &p->options[found - LONG_ONLY];
	for (size_t i = 0; i < p->option_count; i++)
		if (p->options[i].letter == found)
			return &p->options[i];
	return NULL;
}

/*
 * The argument of an option that may do without. getopt_long() takes only what is written in one
 * word with it; where the program has no operands, a word that follows can be nothing else.
 */
static const char *optional_value(
    const struct cli_program *p, const struct cli_option *o, int argc, char **argv)
{
	if (optarg || !o->implied)
		return optarg;
	if (!p->operands && optind < argc && argv[optind][0] != '-')
		return argv[optind++];
	return o->implied;
}

static int take_option(
    const struct cli_program *p, const struct cli_option *o, const char *value, void *settings)
{
	char origin[64];

	switch (o->type) {
	case CLI_HELP: cli_print_help(p, stdout); return CLI_FINE;
	case CLI_VERSION: printf("%s (orbus) %s\n", p->name, orbus_version()); return CLI_FINE;
	default: break;
	}
	snprintf(origin, sizeof(origin), "--%s", o->name);
	return take_value(p, o, origin, value, settings);
}

/*
 * A value that replaces another one: one of the two is not what was meant, and nobody would see
 * which. A list takes both; the same again changes nothing.
 */
static int refuse_second(
    const struct cli_program *p, const struct cli_option *o, const char *first, const char *second)
{
	if (!first || o->type == CLI_LIST || o->type == CLI_FLAG || strcmp(first, second) == 0)
		return CLI_PROCEED;
	return cli_usage_error(
	    p, "--%s: given twice, '%.200s' and '%.200s': give it once", o->name, first, second);
}

/* The option that an unknown word was meant to be; NULL: none is near. */
static const char *option_meant(const struct cli_program *p, const char *word)
{
	const char *name = word + strspn(word, "-");
	struct nearest n = nearest_begin(name, strcspn(name, "="));

	for (size_t i = 0; i < p->option_count; i++)
		if (p->options[i].name)
			nearest_offer(&n, p->options[i].name, strlen(p->options[i].name));
	return n.found;
}

/* "--mod" where several options begin so, or no option at all. */
static int refuse_unknown(const struct cli_program *p, const char *word)
{
	const char *name = word + strspn(word, "-"), *meant = option_meant(p, word);
	size_t length = strcspn(name, "="), used = 0, found = 0;
	char names[512] = "";

	for (size_t i = 0; i < p->option_count; i++) {
		const char *other = p->options[i].name;

		if (!other || strncmp(other, name, length) != 0 || used >= sizeof(names))
			continue;
		used += (size_t)snprintf(
		    names + used, sizeof(names) - used, "%s--%s", found++ ? ", " : "", other);
	}
	if (found > 1 && length > 0)
		return cli_usage_error(p, "ambiguous option %.200s: it may be %s", word, names);
	if (meant)
		return cli_usage_error(p, "unknown option %.200s: did you mean --%s?", word, meant);
	return cli_usage_error(p, "unknown option %.200s", word);
}

/*
 * "-model", of which getopt_long() says no more than that there is no -m: an option by its long
 * name, for which a dash is missing. NULL: no such word is there.
 */
static const char *single_dash(char **argv, int letter)
{
	/* The word is the next one still, unless the letter is its last. */
	const char *word = argv[optind] ? argv[optind] : "";

	return word[0] == '-' && word[1] == letter && word[2] ? word : NULL;
}

/* Reports the word that getopt_long() did not understand. */
static int refuse_word(const struct cli_program *p, int found, char **argv)
{
	const char *word = argv[optind - 1], *dashed;
	const struct cli_option *o = optopt ? option_of(p, optopt) : NULL;

	if (found == ':' && o)
		return cli_usage_error(
		    p, "--%s: needs an argument: give %s", o->name, cli_argument(o));
	if (o)
		return cli_usage_error(p, "--%s: takes no argument", o->name);
	dashed = optopt ? single_dash(argv, optopt) : NULL;
	if (dashed && option_meant(p, dashed))
		return refuse_unknown(p, dashed);
	if (optopt)
		return cli_usage_error(p, "unknown option -%c", optopt);
	return refuse_unknown(p, word);
}

/* An option that getopt_long() has found, and its argument. */
static int take_found(const struct cli_program *p, const struct cli_option *o, int argc,
    char **argv, const char **given, void *settings)
{
	const char *value = optional_value(p, o, argc, argv);
	const char **before = &given[o - p->options];
	int status = refuse_second(p, o, *before, value);

	if (status == CLI_PROCEED)
		status = take_option(p, o, value, settings);
	*before = value ? value : "";
	return status;
}

int cli_parse(const struct cli_program *p, int argc, char **argv, void *settings)
{
	struct getopt_words words;
	const char *given[OPTIONS_MAX] = {NULL}; /* the value of each; NULL: not given */
	int found, status = CLI_PROCEED;

	take_presets(p, settings);
	to_getopt(p, &words);
	opterr = 0;
	while (status == CLI_PROCEED &&
	       (found = getopt_long(argc, argv, words.letters, words.long_options, NULL)) != -1) {
		if (found == '?' || found == ':')
			status = refuse_word(p, found, argv);
		else if (found == 1)
			status = cli_usage_error(p, "unexpected argument '%.200s'", optarg);
		else
			status = take_found(p, option_of(p, found), argc, argv, given, settings);
	}
	if (status == CLI_PROCEED && !p->operands && optind < argc)
		status = cli_usage_error(p, "unexpected argument '%.200s'", argv[optind]);
	if (status == CLI_PROCEED)
		status = take_environment(p, given, settings);
	if (status == CLI_FINE && output_flush(p->name, NULL) != 0)
		status = CLI_FAILED;
	return status;
}
