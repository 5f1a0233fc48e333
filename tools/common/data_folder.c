/*
 * data_folder.c: where the agent's files are, for tools that read them.
 */
#include "data_folder.h"
#include "base/data_dir.h"
#include "base/text_safe.h"
#include "board/agent_info.h"
#include "live/bus_error.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/*
 * The agent may be in a container, or have given the folder up since: a folder that is not there
 * would only hide the default. One that may not be entered is there, and is named to the user.
 */
static bool is_here(const char *folder)
{
	struct stat st;

	return stat(folder, &st) == 0 || errno == EACCES;
}

char *data_folder_choose(const char *given, const char *bus)
{
	struct agent_info agent;

	if (!given && agent_info_read(bus, &agent) == 0 && *agent.data_dir &&
	    is_here(agent.data_dir))
		return strdup(agent.data_dir);
	return data_dir_choose(given);
}

/* The first folder on the way to `folder` that this user may not enter, itself at last. */
static void find_closed(const char *folder, char *out, size_t bytes)
{
	struct stat st;

	for (const char *slash = folder; (slash = strchr(slash + 1, '/'));) {
		snprintf(out, bytes, "%.*s", (int)(slash - folder), folder);
		/* What is in it cannot be seen: it is this one that is closed. */
		snprintf(out + strlen(out), bytes - strlen(out), "/.");
		if (stat(out, &st) < 0) {
			out[strlen(out) - 2] = '\0';
			return;
		}
	}
	snprintf(out, bytes, "%s", folder);
}

/* The board may name the folder, and be closed to this user. */
static void describe_missing(const char *bus, char *out, size_t bytes)
{
	char name[512];
	struct agent_info agent;
	int err = agent_info_read(bus, &agent);

	if (err != -EACCES && err != -EPERM && err != -EKEYREJECTED) {
		snprintf(out, bytes, "name the agent's folder with --data-dir");
		return;
	}
	bus_display_name(bus, name, sizeof(name));
	snprintf(out, bytes,
	    "name the agent's folder with --data-dir; the board of bus '%s', which names it, is not "
	    "for this user",
	    name);
}

void data_folder_remedy(const char *folder, const char *bus, int error, char *out, size_t bytes)
{
	char closed[PATH_MAX], shown[PATH_MAX], owner[256];
	struct stat st;

	if (error != -EACCES && error != -EPERM) {
		describe_missing(bus, out, bytes);
		return;
	}
	find_closed(folder, closed, sizeof(closed));
	if (stat(closed, &st) < 0) {
		snprintf(out, bytes, "run this as the user of the agent");
		return;
	}
	user_display_name(st.st_uid, owner, sizeof(owner));
	text_sanitise(shown, sizeof(shown), closed);
	snprintf(out, bytes,
	    "'%s' belongs to %s and has mode %04o: run this as that user, or let yours read it",
	    shown, owner, (unsigned)st.st_mode & 07777);
}
