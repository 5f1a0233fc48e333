/*
 * store.h: replaces, extends, compresses and removes files in one folder, asynchronously and
 * durably.
 *
 *   store.c     the queue: one operation at a time, completions in the caller's thread
 *   op.c        an operation, and how it fails
 *   uring.c     replacing, extending and removing as chains of linked io_uring requests
 *   worker.c    one thread that carries out operations by plain system calls
 *   posix.c     an operation by plain system calls, with sweep.c and compress.c for a step of these
 *   read.c      reading a whole file
 *   temporary.c the names of files that are not whole yet
 *
 * One interface, two implementations: uring.c and posix.c. A file is written under an unpredictable
 * temporary name, exclusively, then fsynced, renamed over its name, and the folder fsynced: a
 * reader sees the old file or the new one, whole, also across a crash. Nothing here blocks the
 * caller but store_open(), store_flush() and store_close(), which are told for how long.
 *
 * A store belongs to one thread; completions run inside store_poll() of that thread. It is not for
 * knowing what the bytes mean, nor for retrying: the caller does that.
 */
#ifndef ORBUS_AGENT_STORE_H
#define ORBUS_AGENT_STORE_H

#include "result.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum store_io {
	STORE_IO_AUTO,  /* io_uring where it works, else plain system calls */
	STORE_IO_URING, /* io_uring or an error */
	STORE_IO_POSIX, /* plain system calls in a worker thread */
};

struct store;

/*
 * Opens a store on the folder `dirfd` (borrowed: must stay open until store_close()).
 * `lock_fd` (or -1) is the descriptor that holds the folder's lock: io_uring keeps a reference to
 * its open file description for as long as any of its work may still run, so that after a
 * kill -9 the lock is free only when no old rename can land any more.
 *
 * Returns 0; with STORE_IO_URING, the error for which io_uring is refused, found by really
 * carrying out a write chain in the folder; -ENOMEM, -EAGAIN.
 * With STORE_IO_AUTO, *refused is that error when plain system calls are used instead, else 0.
 */
int store_open(enum store_io io, int dirfd, int lock_fd, struct store **out, int *refused);

/* "io_uring" or "posix": which one is in use. */
const char *store_kind(const struct store *s);

/*
 * Queues the replacement of file `name` by `length` bytes at `bytes`, which the store owns from
 * here on (malloc'ed; freed when done, also on error). `done` may be NULL. Operations are carried
 * out in the order given, one after the other. The order of puts and removes is kept.
 * Returns 0, -ENOMEM, or -ECANCELED while the store is being closed (bytes freed, done not called).
 */
int store_put(struct store *s, const char *name, char *bytes, size_t length, unsigned mode,
    store_done_fn *done, void *context);

/*
 * Queues writing `length` bytes at `offset` of file `name`, which are borrowed until `done` is
 * called, and an fsync. Offset 0 begins the file, emptied where it exists; elsewhere it must exist
 * (-ENOENT), and what it holds beyond stays. Never through a link. A crash, or an error, leaves any
 * part of it written: readers must know how far the file is good.
 */
int store_write(struct store *s, const char *name, uint64_t offset, const char *bytes,
    size_t length, unsigned mode, store_done_fn *done, void *context);

/*
 * Queues one step of compressing file `name` (zstd): the `length` bytes from `offset` become a
 * frame at the end of file `temporary`, which offset 0 begins; a name of store_temporary_name().
 * With `target`, the last step, `temporary` is then fsynced and renamed to it, and the folder
 * fsynced. The bytes must be there (-ENODATA). A step takes the worker's thread for as long as its
 * bytes do. After an error, begin again.
 */
int store_compress(struct store *s, const char *name, uint64_t offset, uint64_t length,
    const char *temporary, const char *target, unsigned mode, store_done_fn *done, void *context);

/* Queues the removal of `name`, then an fsync of the folder. A missing file is no error. */
int store_remove(struct store *s, const char *name, store_done_fn *done, void *context);

/* Queues renaming `name` to `target`, in whose place it comes; the next put makes it durable. */
int store_rename(
    struct store *s, const char *name, const char *target, store_done_fn *done, void *context);

/* Queues reading the whole of regular file `name`, at most 64 MiB (-EFBIG), never through a link.
 */
int store_get(struct store *s, const char *name, store_done_fn *done, void *context);

/*
 * Queues one step of going through the folder and removing the regular files whose names are
 * wanted: some hundred at most, for some milliseconds, and then one fsync of the folder for all of
 * them. Where there may be more, the next step goes on from there. Steps wait behind everything
 * else that is queued, so that a save waits for one step at most. One sweep at a time.
 *
 * `wanted` is called in another thread, with `order`, which must not change until `done` is called.
 * A file that cannot be removed is passed over, and the first such error reported with its name.
 */
int store_sweep(struct store *s, store_wanted_fn *wanted, const void *order, store_done_fn *done,
    void *context);

/* Runs the completions that are due. Returns the number of operations still pending. */
size_t store_poll(struct store *s);

/* Waits until nothing is pending, at most timeout_ms, running completions. Pending ones left. */
size_t store_flush(struct store *s, int timeout_ms);

/*
 * Forgets what has not begun (done() gets -ECANCELED), waits at most so long for what has, and
 * frees everything. NULL is allowed. Nothing can be queued meanwhile.
 *
 * False: an operation is still under way, in a system call that does not return. Then nothing is
 * freed, since the kernel uses it, and the process must end at once, by _exit(). What the kernel
 * has not done by then, it does or drops before the process is gone for good and the folder's lock
 * is free.
 */
bool store_close(struct store *s, int timeout_ms);

#endif
