/*
 * options.c: the table of the agent's options.
 */
#include "options.h"
#include "base/log_sink.h"
#include "base/programs.h"

#define SECONDS_NS UINT64_C(1000000000)
#define HOURS_NS   (3600 * SECONDS_NS)
#define AT(field)  offsetof(struct oragent_settings, field)

static const struct cli_option options[] = {
    CLI_OPTION_BUS(struct oragent_settings, bus),
    CLI_OPTION_DATA_DIR(struct oragent_settings, data_dir, "where the files are",
	"The folder of the JSON files and of the checkpoint; made where it is missing."),
    {.name = "utc",
	.type = CLI_FLAG,
	.offset = AT(utc),
	.help = "hours and days of UTC",
	.details =
	    "Hours and days are those of UTC and not of local time, in names and content. "
	    "May be changed at any time: the hour and the day that have begun go on to their "
	    "ends."},
    {.name = "retention-days",
	.type = CLI_UINT,
	.offset = AT(retention_days),
	.argument = "DAYS",
	.preset = "30",
	.low = 0,
	.high = 36500,
	.help = "keep files for so long, 0: for ever",
	.details =
	    "Files are removed when the day in their name is longer ago than this, by the "
	    "wall clock and by the time that has certainly passed (see *RETENTION*); 0 keeps "
	    "everything. Only regular files with the agent's own names are touched."},
    {.name = "snapshot-every",
	.type = CLI_DURATION,
	.offset = AT(snapshot_every),
	.argument = "TIME",
	.preset = "1h",
	.low = HOURS_NS,
	.high = 24 * HOURS_NS,
	.help = "what an hourly file covers",
	.details =
	    "What an _hourly_ file covers: whole hours that divide the day, 1h to 24h. May be "
	    "changed at any time: a period that has begun goes on to its end."},
    {.name = "checkpoint-every",
	.type = CLI_DURATION,
	.offset = AT(checkpoint_every),
	.argument = "TIME",
	.preset = "5s",
	.low = SECONDS_NS,
	.high = HOURS_NS,
	.help = "how often to save",
	.details = "How often the checkpoint and the current files are stored when something has "
		   "changed."},
    {.name = "by-tag",
	.type = CLI_TEXT,
	.offset = AT(by_tag),
	.argument = "TAGS",
	.help = "count requests by these tags too",
	.details =
	    "Counts requests by the values of these tags too, as _user,channel_; at most 8. Of each "
	    "tag the first 256 values of a period have their own statistics, all others are "
	    "\"(other)\"."},
    {.name = "journal",
	.type = CLI_FLAG,
	.offset = AT(journal),
	.help = "keep every request, too",
	.details = "Keeps every request as a line of JSON in the file of its hour, "
		   "_requests\\_YYYYMMDD\\_HH.ndjson_, which is compressed once the hour is over."},
    {.name = "io",
	.type = CLI_CHOICE,
	.offset = AT(io),
	.argument = "HOW",
	.choices = "auto|uring|posix",
	.preset = "auto",
	.help = "how to store files",
	.details = "How files are stored: by io\\_uring, by plain system calls in a thread, or by "
		   "the former where it works and else by the latter."},
    {.name = "alert",
	.type = CLI_TEXT,
	.offset = AT(alert),
	.argument = "FILE",
	.offer = CLI_OFFER_FILES,
	.help = "rules of budgets and alerts",
	.details =
	    "Evaluates the rules of the file once a second, logs each alert, and posts it to the "
	    "file's webhooks. See *orbus-alerts*(5). SIGHUP reads the file again."},
    {.name = "once",
	.type = CLI_FLAG,
	.offset = AT(once),
	.help = "drain, write, exit",
	.details =
	    "Counts what the ring holds, stores it and exits: with status 0 when all of it is on "
	    "the disk, checkpoint and files; else with 1 after 30 s, or after a signal, and a "
	    "message that names what is missing. Run it again then: nothing is counted twice."},
    {.name = "stop-within",
	.type = CLI_DURATION,
	.offset = AT(stop_within),
	.argument = "TIME",
	.preset = "1s",
	.low = SECONDS_NS,
	.high = 60 * SECONDS_NS,
	.help = "how long SIGTERM may take",
	.details =
	    "How long the agent may take to end after SIGTERM or SIGINT, for the last "
	    "checkpoint. What is not on the disk by then is still in the ring, and counted by "
	    "the next agent."},
    {.name = "mode",
	.type = CLI_OCTAL,
	.offset = AT(mode),
	.argument = "MODE",
	.high = 0666,
	.preset_words = "0600",
	.help = "permissions of the bus",
	.details =
	    "Permissions of the bus, such as 0660: users who may write it may publish, users who "
	    "may only read it may run the tools. Its owner and root also change those of a bus that "
	    "exists; programs that have it open keep it open."},
    {.name = "group",
	.type = CLI_TEXT,
	.offset = AT(group),
	.argument = "GROUP",
	.offer = CLI_OFFER_GROUPS,
	.help = "group of the bus",
	.details =
	    "Group of the bus. Root, and its owner if he is in the group, also change that of a bus "
	    "that exists."},
    {.name = "owner",
	.type = CLI_TEXT,
	.offset = AT(owner),
	.argument = "USER",
	.environment = "ORBUS_OWNER",
	.help = "trust a bus of this user too",
	.details =
	    "A user, by name or number, whose bus is served. Every user may write to _/dev/shm_, so "
	    "ring, lock object and board are used only if they belong to the agent's user, root, the "
	    "system user orbus, this user, or, for a bus on a path, to the owner of its folder where "
	    "only he may write there."},
    {.name = "lanes",
	.type = CLI_UINT,
	.offset = AT(lanes),
	.argument = "N",
	.preset_words = "256",
	.low = 1,
	.high = 4096,
	.help = "producers a new bus has room for",
	.details = "How many producers at one time a bus that the agent makes has room for. A bus "
		   "that exists keeps its shape: another one is an error."},
    {.name = "slots",
	.type = CLI_UINT,
	.offset = AT(slots),
	.argument = "N",
	.preset_words = "4096",
	.low = 64,
	.high = 1048576,
	.help = "samples a lane of a new bus holds",
	.details = "How many samples a lane of a bus that the agent makes holds: a power of two. "
		   "A bus that exists keeps its shape: another one is an error."},
    {.name = "slot-bytes",
	.type = CLI_UINT,
	.offset = AT(slot_bytes),
	.argument = "N",
	.preset_words = "512",
	.low = 128,
	.high = 65536,
	.help = "size of a slot of a new bus",
	.details = "The size of a slot of a bus that the agent makes: a multiple of 64. A bus that "
		   "exists keeps its shape: another one is an error."},
    {.name = "log-target",
	.type = CLI_CHOICE,
	.offset = AT(log_target),
	.argument = "TARGET",
	.choices = LOG_TARGETS,
	.preset = "stderr",
	.help = "where to log",
	.details =
	    "Where the agent logs. While the daemon cannot be reached or takes no lines, they go "
	    "to standard error; the first of them says so."},
    {.name = "log-level",
	.type = CLI_CHOICE,
	.offset = AT(log_level),
	.argument = "LEVEL",
	.choices = "error|warning|info|debug",
	.preset = "info",
	.help = "how much to log",
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
