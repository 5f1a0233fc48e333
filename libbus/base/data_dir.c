/*
 * data_dir.c: the folder of the agent's files.
 */
#include "data_dir.h"

#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ROOT_DIR "/var/lib/orbus/metrics"
#define HOME_DIR ".local/state/orbus/metrics"

static char *default_data_dir(void)
{
	const char *home = getenv("HOME");
	const struct passwd *user;
	char *path;

	if (geteuid() == 0)
		return strdup(ROOT_DIR);
	if (!home || home[0] != '/') {
		user = getpwuid(geteuid());
		home = user ? user->pw_dir : "/";
	}
	return asprintf(&path, "%s/" HOME_DIR, home) < 0 ? NULL : path;
}

char *path_make_absolute(const char *given)
{
	char here[PATH_MAX], *path;

	if (given[0] == '/' || !getcwd(here, sizeof(here)))
		return strdup(given);
	return asprintf(&path, "%s/%s", here, given) < 0 ? NULL : path;
}

char *data_dir_choose(const char *given)
{
	return given ? path_make_absolute(given) : default_data_dir();
}
