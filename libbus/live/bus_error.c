/*
 * bus_error.c: an error of the library as a message and an exit status.
 */
#include "bus_error.h"
#include "base/options.h"
#include "base/text_safe.h"
#include "bus_near.h"
#include "orbus.h"
#include "ring/shm_object.h"

#include <errno.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>

void bus_display_name(const char *bus, char *out, size_t bytes)
{
	struct bus_paths paths;
	const char *given = bus ? bus : getenv("ORBUS");

	if (bus_paths_resolve(bus, &paths) == 0)
		given = paths.name;
	text_sanitise(out, bytes, given ? given : "orbus");
}

static int describe_layout(const char *bus, const char *name, char *out, size_t bytes)
{
	struct orbus_bus_info info;

	if (orbus_inspect(bus, &info) == -EPROTONOSUPPORT)
		snprintf(out, bytes,
		    "bus '%s' has layout version %" PRIu32
		    ", and this program speaks version %" PRIu32
		    ": use the same version of orbus everywhere",
		    name, info.layout_version, info.library_layout_version);
	else
		snprintf(out, bytes,
		    "the agent of bus '%s' is of another version: use the same version of orbus "
		    "everywhere",
		    name);
	return CLI_UNKNOWN_LAYOUT;
}

void user_display_name(uid_t uid, char *out, size_t bytes)
{
	const struct passwd *user = getpwuid(uid);
	char name[128];

	if (user) {
		text_sanitise(name, sizeof(name), user->pw_name);
		snprintf(out, bytes, "%s (uid %u)", name, (unsigned)uid);
	} else {
		snprintf(out, bytes, "uid %u", (unsigned)uid);
	}
}

bool bus_stranger_describe(const struct bus_paths *paths, const char *path, char *out, size_t bytes)
{
	char owner[256], shown[PATH_MAX];
	uid_t uid;

	if (!object_is_strangers(paths, path, &uid))
		return false;
	user_display_name(uid, owner, sizeof(owner));
	text_sanitise(shown, sizeof(shown), path);
	snprintf(out, bytes,
	    "'%s' belongs to %s, who is not trusted: remove it, or trust its owner: ORBUS_OWNER=%u",
	    shown, owner, (unsigned)uid);
	return true;
}

static int describe_stranger(const char *bus, char *out, size_t bytes)
{
	struct bus_paths paths;

	if (bus_paths_resolve(bus, &paths) != 0 ||
	    (!bus_stranger_describe(&paths, paths.ring, out, bytes) &&
		!bus_stranger_describe(&paths, paths.locks, out, bytes)))
		snprintf(out, bytes, "%s", orbus_strerror(-EKEYREJECTED));
	return CLI_FAILED;
}

static int describe_unknown_owner(char *out, size_t bytes)
{
	const char *given = getenv("ORBUS_OWNER");
	char shown[128];

	text_sanitise(shown, sizeof(shown), given ? given : "");
	snprintf(
	    out, bytes, "ORBUS_OWNER: there is no user '%s': give a user's name or number", shown);
	return CLI_FAILED;
}

int bus_error_describe(const char *bus, int error, char *out, size_t bytes)
{
	char name[512], near[512];

	bus_display_name(bus, name, sizeof(name));
	switch (-error) {
	case ENOENT:
		if (bus_near_find(bus, near, sizeof(near)))
			snprintf(out, bytes,
			    "no bus named '%s': there is '%s'; start oragent or a bot, or see --bus",
			    name, near);
		else
			snprintf(out, bytes,
			    "no bus named '%s': start oragent or a bot, or see --bus", name);
		return CLI_NO_BUS;
	case EKEYREJECTED: return describe_stranger(bus, out, bytes);
	case ESRCH: return describe_unknown_owner(out, bytes);
	case EPROTONOSUPPORT: return describe_layout(bus, name, out, bytes);
	case EINVAL:
	case ENAMETOOLONG:
		snprintf(out, bytes,
		    "'%s' is no bus name: give --bus a name such as orbus, or an absolute path on a "
		    "tmpfs such as /run/orbus/ring",
		    name);
		return CLI_USAGE;
	default:
		snprintf(out, bytes, "bus '%s': %s", name, orbus_strerror(error));
		return CLI_FAILED;
	}
}

int bus_error_report(const char *tool, const char *bus, int error)
{
	char message[1024];
	int status = bus_error_describe(bus, error, message, sizeof(message));

	fprintf(stderr, "%s: %s\n", tool, message);
	return status;
}

void bus_board_report(const char *tool, const char *bus, int error)
{
	struct bus_paths paths;
	char why[1024];

	if (error == -EKEYREJECTED && bus_paths_resolve(bus, &paths) == 0 &&
	    bus_stranger_describe(&paths, paths.board, why, sizeof(why)))
		fprintf(stderr, "%s: the agent's board is not used: %s\n", tool, why);
}
