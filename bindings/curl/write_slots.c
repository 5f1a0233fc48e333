/*
 * write_slots.c: a write callback for each transfer under way.
 */
#include "write_slots.h"

#include <stdatomic.h>

/* As many transfers of a process can be measured at once; a callback takes 16 bytes. */
#define SLOTS 4096

/*
 * A slot belongs to the call that put itself there, until this takes itself out again. Threads race
 * for free ones only: release and acquire by the exchange in write_slot_take(), the load in
 * dispatch() and the store in write_slot_free().
 */
static _Atomic(struct orbus_curl *) calls[SLOTS];
static atomic_uint next_slot;

static size_t dispatch(unsigned slot, char *bytes, size_t size, size_t count, void *data)
{
	struct orbus_curl *call = atomic_load_explicit(&calls[slot], memory_order_acquire);

	return orbus_curl_write(call, bytes, size, count, data);
}

/* clang-format off */
#define CALLBACK(n) \
	static size_t on_write_##n(char *bytes, size_t size, size_t count, void *data) \
	{ \
		return dispatch(0x##n, bytes, size, count, data); \
	}
#define NAME(n) on_write_##n,

#define EACH(X, n) \
	X(n##0) X(n##1) X(n##2) X(n##3) X(n##4) X(n##5) X(n##6) X(n##7) \
	X(n##8) X(n##9) X(n##a) X(n##b) X(n##c) X(n##d) X(n##e) X(n##f)
#define EACH_16(X, n) \
	EACH(X, n##0) EACH(X, n##1) EACH(X, n##2) EACH(X, n##3) \
	EACH(X, n##4) EACH(X, n##5) EACH(X, n##6) EACH(X, n##7) \
	EACH(X, n##8) EACH(X, n##9) EACH(X, n##a) EACH(X, n##b) \
	EACH(X, n##c) EACH(X, n##d) EACH(X, n##e) EACH(X, n##f)
#define ALL(X) \
	EACH_16(X, 0) EACH_16(X, 1) EACH_16(X, 2) EACH_16(X, 3) \
	EACH_16(X, 4) EACH_16(X, 5) EACH_16(X, 6) EACH_16(X, 7) \
	EACH_16(X, 8) EACH_16(X, 9) EACH_16(X, a) EACH_16(X, b) \
	EACH_16(X, c) EACH_16(X, d) EACH_16(X, e) EACH_16(X, f)

ALL(CALLBACK)

static const curl_write_callback callbacks[] = {ALL(NAME)};
/* clang-format on */
_Static_assert(sizeof(callbacks) / sizeof(callbacks[0]) == SLOTS, "a callback a slot");

curl_write_callback write_slot_take(struct orbus_curl *call, unsigned *slot)
{
	for (unsigned i = 0; i < SLOTS; i++) {
		unsigned at =
		    atomic_fetch_add_explicit(&next_slot, 1, memory_order_relaxed) % SLOTS;
		struct orbus_curl *none = NULL;

		if (atomic_compare_exchange_strong_explicit(
			&calls[at], &none, call, memory_order_acq_rel, memory_order_relaxed)) {
			*slot = at;
			return callbacks[at];
		}
	}
	return NULL;
}

void write_slot_free(unsigned slot)
{
	atomic_store_explicit(&calls[slot], NULL, memory_order_release);
}
