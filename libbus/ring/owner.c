/*
 * owner.c: whose objects are trusted.
 *
 * The system user orbus is looked up only for an owner who is not trusted for another reason, and
 * in a way that a publish can afford: user.h.
 */
#include "owner.h"
#include "user.h"

#include <sys/stat.h>
#include <unistd.h>

#define SYSTEM_USER "orbus"

/* The folder of a bus on a path, where its owner alone may put things. */
static bool owns_folder(const struct bus_paths *paths, uid_t uid)
{
	struct stat st;

	return paths->is_path && stat(paths->dir, &st) == 0 && st.st_uid == uid &&
	       (st.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

bool owner_is_trusted(const struct bus_paths *paths, uid_t uid)
{
	uid_t system;

	if (uid == geteuid() || uid == 0 || (paths->has_owner && uid == paths->owner))
		return true;
	return owns_folder(paths, uid) || (user_find_local(SYSTEM_USER, &system) && system == uid);
}
