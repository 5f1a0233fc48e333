/*
 * oragent_options.c: the table of the agent's options.
 */
#include "oragent_options.h"
#include "programs.h"

#define SECONDS_NS UINT64_C(1000000000)
#define HOURS_NS   (3600 * SECONDS_NS)
#define AT(field)  offsetof(struct oragent_settings, field)

static const struct cli_option options[] = {
    CLI_OPTION_BUS(struct oragent_settings, bus),
    {.name = "data-dir", .letter = 'd', .type = CLI_TEXT, .offset = AT(data_dir), .argument = "DIR",
	.environment = "ORBUS_DATA_DIR", .offer = CLI_OFFER_FOLDERS,
	.preset_words = "see orbus(7)", .help = "where the files are kept",
	.details = "The folder of the JSON files and of the checkpoint; made where it is missing. "
		   "_/var/lib/orbus/metrics_ for root, _~/.local/state/orbus/metrics_ for others."},
    {.name = "utc", .type = CLI_FLAG, .offset = AT(utc), .help = "hours and days of UTC",
	.details = "Hours and days are those of UTC and not of local time, in names and content."},
    {.name = "retention-days", .type = CLI_UINT, .offset = AT(retention_days), .argument = "DAYS",
	.preset = "30", .low = 0, .high = 36500, .help = "keep files for so long, 0: for ever",
	.details = "Files are removed when the day in their name is longer ago than this; 0 keeps "
		   "everything. Only regular files with the agent's own names are touched."},
    {.name = "snapshot-every", .type = CLI_DURATION, .offset = AT(snapshot_every),
	.argument = "TIME", .preset = "1h", .low = HOURS_NS, .high = 24 * HOURS_NS,
	.help = "what an hourly file covers",
	.details = "What an _hourly_ file covers: whole hours that divide the day, 1h to 24h."},
    {.name = "checkpoint-every", .type = CLI_DURATION, .offset = AT(checkpoint_every),
	.argument = "TIME", .preset = "5s", .low = SECONDS_NS, .high = HOURS_NS,
	.help = "how often to save",
	.details = "How often the checkpoint and the current files are stored when something has "
		   "changed."},
    {.name = "io", .type = CLI_CHOICE, .offset = AT(io), .choices = "auto|uring|posix",
	.preset = "auto", .help = "how to store files",
	.details = "How files are stored: by io\\_uring, by plain system calls in a thread, or by "
		   "the former where it works and else by the latter."},
    {.name = "once", .type = CLI_FLAG, .offset = AT(once), .help = "drain, write, exit",
	.details = "Counts what the ring holds, stores it and exits."},
    {.name = "mode", .type = CLI_OCTAL, .offset = AT(mode), .argument = "MODE", .high = 0666,
	.preset = "0600", .help = "permissions of a new bus",
	.details = "Permissions of the bus where the agent makes it, such as 0660: who may write it "
		   "may publish, who may read it may look on."},
    {.name = "group", .type = CLI_TEXT, .offset = AT(group), .argument = "GROUP",
	.offer = CLI_OFFER_GROUPS, .help = "group of a new bus",
	.details = "Group of the bus where the agent makes it."},
    {.name = "lanes", .type = CLI_UINT, .offset = AT(lanes), .argument = "N", .preset = "256",
	.low = 1, .high = 4096, .help = "producers a new bus has room for",
	.details = "How many producers at one time a bus that the agent makes has room for."},
    {.name = "slots", .type = CLI_UINT, .offset = AT(slots), .argument = "N", .preset = "4096",
	.low = 64, .high = 1048576, .help = "samples a lane of a new bus holds",
	.details = "How many samples a lane of a bus that the agent makes holds: a power of two."},
    {.name = "slot-bytes", .type = CLI_UINT, .offset = AT(slot_bytes), .argument = "N",
	.preset = "512", .low = 128, .high = 65536, .help = "size of a slot of a new bus",
	.details = "The size of a slot of a bus that the agent makes: a multiple of 64."},
    {.name = "log-target", .type = CLI_CHOICE, .offset = AT(log_target),
	.choices = "stderr|syslog|journald", .preset = "stderr", .help = "where to log",
	.details = "Where the agent logs."},
    {.name = "log-level", .type = CLI_CHOICE, .offset = AT(log_level),
	.choices = "error|warning|info|debug", .preset = "info", .help = "how much to log",
	.details = "How much the agent logs."},
    CLI_OPTION_HELP,
    CLI_OPTION_VERSION,
};

const struct cli_program oragent_program = {
    .name = "oragent",
    .summary = "Drains an orbus bus into hourly and daily JSON files.",
    .options = options,
    .option_count = sizeof(options) / sizeof(options[0]),
};
