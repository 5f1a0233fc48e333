/*
 * owner.h: whose objects are trusted.
 *
 * Everybody may write to /dev/shm, so a name proves nothing: an object of a bus is used only if its
 * owner is oneself, root, the system user orbus, the user that $ORBUS_OWNER names, or, for a bus on
 * a path, the owner of its folder where nobody else may write there.
 *
 * It is not for permissions: what an owner lets others do is his affair.
 */
#ifndef ORBUS_RING_OWNER_H
#define ORBUS_RING_OWNER_H

#include "shm_object.h"

/* Reads $ORBUS_OWNER, a user's name or number, into paths->owner. -ESRCH: there is no such user. */
int owner_read_environment(struct bus_paths *paths);

bool owner_is_trusted(const struct bus_paths *paths, uid_t uid);

#endif
