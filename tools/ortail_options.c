/*
 * ortail_options.c: the table of ortail's options.
 */
#include "ortail_options.h"

#define AT(field) offsetof(struct ortail_settings, field)

static const struct cli_option options[] = {
    CLI_OPTION_BUS(struct ortail_settings, bus),
    {.name = "lines", .letter = 'n', .type = CLI_UINT, .offset = AT(last), .argument = "N",
	.high = 10000000, .help = "show the last N first",
	.details = "Shows the last N requests that the bus still holds before it follows."},
    {.name = "no-follow", .letter = '1', .type = CLI_FLAG, .offset = AT(no_follow),
	.help = "show what is there and exit",
	.details = "Shows what the bus still holds (with *-n*, the last N of it) and exits."},
    {.name = "format", .letter = 'f', .type = CLI_CHOICE, .offset = AT(format),
	.choices = "log|json|csv|table", .preset = "log", .help = "how to show it",
	.details = "_log_: lines as in a program's log; _json_: an object a line; _csv_: RFC 4180; "
		   "_table_: aligned columns."},
    {.name = "kind", .type = CLI_CHOICE, .offset = AT(kind),
	.choices = "request|begin|gauge|count|all", .preset = "request", .help = "what to show"},
    CLI_OPTION_HELP,
    CLI_OPTION_VERSION,
    {.type = CLI_SECTION, .help = "Filters; names may have * and ?"},
    {.name = "model", .type = CLI_TEXT, .offset = AT(model), .argument = "NAME",
	.help = "only of this model",
	.details = "Only requests of this model; \\* and ? match as in file names."},
    {.name = "bot", .type = CLI_TEXT, .offset = AT(bot), .argument = "NAME",
	.help = "only of this bot"},
    {.name = "provider", .type = CLI_TEXT, .offset = AT(provider), .argument = "NAME",
	.help = "only of this provider"},
    {.name = "status", .type = CLI_CHOICE, .offset = AT(status),
	.choices = "ok|error|timeout|cancelled", .help = "only with this status"},
    {.name = "min-ms", .type = CLI_FIGURE, .offset = AT(min_ms), .argument = "N",
	.units = "milliseconds, such as 5000", .help = "only if it took so long at least"},
};

const struct cli_program ortail_program = {
    .name = "ortail",
    .summary = "Shows the requests on an orbus bus as they end.",
    .options = options,
    .option_count = sizeof(options) / sizeof(options[0]),
};
