/*
 * orstat_options.c: the table of orstat's options.
 */
#include "orstat_options.h"

#define AT(field) offsetof(struct orstat_settings, field)

static const struct cli_option options[] = {
    CLI_OPTION_BUS(struct orstat_settings, bus),
    {.name = "window",
	.letter = 't',
	.type = CLI_CHOICE,
	.offset = AT(window),
	.argument = "TIME",
	.choices = "1m|5m|1h|day|start",
	.preset = "1h",
	.help = "over what time",
	.details = "The last minute, five minutes or hour, the current day, or all since the agent "
		   "started."},
    {.name = "by",
	.type = CLI_CHOICE,
	.offset = AT(by),
	.argument = "WHAT",
	.choices = "model|bot|provider",
	.preset = "model",
	.help = "what the table is of"},
    {.name = "watch",
	.letter = 'w',
	.type = CLI_DURATION,
	.offset = AT(watch_ns),
	.argument = "SECONDS",
	.implied = "1",
	.low = UINT64_C(100000000),
	.high = UINT64_C(3600000000000),
	.help = "a live screen, every second or so many",
	.details =
	    "Shows a live screen, anew every second or every _SECONDS_ (0.1 to 3600; also "
	    "_500ms_, _5m_), until *q* is pressed. Where standard output is no terminal that "
	    "can be drawn on, prints a line an interval instead. See *THE LIVE SCREEN*."},
    {.name = "json",
	.letter = 'j',
	.type = CLI_FLAG,
	.offset = AT(json),
	.help = "everything as one JSON document",
	.details = "Prints the window's document, with the keys of the agent's files, and _agent_ "
		   "and _source_ beside them."},
    {.name = "check",
	.type = CLI_FLAG,
	.offset = AT(check),
	.help = "one line for monitoring",
	.details =
	    "Prints one line with performance data, as monitoring plugins do. Exit status 0: "
	    "OK; 1, WARNING: 5 % of requests fail, or the 95th percentile of the response time "
	    "is over 10 s, or samples were lost, or no agent runs; 2, CRITICAL: 25 % of "
	    "requests fail; 3, UNKNOWN: no statistics are to be had."},
    CLI_OPTION_HELP,
    CLI_OPTION_VERSION,
};

const struct cli_program orstat_program = {
    .name = "orstat",
    .summary = "Shows the current statistics of an orbus bus.",
    .options = options,
    .option_count = sizeof(options) / sizeof(options[0]),
};
