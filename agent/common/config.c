/*
 * config.c: what the agent was told by options and environment, checked.
 */
#include "config.h"
#include "base/data_dir.h"
#include "base/programs.h"
#include "base/term.h"
#include "base/text_safe.h"
#include "options.h"
#include "ring/shm_object.h"

#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HOUR_NS   UINT64_C(3600000000000)
#define SECOND_NS UINT64_C(1000000000)

#define MODE_NOT_GIVEN UINT_MAX

static int read_group(const struct oragent_settings *s, struct config *out)
{
	const struct group *group;
	char shown[128];

	if (!s->group)
		return CLI_PROCEED;
	group = getgrnam(s->group);
	if (!group) {
		text_sanitise(shown, sizeof(shown), s->group);
		return cli_usage_error(&oragent_program, "--group: there is no group '%s'", shown);
	}
	out->create.set_group = true;
	out->create.group = group->gr_gid;
	return CLI_PROCEED;
}

/* The library asks the environment whom to trust: so do agent and tools alike. */
static int read_owner(const struct oragent_settings *s)
{
	struct bus_paths paths;
	char shown[128];

	if (!s->owner)
		return CLI_PROCEED;
	if (setenv("ORBUS_OWNER", s->owner, 1) != 0)
		return CLI_FAILED;
	text_sanitise(shown, sizeof(shown), s->owner);
	if (bus_paths_resolve(s->bus, &paths) == -ESRCH)
		return cli_usage_error(&oragent_program,
		    "--owner: there is no user '%s': give a user's name or number", shown);
	return CLI_PROCEED;
}

/* Tags, with commas between them. */
static int read_tags(const struct oragent_settings *s, struct config *out)
{
	char *rest = NULL, shown[ORBUS_TEXT_MAX + 1];

	if (!s->by_tag)
		return CLI_PROCEED;
	out->tag_texts = strdup(s->by_tag);
	if (!out->tag_texts)
		return CLI_FAILED;
	for (char *tag = strtok_r(out->tag_texts, ",", &rest); tag;
	     tag = strtok_r(NULL, ",", &rest)) {
		text_sanitise(shown, sizeof(shown), tag);
		if (strlen(tag) > ORBUS_TEXT_MAX)
			return cli_usage_error(&oragent_program,
			    "--by-tag: '%s...' is longer than %d bytes", shown, ORBUS_TEXT_MAX);
		for (unsigned i = 0; i < out->by_tag.count; i++)
			if (strcmp(out->by_tag.names[i], tag) == 0)
				return cli_usage_error(
				    &oragent_program, "--by-tag: '%s' stands twice", shown);
		if (out->by_tag.count == TAG_NAMES_MAX)
			return cli_usage_error(&oragent_program,
			    "--by-tag: %d tags at most; '%s' is one more", TAG_NAMES_MAX, shown);
		out->by_tag.names[out->by_tag.count++] = tag;
	}
	if (out->by_tag.count == 0)
		return cli_usage_error(
		    &oragent_program, "--by-tag: names no tag: give some, as user,channel");
	return CLI_PROCEED;
}

static int check(const struct oragent_settings *s)
{
	if (s->snapshot_every % HOUR_NS || 24 % (s->snapshot_every / HOUR_NS))
		return cli_usage_error(&oragent_program,
		    "--snapshot-every: must be whole hours that divide the day: 1h, 2h, 3h, 4h, 6h, "
		    "8h, 12h or 24h");
	if (s->checkpoint_every % SECOND_NS)
		return cli_usage_error(
		    &oragent_program, "--checkpoint-every: must be whole seconds");
	if (s->once && s->alert)
		return cli_usage_error(
		    &oragent_program, "--alert and --once: an alert needs an agent that stays");
	if (s->slots & (s->slots - 1))
		return cli_usage_error(
		    &oragent_program, "--slots: must be a power of two, such as 4096");
	if (s->slot_bytes % 64)
		return cli_usage_error(
		    &oragent_program, "--slot-bytes: must be a multiple of 64, such as 512");
	if (s->mode != MODE_NOT_GIVEN && ((s->mode & 0600) != 0600 || (s->mode & ~0666u)))
		return cli_usage_error(&oragent_program,
		    "--mode: must let the owner read and write, and nobody execute, such as 0660");
	return CLI_PROCEED;
}

int config_read(int argc, char **argv, struct config *out)
{
	static const enum log_level levels[] = {
	    LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG};
	struct oragent_settings s = {.mode = MODE_NOT_GIVEN};
	int status;

	output_init();
	status = cli_parse(&oragent_program, argc, argv, &s);
	if (status == CLI_PROCEED)
		status = check(&s);
	if (status == CLI_PROCEED)
		status = read_owner(&s);
	if (status != CLI_PROCEED)
		return status;
	*out = (struct config){.bus = s.bus,
	    .utc = s.utc,
	    .retention_days = (unsigned)s.retention_days,
	    .snapshot_hours = (unsigned)(s.snapshot_every / HOUR_NS),
	    .checkpoint_seconds = (unsigned)(s.checkpoint_every / SECOND_NS),
	    .stop_ms = (unsigned)(s.stop_within / 1000000),
	    .io = (enum store_io)s.io,
	    .once = s.once,
	    .journal = s.journal,
	    .log_target = (enum log_target)s.log_target,
	    .log_level = levels[s.log_level],
	    .create = {.lanes = (unsigned)s.lanes,
		.slots = (unsigned)s.slots,
		.slot_bytes = (unsigned)s.slot_bytes,
		.mode = s.mode == MODE_NOT_GIVEN ? 0 : s.mode}};
	status = read_group(&s, out);
	if (status == CLI_PROCEED)
		status = read_tags(&s, out);
	if (status != CLI_PROCEED) {
		config_free(out);
		return status;
	}
	out->data_dir = data_dir_choose(s.data_dir);
	out->alert_file = s.alert ? path_make_absolute(s.alert) : NULL;
	if (out->data_dir && (out->alert_file || !s.alert))
		return CLI_PROCEED;
	config_free(out);
	fputs("oragent: out of memory\n", stderr);
	return CLI_FAILED;
}

void config_free(struct config *c)
{
	free(c->data_dir);
	free(c->alert_file);
	free(c->tag_texts);
}
