/*
 * bus_paths.c: from the name of a bus to the paths of its objects.
 */
#include "bus_paths.h"
#include "user.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SHM_DIR      "/dev/shm"
#define DEFAULT_NAME "orbus"

static bool ends_with(const char *s, const char *suffix)
{
	size_t n = strlen(s), m = strlen(suffix);
	return n >= m && strcmp(s + n - m, suffix) == 0;
}

static bool is_object_name(const char *s)
{
	static const char allowed[] =
	    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
	size_t n = strlen(s);

	return n > 0 && n <= 200 && s[0] != '.' && strspn(s, allowed) == n &&
	       !ends_with(s, ".lanes") && !ends_with(s, ".board");
}

/*
 * Reads $ORBUS_OWNER, a user's name or number. It is looked up once, when the bus is named, and
 * never by a publish. -ESRCH: there is no such user.
 */
static int read_owner(struct bus_paths *out)
{
	/* Secure: a set-user-ID program does not let its caller say whom to trust. */
	const char *given = secure_getenv("ORBUS_OWNER");

	out->has_owner = given && *given;
	return out->has_owner && !user_find(given, &out->owner) ? -ESRCH : 0;
}

int bus_paths_resolve(const char *bus, struct bus_paths *out)
{
	const char *base, *last;
	int n;

	if (!bus)
		bus = getenv("ORBUS");
	if (!bus || !*bus)
		bus = DEFAULT_NAME;
	if (strlen(bus) > PATH_MAX - 16)
		return -ENAMETOOLONG;

	base = bus[0] == '/' ? bus + 1 : bus;
	last = strrchr(base, '/');
	out->is_path = last != NULL;
	if (!last) {
		strcpy(out->dir, SHM_DIR);
		strcpy(out->name, base);
	} else if (bus[0] == '/') {
		n = snprintf(out->dir, sizeof(out->dir), "%.*s", (int)(last - bus), bus);
		if (n < 0 || (size_t)n >= sizeof(out->dir))
			return -ENAMETOOLONG;
		base = last + 1;
		strcpy(out->name, bus);
	} else {
		return -EINVAL;
	}
	if (!is_object_name(base))
		return -EINVAL;
	n = snprintf(out->ring, sizeof(out->ring), "%s/%s", out->dir, base);
	if (n < 0 || (size_t)n >= sizeof(out->ring) - 8)
		return -ENAMETOOLONG;
	strcat(strcpy(out->locks, out->ring), ".lanes");
	strcat(strcpy(out->board, out->ring), ".board");
	return read_owner(out);
}
