/*
 * bus_error.c: an error of the library as a message and an exit status.
 */
#include "bus_error.h"
#include "object.h"
#include "options.h"
#include "orbus.h"
#include "output.h"

#include <errno.h>
#include <inttypes.h>
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

int bus_error_describe(const char *bus, int error, char *out, size_t bytes)
{
	char name[512];

	bus_display_name(bus, name, sizeof(name));
	switch (-error) {
	case ENOENT:
		snprintf(
		    out, bytes, "no bus named '%s': start oragent or a bot, or see --bus", name);
		return CLI_NO_BUS;
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
