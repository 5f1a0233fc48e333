/*
 * handle.c: the table of open handles.
 *
 * A cell is taken, shown, closed, and free again once no thread is in it. Cells and guards are
 * never unmapped, so a handle that was closed can be looked up for ever. All is atomic and nothing
 * is waited for: a child that was forked while another thread was in here finds no lock taken; it
 * may find a cell that will never be freed.
 *
 * Taking a handle from its owner. The owner stores `owner_inside`, then loads `owner`; the thread
 * that takes it away stores `owner`, then loads `owner_inside`. With both orders kept one of the
 * two sees the other. The owner's pair is a plain store and load, which a processor may reorder; so
 * the other thread, which does this once, has the kernel run a barrier on all processors in
 * between.
 *
 * An owner that was kept from running between its first and its second look stores `owner_inside`
 * for a moment when others are inside: so a cell that has been shared stays so, for all handles to
 * come, and that word is used only right after `shared_busy` was taken.
 *
 * Closing beside a call. The closer clears `handle`, then tries to occupy the cell; the call leaves
 * it, then looks at `handle`: likewise.
 */
#include "handle.h"
#include "slow_path.h"

#include <linux/membarrier.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define GUARDS_PER_BLOCK 64u

struct handle_cell handle_cells[HANDLES_MAX];

static struct handle_guard *_Atomic blocks[HANDLES_MAX / GUARDS_PER_BLOCK];
/* Below it all cells are taken, as far as is known: where the search for a free one begins. */
static _Atomic uint32_t first_free;

_Static_assert(sizeof(struct handle_guard) == 64, "a cache line each");
_Static_assert(sizeof(struct handle_cell) <= 64, "a cache line each");

/*
 * Has every thread of the process pass a full barrier. Where membarrier() is denied: the processors
 * that run us must forget what they know of a page, for which the kernel interrupts them (on x86).
 */
static void barrier_everywhere(void)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	int errno_before = errno;
	char *p;

	if (syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) < 0 ||
	    syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0) < 0) {
		p = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (p != MAP_FAILED) {
			*(volatile char *)p = 1;
			(void)mprotect(p, page, PROT_NONE);
			munmap(p, page);
		}
	}
	errno = errno_before;
}

/* From here on the handle has no owner. */
static void share(struct handle_guard *g, uintptr_t owner)
{
	if (owner != HANDLE_REVOKING &&
	    !atomic_compare_exchange_strong(&g->owner, &owner, HANDLE_REVOKING))
		return;
	barrier_everywhere();
	owner = HANDLE_REVOKING;
	(void)atomic_compare_exchange_strong(&g->owner, &owner, HANDLE_SHARED);
}

bool handle_occupy_shared(struct handle_cell *cell)
{
	struct handle_guard *g = cell->guard;
	uintptr_t owner = atomic_load(&g->owner);

	if (owner == HANDLE_NOBODY &&
	    atomic_compare_exchange_strong(&g->owner, &owner, handle_this_thread()))
		return handle_occupy(cell);
	/* Few rounds: `owner` becomes HANDLE_NOBODY only where the handle is opened or closed. */
	while (owner != HANDLE_SHARED) {
		share(g, owner);
		owner = atomic_load(&g->owner);
		if (owner == HANDLE_NOBODY)
			return false;
	}
	if (atomic_exchange_explicit(&g->shared_busy, 1, memory_order_seq_cst))
		return false;
	/* Acquire: pairs with the release of the former owner in handle_vacate(). */
	if (atomic_load_explicit(&g->owner_inside, memory_order_acquire)) {
		atomic_store_explicit(&g->shared_busy, 0, memory_order_release);
		return false;
	}
	atomic_store_explicit(&g->shared_inside, 1, memory_order_relaxed);
	return true;
}

/* Called inside: if only its owner used the handle, the cell's next handle has no owner yet. */
static void give_up_ownership(struct handle_cell *cell)
{
	uintptr_t me = handle_this_thread();

	(void)atomic_compare_exchange_strong(&cell->guard->owner, &me, HANDLE_NOBODY);
}

static struct handle_guard *map_block(void)
{
	size_t bytes = GUARDS_PER_BLOCK * sizeof(struct handle_guard);
	void *block = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int err;

	if (block == MAP_FAILED)
		return NULL;
	if (madvise(block, bytes, MADV_WIPEONFORK) == 0)
		return block;
	err = errno;
	munmap(block, bytes);
	errno = err;
	return NULL;
}

