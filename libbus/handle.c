/*
 * handle.c: the table of open handles.
 *
 * A cell is taken, shown, closed, and free again once nobody is in it. Cells and guards are never
 * unmapped, so a handle that was closed can be looked up for ever. All is atomic and nothing is
 * waited for: a child that was forked while another thread was in here finds no lock taken; it may
 * find a cell that nobody will free.
 *
 * Closing beside a call. The closer clears `handle`, then tries to occupy the cell. The call
 * vacates it, then looks at `handle`. With both orders kept one of the two sees the other; the
 * call's pair is a plain store and load, which a processor may exchange, so that the closer, who is
 * in no hurry, has the kernel run a barrier on all processors (membarrier) and tries again. Where
 * that is denied, a handle closed in one thread at the very moment at which another leaves it may
 * stay in memory, unused.
 */
#include "handle.h"

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

static struct handle_guard *map_block(void)
{
	size_t bytes = GUARDS_PER_BLOCK * sizeof(struct handle_guard);
	void *block = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int err;

	if (block == MAP_FAILED)
		return NULL;
	if (madvise(block, bytes, MADV_WIPEONFORK) == 0)
		return block;
	/* EINVAL: the kernel knows no such advice. */
	err = errno == EINVAL ? ENOSYS : errno;
	munmap(block, bytes);
	errno = err;
	return NULL;
}

static struct handle_guard *guard_of(uint32_t index)
{
	struct handle_guard *_Atomic *place = &blocks[index / GUARDS_PER_BLOCK];
	/* Acquire: pairs with the exchange below, in whatever thread. */
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
		err = -errno;
	/* A call on the handle that was here before, which leaves late, must not see this body. */
	else if (!handle_occupy(cell))
		err = -EBUSY;
	if (err)
		make_free(cell);
	return err;
}

/* The hint may be wrong, where two threads were at it: all are asked. */
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
	handle_vacate(cell);
	return (void *)handle;
}

void handle_drop(struct handle_cell *cell)
{
	handle_vacate(cell);
	make_free(cell);
}

void handle_finish(struct handle_cell *cell)
{
	void *body;

	if (!handle_occupy(cell))
		return;
	/* Finished by another one, and perhaps in use again. */
	if (atomic_load_explicit(&cell->handle, memory_order_relaxed) != 0 || !cell->body) {
		handle_vacate(cell);
		return;
	}
	body = cell->body;
	cell->body = NULL;
	cell->destroy(body);
	handle_vacate(cell);
	make_free(cell);
}

static void barrier_everywhere(void)
{
	if (syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) == 0)
		(void)syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0);
}

void handle_close(const void *handle, enum handle_kind kind)
{
	struct handle_cell *cell = handle_cell_of(handle);
	uintptr_t open = (uintptr_t)handle;
	int before = errno;

	/* Of several who close it, one does. */
	if (!handle_is(handle, kind) || !atomic_compare_exchange_strong(&cell->handle, &open, 0))
		return;
	if (atomic_load(&cell->guard->busy) != 0)
		barrier_everywhere();
	handle_finish(cell);
	errno = before;
}
