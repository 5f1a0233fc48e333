/*
 * bus_paths.h: from the name of a bus to the paths of its objects, and what its environment says.
 *
 * It is not for what lies at these paths (shm_object.h), nor for whom to trust there (owner.h).
 */
#ifndef ORBUS_RING_BUS_PATHS_H
#define ORBUS_RING_BUS_PATHS_H

#include <limits.h>
#include <stdbool.h>
#include <sys/types.h>

/* Where a bus lives. */
struct bus_paths {
	char name[PATH_MAX]; /* as a person would write it: "orbus", "/run/orbus/ring" */
	char dir[PATH_MAX];
	char ring[PATH_MAX];
	char locks[PATH_MAX];
	char board[PATH_MAX];
	bool is_path; /* given as a path: the only user who can write to its folder is trusted */
	/* The user that $ORBUS_OWNER names, who is trusted too; owner.h. */
	bool has_owner;
	uid_t owner;
};

/*
 * Resolves a bus name (NULL: $ORBUS, else "orbus"). -EINVAL: not a name, or a relative path;
 * -ENAMETOOLONG; -ESRCH: $ORBUS_OWNER names no user.
 */
int bus_paths_resolve(const char *bus, struct bus_paths *out);

#endif