static struct handle_guard *guard_of(uint32_t index)
{
	struct handle_guard *_Atomic *place = &blocks[index / GUARDS_PER_BLOCK];
	/* Acquire: pairs with the exchange below, of any thread. */
	struct handle_guard *block = atomic_load_explicit(place, memory_order_acquire), *ours;

	if (!block) {
		ours = map_block();
		if (!ours)
			return NULL;
		if (atomic_compare_exchange_strong(place, &block, ours))
			block = ours;
		else
			munmap(ours, GUARDS_PER_BLOCK * sizeof(*ours));
	}
	return &block[index % GUARDS_PER_BLOCK];
}

/* Release: what was done with the cell comes before its next owner. */
static void make_free(struct handle_cell *cell)
{
	uint32_t index = (uint32_t)(cell - handle_cells);

	atomic_store_explicit(&cell->taken, false, memory_order_release);
	if (index < atomic_load_explicit(&first_free, memory_order_relaxed))
		atomic_store_explicit(&first_free, index, memory_order_relaxed);
}

/* 0, -EBUSY: it is not free, or an error. Acquire: pairs with the release in make_free(). */
static int take(uint32_t index)
{
	struct handle_cell *cell = &handle_cells[index];
	int err = 0;

	if (atomic_load_explicit(&cell->taken, memory_order_relaxed) ||
	    atomic_exchange_explicit(&cell->taken, true, memory_order_acquire))
		return -EBUSY;
	if (!cell->guard)
		cell->guard = guard_of(index);
	if (!cell->guard)
		err = system_error(errno);
	/* A call on the handle that was here before, which leaves late, must not see this body. */
	else if (!handle_occupy(cell))
		err = -EBUSY;
	if (err)
		make_free(cell);
	return err;
}

/* The hint may be wrong after two threads changed it: all cells are searched. */
struct handle_cell *handle_take(int *err)
{
	uint32_t from = atomic_load_explicit(&first_free, memory_order_relaxed);

	for (uint32_t n = 0; n < HANDLES_MAX; n++) {
		uint32_t index = (from + n) % HANDLES_MAX;
		struct handle_cell *cell = &handle_cells[index];

		*err = take(index);
		if (*err == -EBUSY)
			continue;
		if (*err)
			return NULL;
		atomic_store_explicit(&first_free, index + 1, memory_order_relaxed);
		cell->body = NULL;
		atomic_store_explicit(&cell->refused, 0, memory_order_relaxed);
		atomic_store_explicit(&cell->guard->next_id, 0, memory_order_relaxed);
		return cell;
	}
	*err = -ENOBUFS;
	return NULL;
}

void *handle_show(
    struct handle_cell *cell, enum handle_kind kind, void *body, void (*destroy)(void *body))
{
	uintptr_t index = (uintptr_t)(cell - handle_cells), handle;

	/* Another copy of the library in this process, whose table lies elsewhere, begins with
	 * other numbers. */
	if (cell->generation == 0)
		cell->generation = (uintptr_t)&handle_cells >> 12;
	cell->generation++;
	handle = cell->generation << HANDLE_GENERATION_SHIFT | index << HANDLE_INDEX_SHIFT |
	         (uintptr_t)kind << 1 | 1;
	cell->body = body;
	cell->destroy = destroy;
	/* Release: pairs with handle_is_open(). */
	atomic_store_explicit(&cell->handle, handle, memory_order_release);
	give_up_ownership(cell);
	handle_vacate(cell);
	return (void *)handle;
}

void handle_drop(struct handle_cell *cell)
{
	give_up_ownership(cell);
	handle_vacate(cell);
	make_free(cell);
}

bool handle_finish(struct handle_cell *cell)
{
	void *body;

	if (!handle_occupy(cell))
		return false;
	/* Another thread has finished it, and the cell may be in use again. */
	if (atomic_load_explicit(&cell->handle, memory_order_relaxed) != 0 || !cell->body) {
		handle_vacate(cell);
		return true;
	}
	body = cell->body;
	cell->body = NULL;
	cell->destroy(body);
	give_up_ownership(cell);
	handle_vacate(cell);
	make_free(cell);
	return true;
}

void handle_close(const void *handle, enum handle_kind kind)
{
	struct handle_cell *cell = handle_cell_of(handle);
	uintptr_t open = (uintptr_t)handle;
	int before = errno;

	/* If several threads close it, one of them does so. */
	if (!handle_is(handle, kind) || !atomic_compare_exchange_strong(&cell->handle, &open, 0))
		return;
	if (!handle_finish(cell)) {
		barrier_everywhere();
		(void)handle_finish(cell);
	}
	errno = before;
}
