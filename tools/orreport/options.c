/*
 * options.c: the table of orreport's options.
 */
#include "options.h"
#include "common/time_parse.h"

#define AT(field) offsetof(struct orreport_settings, field)

static const struct cli_option options[] = {
    {.name = "data-dir",
	.letter = 'd',
	.type = CLI_LIST,
	.offset = AT(data_dirs),
	.argument = "DIR",
	.environment = "ORBUS_DATA_DIR",
	.offer = CLI_OFFER_FOLDERS,
	.help = "where the agent's files are; may be repeated",
	.details =
	    "The folder of the agent's files. Where neither it nor the variable is given, the one "
	    "that the agent of *--bus* uses, as its board says; without a board "
	    "_/var/lib/orbus/metrics_ for root, _~/.local/state/orbus/metrics_ for others. Given "
	    "several times, as for the folders of several hosts, their requests are added up."},
    CLI_OPTION_BUS(struct orreport_settings, bus),
    {.name = "days",
	.letter = 'n',
	.type = CLI_UINT,
	.offset = AT(days),
	.argument = "N",
	.preset_words = "7",
	.low = 1,
	.high = 36500,
	.help = "the last N days, today included"},
    {.name = "from",
	.type = CLI_TEXT,
	.offset = AT(from),
	.argument = "WHEN",
	.help = "from the start of WHEN",
	.details = "From the start of _WHEN_, in whole hours: a period as under *PERIODS*, or a "
		   "moment: " MOMENT_FORMS "."},
    {.name = "to",
	.type = CLI_TEXT,
	.offset = AT(to),
	.argument = "WHEN",
	.preset_words = "now",
	.help = "to the end of WHEN",
	.details = "To the end of _WHEN_, which may be what *--from* takes: *--to* _2026-11-21_ "
		   "includes that day."},
    {.name = "per",
	.type = CLI_CHOICE,
	.offset = AT(per),
	.argument = "WHAT",
	.choices = "hour|day",
	.preset_words = "hour up to 2 days",
	.help = "lines of the trend",
	.details = "What a line of the trend is of."},
    {.name = "by",
	.type = CLI_CHOICE,
	.offset = AT(by),
	.argument = "WHAT",
	.choices = DIMENSION_CHOICES,
	.help = "compare these",
	.details = "Compares what the files tell apart: average response time, TPS and TTFT, each "
		   "with the range from its 5th to its 95th percentile."},
    {.name = "compare",
	.letter = 'c',
	.type = CLI_TEXT,
	.offset = AT(compare),
	.argument = "A..B",
	.help = "compare two periods",
	.details = "Compares period _B_ with period _A_, also given as two arguments, _A B_. See "
		   "*PERIODS* and *COMPARISON*. With *--by*, each name of _WHAT_."},
    {.name = "format",
	.letter = 'f',
	.type = CLI_CHOICE,
	.offset = AT(format),
	.argument = "FORMAT",
	.choices = "table|csv|json|html",
	.preset = "table",
	.help = "how to show it",
	.details =
	    "_table_: for terminals; _csv_: RFC 4180, a line a period, in milliseconds, "
	    "where a text that a spreadsheet would take for a formula has a ' before it; "
	    "_json_: the periods as documents with the keys of the agent's files; _html_: "
	    "one page with plots, and the change against the period before, which needs nothing else "
	    "and no network."},
    {.name = "json",
	.letter = 'j',
	.type = CLI_FLAG,
	.offset = AT(json),
	.help = "the same as --format json"},
    {.name = "svg",
	.type = CLI_TEXT,
	.offset = AT(svg),
	.argument = "FILE",
	.help = "draw the trend into FILE",
	.details = "Draws the trend as a picture into _FILE_, beside what is printed."},
    {.name = "utc",
	.type = CLI_FLAG,
	.offset = AT(utc),
	.help = "hours and days of UTC",
	.details = "Hours and days are those of UTC and not of local time."},
    CLI_OPTION_HELP,
    CLI_OPTION_VERSION,
    {.type = CLI_SECTION, .help = "From the journal (oragent --journal)"},
    {.name = "slowest",
	.type = CLI_UINT,
	.offset = AT(slowest),
	.argument = "N",
	.low = 1,
	.high = 10000,
	.help = "the N slowest requests",
	.details = "The _N_ slowest requests of the time, in full. Needs the agent's journal."},
    {.name = "group-by",
	.type = CLI_CHOICE,
	.offset = AT(group_by),
	.argument = "KEY",
	.choices = REPORT_GROUP_CHOICES,
	.help = "compare requests by KEY",
	.details = "The same comparison as *--by*, of every request in the agent's journal, by one "
		   "of its keys: streaming against not, one finish reason against another."},
};

const struct cli_program orreport_program = {
    .name = "orreport",
    .operands = "[B]",
    .summary = "Reports what an agent's files hold: trends, comparisons, advice.",
    .options = options,
    .option_count = sizeof(options) / sizeof(options[0]),
    .dense_from = "slowest",
};
