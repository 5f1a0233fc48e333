/*
 * shm_object.h: safe opening and making of the shared-memory objects of a bus.
 *
 * It knows files on a tmpfs; it is not for what is in them, nor for their names (bus_paths.h).
 */
#ifndef ORBUS_RING_SHM_OBJECT_H
#define ORBUS_RING_SHM_OBJECT_H

#include "bus_paths.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * Opens an existing object of the bus, never through a link and never creating it
 * (fs.protected_regular refuses O_CREAT on another user's file). Returns a descriptor or a negative
 * errno; -EBADMSG where it is no regular file, -EKEYREJECTED where its owner is not trusted.
 */
int object_open(const struct bus_paths *paths, const char *path, int flags);

/*
 * True where an object of the name exists and its owner is not trusted; for messages that name the
 * owner. Whether an object is used is decided by its descriptor, in object_open().
 */
bool object_is_strangers(const struct bus_paths *paths, const char *path, uid_t *owner);

/*
 * Makes an unnamed file on the tmpfs of folder `dir` with exactly these permissions; link it with
 * object_link(). A maker that dies before then leaves nothing behind. -ENOTSUP: not a tmpfs.
 */
int object_make(const char *dir, mode_t mode, const gid_t *group);

/*
 * Gives an object that is there these permissions and group (NULL: it keeps its own), in an order
 * in which no user has more rights at any moment than before or after. 0 where there is nothing to
 * change; -EPERM.
 */
int object_adjust(int fd, mode_t mode, const gid_t *group);

/* Gives an unnamed file its name. -EEXIST where it is taken. */
int object_link(int fd, const char *path);

/* As object_link(), but replaces the object that has the name now, in one step. */
int object_replace(int fd, const char *path);

/* The inode that has the name now, 0 where there is none. */
uint64_t object_inode(const char *path);

/*
 * Locks one byte for the descriptor's open file description, exclusively. -EAGAIN: taken. It never
 * waits: a process that may open the object could hold the byte for ever.
 */
int object_lock(int fd, int64_t byte);

/* 1: some description holds a write lock on the byte, 0: none, or a negative errno. */
int object_is_locked(int fd, int64_t byte);

#endif
