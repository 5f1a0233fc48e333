/*
 * bus_near.c: the bus that a mistyped name was meant to be.
 */
#include "bus_near.h"
#include "base/nearest.h"
#include "base/text_safe.h"
#include "orbus.h"
#include "ring/bus_paths.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Everybody may put files there: more are not looked at. */
#define ENTRIES_MAX 4096
#define LOCKS       ".lanes"

/* The name of the bus whose lock object the entry is; 0: it is none. */
static size_t bus_name_bytes(const char *entry)
{
	size_t length = strlen(entry), suffix = strlen(LOCKS);

	if (length <= suffix || strcmp(entry + length - suffix, LOCKS) != 0)
		return 0;
	return length - suffix;
}

static int write_name(
    const struct bus_paths *paths, const char *base, size_t length, char *out, size_t bytes)
{
	int n = paths->is_path ? snprintf(out, bytes, "%s/%.*s", paths->dir, (int)length, base)
	                       : snprintf(out, bytes, "%.*s", (int)length, base);

	return n > 0 && (size_t)n < bytes ? 0 : -ENAMETOOLONG;
}

/* A better one than `least`, which is then its distance. */
static bool is_better(const struct bus_paths *paths, const char *wanted, const char *entry,
    size_t *least, char *out, size_t bytes)
{
	size_t length = bus_name_bytes(entry), slips;
	char name[PATH_MAX];
	struct orbus_bus_info info;

	if (length == 0 || (length == strlen(wanted) && memcmp(entry, wanted, length) == 0))
		return false;
	slips = nearest_slips(wanted, strlen(wanted), entry, length);
	if (slips >= *least || write_name(paths, entry, length, name, sizeof(name)) != 0 ||
	    strlen(name) >= bytes || orbus_inspect(name, &info) != 0)
		return false;
	*least = slips;
	text_sanitise(out, bytes, name);
	return true;
}

bool bus_near_find(const char *bus, char *out, size_t bytes)
{
	size_t least = NEAREST_NOT_NEAR;
	struct bus_paths paths;
	const struct dirent *entry;
	const char *wanted;
	bool found = false;
	DIR *dir;

	if (bus_paths_resolve(bus, &paths) != 0)
		return false;
	wanted = strrchr(paths.ring, '/') + 1;
	dir = opendir(paths.dir);
	if (!dir)
		return false;
	for (int n = 0; n < ENTRIES_MAX && (entry = readdir(dir)); n++)
		found |= is_better(&paths, wanted, entry->d_name, &least, out, bytes);
	closedir(dir);
	return found;
}

bool bus_is_new(const char *bus)
{
	struct orbus_bus_info info;

	return orbus_inspect(bus, &info) == -ENOENT;
}

bool bus_new_describe(const char *bus, char *out, size_t bytes)
{
	char name[512], near[512];
	struct bus_paths paths;

	if (bus_paths_resolve(bus, &paths) != 0 || !bus_near_find(bus, near, sizeof(near)))
		return false;
	text_sanitise(name, sizeof(name), paths.name);
	snprintf(out, bytes, "made the new bus '%s'; there is '%s'", name, near);
	return true;
}

void bus_new_report(const char *tool, const char *bus, bool was_new)
{
	char what[1200];

	if (was_new && bus_new_describe(bus, what, sizeof(what)))
		fprintf(stderr, "%s: %s\n", tool, what);
}
