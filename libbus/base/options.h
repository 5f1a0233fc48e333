/*
 * options.h: a program's options, written once in a table.
 *
 * The table gives parsing, --help, and (through optdoc) the OPTIONS section of the man page and
 * the completions for bash, zsh and fish. Each program's table lies in a file of its own,
 * NAME_options.c, which exports `const struct cli_program NAME_program`.
 */
#ifndef ORBUS_BASE_OPTIONS_H
#define ORBUS_BASE_OPTIONS_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* What an option's argument is, and thereby what it fills in at `offset` of the settings. */
enum cli_type {
	CLI_SECTION,  /* no option: `help` is a heading for those that follow */
	CLI_HELP,     /* prints --help and exits */
	CLI_VERSION,  /* prints the version and exits */
	CLI_FLAG,     /* bool: true when given */
	CLI_TEXT,     /* const char *: UTF-8, not empty */
	CLI_LIST,     /* struct cli_list: as CLI_TEXT, may be given again and again */
	CLI_UINT,     /* uint64_t: a whole number within low..high */
	CLI_FIGURE,   /* double: finite, >= 0 */
	CLI_DURATION, /* uint64_t: nanoseconds; "90s", "1.5h", "2d"; a bare number is seconds */
	CLI_OCTAL,    /* unsigned: such as 0660, at most `high` */
	CLI_CHOICE,   /* int: the index in `choices` */
};

/* What the shell may offer for an argument. */
enum cli_offer {
	CLI_OFFER_NOTHING,
	CLI_OFFER_BUSES,
	CLI_OFFER_FILES,
	CLI_OFFER_FOLDERS,
	CLI_OFFER_GROUPS
};

struct cli_option {
	const char *name; /* long name, without the dashes */
	char letter;      /* 0: none */
	enum cli_type type;
	size_t offset;        /* of the field in the settings */
	const char *argument; /* its name in the documentation; of a CLI_CHOICE: may be NULL */
	const char *choices;  /* of a CLI_CHOICE: "auto|uring|posix" */
	const char *preset; /* the default as a user would type it; NULL: the field is left alone */
	const char *preset_words; /* what the documentation says where `preset` cannot */
	const char *implied;     /* what the option means without an argument; NULL: it needs one */
	const char *environment; /* the variable that stands in where the option is not given */
	uint64_t low, high;      /* high 0: no limit */
	enum cli_offer offer;
	const char *help;    /* half a line for --help */
	const char *details; /* sentences for the man page, in scdoc; NULL: `help` does */
	const char *units; /* for the message about a wrong number: "milliseconds, such as 3450" */
};

struct cli_program {
	const char *name;
	const char *operands; /* what follows the options in the usage; NULL: nothing may */
	const char *summary;  /* one line, with a full stop */
	const struct cli_option *options;
	size_t option_count;
	const char *dense_from; /* name of the first option that --help lists without its help line,
	                           with all that follow; NULL: none */
};

#define CLI_LIST_MAX 64

struct cli_list {
	const char *items[CLI_LIST_MAX];
	size_t count;
};

/* The options that every program has. `type` is the program's settings struct. */
#define CLI_OPTION_BUS(settings, field)                                                           \
	{                                                                                         \
		.name = "bus", .letter = 'b', .type = CLI_TEXT,                                   \
		.offset = offsetof(settings, field), .argument = "NAME", .preset_words = "orbus", \
		.environment = "ORBUS", .offer = CLI_OFFER_BUSES, .help = "the bus",              \
		.details = "The bus: a POSIX shared-memory name such as _orbus_, or an absolute " \
			   "path on a tmpfs such as _/run/orbus/ring_. See *orbus*(7)."           \
	}
/* `help_words` and `what` say which of the agent's files the program uses. */
#define CLI_OPTION_DATA_DIR(settings, field, help_words, what)                                   \
	{                                                                                        \
		.name = "data-dir", .letter = 'd', .type = CLI_TEXT,                             \
		.offset = offsetof(settings, field), .argument = "DIR",                          \
		.environment = "ORBUS_DATA_DIR", .offer = CLI_OFFER_FOLDERS, .help = help_words, \
		.details = what " _/var/lib/orbus/metrics_ for root, "                           \
				"_~/.local/state/orbus/metrics_ for others."                     \
	}
#define CLI_OPTION_HELP                                                                            \
	{                                                                                          \
		.name = "help", .letter = 'h', .type = CLI_HELP, .help = "show this help and exit" \
	}
#define CLI_OPTION_VERSION                                             \
	{                                                              \
		.name = "version", .letter = 'V', .type = CLI_VERSION, \
		.help = "show the version and exit"                    \
	}

/* Exit statuses, the same for all programs. */
enum cli_exit { CLI_FINE, CLI_FAILED, CLI_USAGE, CLI_NO_BUS, CLI_UNKNOWN_LAYOUT };

/* What cli_parse() returns when the program is to go on. */
#define CLI_PROCEED (-1)

/*
 * Fills in `settings`: presets, then the environment, then the command line; a field without any
 * of them stays as the caller made it. Returns CLI_PROCEED, or the status to exit with: after
 * --help or --version, or after a message about what is wrong. With `operands`, optind tells where
 * they start.
 */
int cli_parse(const struct cli_program *program, int argc, char **argv, void *settings);

/* Prints "NAME: MESSAGE" and where to find help, and returns CLI_USAGE. */
__attribute__((format(printf, 2, 3))) int cli_usage_error(
    const struct cli_program *program, const char *format, ...);

void cli_print_help(const struct cli_program *program, FILE *out);

/* The argument as the documentation writes it, NULL where the option takes none. */
const char *cli_argument(const struct cli_option *option);

#endif
