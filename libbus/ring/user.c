/*
 * user.c: the number of a user, by his name.
 *
 * System users are looked up in /etc/passwd itself and not through getpwnam(): a publish may get
 * here, and the name service may wait for a server on the network, take locks that a forked child
 * finds taken, and load modules into the program. Nothing is cached: the file may change.
 */
#include "user.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PASSWD_FILE "/etc/passwd"
/* System users stand at the beginning. The limit also ends the search in a file that never ends. */
#define PASSWD_READ_MAX (1u << 20)
#define NAME_BYTES      256

/* Decimal digits only. (uid_t)-1 means "no change" to chown() and is no user. */
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

bool user_find_local(const char *name, uid_t *uid)
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

/* By the name service: users of a directory server, too. */
static bool find_by_name_service(const char *name, uid_t *uid)
{
	struct passwd user, *found = NULL;
	size_t bytes = 16384;
	char *buffer = malloc(bytes);

	if (buffer && getpwnam_r(name, &user, buffer, bytes, &found) == 0 && found)
		*uid = found->pw_uid;
	free(buffer);
	return found != NULL;
}

bool user_find(const char *text, uid_t *uid)
{
	if (parse_uid(text, uid))
		return true;
	return strlen(text) < NAME_BYTES && !strpbrk(text, ":\n") &&
	       (user_find_local(text, uid) || find_by_name_service(text, uid));
}
