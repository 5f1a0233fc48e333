/*
 * owner.c: whose objects are trusted.
 *
 * The system user orbus is looked up in /etc/passwd itself and not through getpwnam(): a publish
 * may get here, and the name service may wait for a server on the network, take locks that a forked
 * child finds taken, and load modules into the program. A system user is a local one. The lookup is
 * made only for an owner who is not trusted for another reason. Nothing is kept: the file may
 * change.
 *
 * A name in $ORBUS_OWNER may be of any kind of user. It is looked up once, when a bus is named, and
 * never by a publish.
 */
#include "owner.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SYSTEM_USER "orbus"
#define PASSWD_FILE "/etc/passwd"
/* System users stand at the beginning. A file that never ends must not keep us. */
#define PASSWD_READ_MAX (1u << 20)
#define NAME_BYTES      256

/* Decimal digits only. (uid_t)-1 means "no change" to chown() and is nobody. */
static bool parse_uid(const char *text, uid_t *uid)
{
	char *end;
	unsigned long long n;

	if (!isdigit((unsigned char)*text))
		return false;
	errno = 0;
	n = strtoull(text, &end, 10);
	if (errno || *end || n >= (uid_t)-1)
		return false;
	*uid = (uid_t)n;
	return true;
}

/* A line of /etc/passwd: name:password:uid:... Changes the line. */
static bool line_names(char *line, const char *name, uid_t *uid)
{
	size_t length = strlen(name);
	char *field;

	if (strncmp(line, name, length) != 0 || line[length] != ':')
		return false;
	field = strchr(line + length + 1, ':');
	if (!field)
		return false;
	field++;
	field[strcspn(field, ":")] = '\0';
	return parse_uid(field, uid);
}

/* Looks through the first megabyte of /etc/passwd. */
static bool local_user(const char *name, uid_t *uid)
{
	char buffer[4096];
	size_t kept = 0, total = 0;
	bool found = false;
	int fd = open(PASSWD_FILE, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return false;
	while (!found && total < PASSWD_READ_MAX) {
		ssize_t n = read(fd, buffer + kept, sizeof(buffer) - 1 - kept);
		char *line = buffer, *end;

		if (n <= 0)
			break;
		total += (size_t)n;
		kept += (size_t)n;
		buffer[kept] = '\0';
		for (; !found && (end = strchr(line, '\n')); line = end + 1) {
			*end = '\0';
			found = line_names(line, name, uid);
		}
		kept -= (size_t)(line - buffer);
		memmove(buffer, line, kept);
		if (kept == sizeof(buffer) - 1)
			kept = 0; /* no user's line is that long */
	}
	close(fd);
	return found;
}

/* A user whom only the name service knows: of a directory server, say. */
static bool any_user(const char *name, uid_t *uid)
{
	struct passwd user, *found = NULL;
	size_t bytes = 16384;
	char *buffer = malloc(bytes);

	if (buffer && getpwnam_r(name, &user, buffer, bytes, &found) == 0 && found)
		*uid = found->pw_uid;
	free(buffer);
	return found != NULL;
}

int owner_read_environment(struct bus_paths *paths)
{
	/* Secure: whoever starts a set-user-ID program must not tell it whom to trust. */
	const char *given = secure_getenv("ORBUS_OWNER");

	paths->has_owner = given && *given;
	if (!paths->has_owner || parse_uid(given, &paths->owner))
		return 0;
	if (strlen(given) < NAME_BYTES && !strpbrk(given, ":\n") &&
	    (local_user(given, &paths->owner) || any_user(given, &paths->owner)))
		return 0;
	return -ESRCH;
}

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
	return owns_folder(paths, uid) || (local_user(SYSTEM_USER, &system) && system == uid);
}
