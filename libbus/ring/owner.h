/*
 * owner.h: whose objects are trusted.
 *
 * Any user may create files in /dev/shm, so a name proves nothing: an object of a bus is used only
 * if its owner is the user who runs the program, root, the system user orbus, the user that
 * $ORBUS_OWNER names, or, for a bus on a path, the owner of its folder where no other user can
 * write to that folder.
 *
 * It does not check permissions: those are set by the owner.
 */
#ifndef ORBUS_RING_OWNER_H
#define ORBUS_RING_OWNER_H

#include "bus_paths.h"

bool owner_is_trusted(const struct bus_paths *paths, uid_t uid);

#endif
