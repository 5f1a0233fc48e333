/*
 * user.h: the number of a user, by his name.
 *
 * It is not for whom to trust (owner.h).
 */
#ifndef ORBUS_RING_USER_H
#define ORBUS_RING_USER_H

#include <stdbool.h>
#include <sys/types.h>

/* Looks a system user up in the first megabyte of /etc/passwd; safe within a publish. */
bool user_find_local(const char *name, uid_t *uid);

/*
 * Looks up a name or a number. A name that /etc/passwd does not have is asked of the name service,
 * which may take long: never within a publish.
 */
bool user_find(const char *text, uid_t *uid);

#endif
