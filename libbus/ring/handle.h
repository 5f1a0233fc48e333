/*
 * handle.h: what a handle that a program holds stands for, and who is using it.
 *
 * A handle is a number and not an address: an index into a table, a kind, and a generation that is
 * another one for each handle ever opened. So a handle that was closed, a handle of another kind
 * and a pointer that is no handle are recognised and refused, and nothing is read at the address.
 * The table is the one thing that the library keeps for the process as a whole.
 *
 * A thread in a call on a handle occupies it. No other thread waits for it: a second thread, or a
 * signal handler that interrupted the call, is refused with -EALREADY. The words that say so lie in
 * a page that the kernel wipes in a forked child, where the other threads do not exist.
 *
 * It is not for what the handles do (producer.c, reader.c).
 */
#ifndef ORBUS_RING_HANDLE_H
#define ORBUS_RING_HANDLE_H

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum handle_kind { HANDLE_PRODUCER = 1, HANDLE_READER, HANDLE_CALL };

/* Handles that a process can have open at once. */
#define HANDLES_MAX 16384u

/* A handle's bits: 1, two of kind, fourteen of index, the rest of generation. An odd number: no
 * address of anything that was allocated. */
#define HANDLE_INDEX_SHIFT      3
#define HANDLE_GENERATION_SHIFT 17

/*
 * Says which thread is in a call. It lies in a page that is wiped in a forked child, a cache line
 * each.
 *
 * A handle that one thread uses, as nearly all do, costs that thread no locked instruction: it is
 * `owner`, and says by a plain store that it is inside. The first other thread ends this ownership
 * for good (HANDLE_SHARED, with a barrier in all threads: handle.c); from then on all threads lock
 * `shared_busy`.
 */
struct handle_guard {
	_Atomic uintptr_t owner; /* a thread, or one of the words below */
	_Atomic uint32_t owner_inside;
	_Atomic uint32_t shared_busy;
	_Atomic uint32_t shared_inside;
	_Atomic uint64_t next_id; /* of a producer's requests; 0: to be begun at random */
	uint8_t pad[32];
};

#define HANDLE_NOBODY   0u /* the first thread to come owns it */
#define HANDLE_SHARED   1u
#define HANDLE_REVOKING 2u

struct handle_cell {
	_Atomic uintptr_t handle; /* that is open here; 0: none */
	struct handle_guard *guard;
	void *body;
	void (*destroy)(void *body);
	_Atomic uint64_t refused; /* calls that were refused; of the handle, for its owner */
	uintptr_t generation;
	_Atomic bool taken;
};

extern struct handle_cell handle_cells[HANDLES_MAX];

/*
 * A free cell, occupied; show it or drop it. NULL with *err -ENOBUFS: HANDLES_MAX are open;
 * -ENOMEM, -ENOSYS: the kernel has no page that is wiped in a child.
 */
struct handle_cell *handle_take(int *err);

/* From here on the handle is open. `destroy` frees the body when it was closed and left. */
void *handle_show(
    struct handle_cell *cell, enum handle_kind kind, void *body, void (*destroy)(void *body));

/* A cell that was taken and not shown. */
void handle_drop(struct handle_cell *cell);

/*
 * Closes a handle. A word that is no handle, or a closed one, is left alone. Where a call on it is
 * under way, in another thread or in the code that a signal handler interrupted, that call destroys
 * it when it is over.
 */
void handle_close(const void *handle, enum handle_kind kind);

/*
 * Destroys the body of a handle that was closed while it was in use. False: a thread is inside, and
 * will do it.
 */
bool handle_finish(struct handle_cell *cell);

static inline bool handle_is(const void *handle, enum handle_kind kind)
{
	return ((uintptr_t)handle & 7) == (1 | (uintptr_t)kind << 1);
}

static inline struct handle_cell *handle_cell_of(const void *handle)
{
	return &handle_cells[(uintptr_t)handle >> HANDLE_INDEX_SHIFT & (HANDLES_MAX - 1)];
}

/*
 * Whether the handle is open. Acquire: pairs with the release in handle_show(), after which guard
 * and body are there.
 */
static inline bool handle_is_open(const void *handle, enum handle_kind kind)
{
	return handle_is(handle, kind) && atomic_load_explicit(&handle_cell_of(handle)->handle,
					      memory_order_acquire) == (uintptr_t)handle;
}

static inline uintptr_t handle_this_thread(void)
{
#if defined(__GNUC__) && !defined(__clang__) && __GNUC__ >= 11
	return (uintptr_t)__builtin_thread_pointer();
#else
	return (uintptr_t)pthread_self();
#endif
}

/* As handle_occupy(), of a thread that is not the owner. */
bool handle_occupy_shared(struct handle_cell *cell);

/*
 * False: another thread is inside. The owner stores that it is inside, then looks whether it is
 * still the owner. A thread that takes the handle away does the reverse, with a barrier in between.
 * A signal handler of the owner finds the word as it left it. Relaxed: the owner follows itself;
 * what others did, handle_occupy_shared() acquires.
 */
static inline bool handle_occupy(struct handle_cell *cell)
{
	struct handle_guard *g = cell->guard;
	uintptr_t me = handle_this_thread();

	if (atomic_load_explicit(&g->owner, memory_order_relaxed) == me) {
		if (atomic_load_explicit(&g->owner_inside, memory_order_relaxed))
			return false;
		atomic_store_explicit(&g->owner_inside, 1, memory_order_relaxed);
		atomic_signal_fence(memory_order_seq_cst);
		if (atomic_load_explicit(&g->owner, memory_order_relaxed) == me)
			return true;
		atomic_store_explicit(&g->owner_inside, 0, memory_order_release);
	}
	return handle_occupy_shared(cell);
}

/* Release: pairs with the acquires in handle_occupy_shared(). */
static inline void handle_vacate(struct handle_cell *cell)
{
	struct handle_guard *g = cell->guard;

	/* Set only by the thread that is inside. */
	if (atomic_load_explicit(&g->shared_inside, memory_order_relaxed)) {
		atomic_store_explicit(&g->shared_inside, 0, memory_order_relaxed);
		atomic_store_explicit(&g->shared_busy, 0, memory_order_release);
	} else {
		atomic_store_explicit(&g->owner_inside, 0, memory_order_release);
	}
	atomic_signal_fence(memory_order_seq_cst);
}

/* Ends what handle_enter() began. */
static inline void handle_leave(struct handle_cell *cell)
{
	handle_vacate(cell);
	if (atomic_load_explicit(&cell->handle, memory_order_relaxed) == 0)
		(void)handle_finish(cell);
}

/*
 * Begins a call on the handle. -EINVAL: it is NULL, closed, of another kind or none; -EALREADY: a
 * call on it is under way.
 */
static inline int handle_enter(const void *handle, enum handle_kind kind, struct handle_cell **out)
{
	struct handle_cell *cell = handle_cell_of(handle);

	if (!handle_is_open(handle, kind))
		return -EINVAL;
	if (!handle_occupy(cell))
		return -EALREADY;
	*out = cell;
	/* Closed meanwhile: seen here, or the closer finds the cell occupied. The closer's barrier,
	 * or the one of the locked instruction, orders the two. */
	if (atomic_load_explicit(&cell->handle, memory_order_relaxed) == (uintptr_t)handle)
		return 0;
	handle_leave(cell);
	return -EINVAL;
}

#endif
