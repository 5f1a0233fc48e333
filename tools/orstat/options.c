/*
 * options.c: the table of orstat's options.
 */
#include "options.h"
#include "stats/dimensions.h"
#include "stats/windows.h"

#define AT(field) offsetof(struct orstat_settings, field)

static const struct cli_option options[] = {
    CLI_OPTION_BUS(struct orstat_settings, bus),
    {.name = "window",
	.letter = 't',
	.type = CLI_CHOICE,
	.offset = AT(window),
	.argument = "TIME",
	.choices = WINDOW_CHOICES,
	.preset = "1h",
	.help = "over what time",
	.details = "The last minute, five minutes or hour, the current day, or all since the agent "
		   "started."},
    {.name = "by",
	.type = CLI_CHOICE,
	.offset = AT(by),
	.argument = "WHAT",
	.choices = DIMENSION_CHOICES,
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
	.details = "Prints the window's document, with the keys of the agent's files, and _agent_, "
		   "_alerts_ and _source_ beside them."},
    {.name = "advise",
	.type = CLI_FLAG,
	.offset = AT(advise),
	.help = "what to do about it",
	.details = "Prints what the figures of the window give reason to do: each finding with its "
		   "evidence and a remedy, or why there is none. See *ADVICE*. With *--json*, the "
		   "findings as JSON."},
    {.name = "check",
	.type = CLI_FLAG,
	.offset = AT(check),
	.help = "one line for monitoring",
	.details =
	    "Prints one line with performance data, as monitoring plugins do, and exits with "
	    "0 OK, 1 WARNING, 2 CRITICAL or 3 UNKNOWN: no statistics are to be had. See "
	    "*MONITORING* for the figures and their thresholds."},
    {.name = "warning",
	.type = CLI_LIST,
	.offset = AT(warning),
	.argument = "NAME=RANGE",
	.help = "when --check warns, such as p95=10s",
	.details = "The range outside of which a figure is a warning to *--check*, such as "
		   "_p95=10s_; may be given again for other figures. See *MONITORING*."},
    {.name = "critical",
	.type = CLI_LIST,
	.offset = AT(critical),
	.argument = "NAME=RANGE",
	.help = "when --check is critical",
	.details = "The same for what is critical to *--check*."},
    {.name = "min-requests",
	.type = CLI_UINT,
	.offset = AT(min_requests),
	.argument = "N",
	.preset = "1",
	.help = "from when on rates and times count",
	.details = "Rates and times are judged by *--check* only where the window has so many "
		   "requests."},
    CLI_OPTION_HELP,
    CLI_OPTION_VERSION,
};

const struct cli_program orstat_program = {
    .name = "orstat",
    .summary = "Shows the current statistics of an orbus bus.",
    .options = options,
    .option_count = sizeof(options) / sizeof(options[0]),
};
